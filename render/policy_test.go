package render

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/render/install"
	"github.com/sluiceproxy/sluice/watch"
)

var impatient = watch.Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond}

// A failure that is fatal ends Run, after the pass: the others were done.
func TestFatalFailures(t *testing.T) {
	dir := t.TempDir()
	plain := dir + "/plain"
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		template Template
		words    string
	}{
		"syntax":  {Template{Contents: "{{ nonsense }}", Destination: "bad", ErrorFatal: true}, `"nonsense" not defined`},
		"execute": {Template{Contents: "{{ divide 0 1 }}", Destination: "bad", ErrorFatal: true}, "division by zero"},
		"write":   {Template{Contents: "x", Destination: plain + "/below", ErrorFatal: true}, "below"},
		"command": {Template{Contents: "x", Destination: "bad", Command: install.Command{"echo on fire; exit 7"}, CommandRetries: 2, OnCommandError: CommandExit}, "on fire"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := start(t, Options{Templates: []Template{test.template, text("good", "good")}, Retry: impatient})
			<-b.done
			if err := b.stop(); err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("error %v, want %q", err, test.words)
			}
			if b.read("good") != "good" {
				t.Error("the other template was not rendered")
			}
			if n := b.out.Count("on fire"); name == "command" && n != 3 {
				t.Errorf("the command ran %d times, want 3", n)
			}
		})
	}
}

func TestOnceGoesOnAfterCommands(t *testing.T) {
	_, err := once(t, Options{Templates: []Template{
		{Contents: "x", Destination: "a", Command: install.Command{"exit 7 #"}, OnCommandError: CommandContinue},
	}})
	if err != nil {
		t.Errorf("continue: %v", err)
	}
}

func TestAbsenceIsAnError(t *testing.T) {
	b := start(t, Options{AbsentIsError: true, Templates: []Template{text(`{{key "a"}}`, "a")}})
	b.source.Set(watch.Key{Path: "a"}, (*watch.Pair)(nil))
	<-b.done
	if err := b.stop(); err == nil || !strings.Contains(err.Error(), "key a: it does not exist") {
		t.Errorf("error %v", err)
	}
}

// The previous file is back in effect, and the new text is tried again only when
// it is another one.
func TestRollback(t *testing.T) {
	b := start(t, Options{Retry: impatient, Templates: []Template{{
		Contents: `{{key "a"}}`, Destination: "out",
		Command:        install.Command{`echo "reload $(cat $SLUICE_DESTINATION)"; ! grep -q bad $SLUICE_DESTINATION`},
		CommandRetries: 1,
		OnCommandError: CommandRollback,
	}}})
	b.setKey("a", "good")
	b.awaitState(0, Applied)
	b.setKey("a", "bad")
	s := b.awaitState(0, RolledBack)
	if s.Err == nil || b.read("out") != "good" || b.read("out.rejected") != "bad" {
		t.Errorf("error %v, file %q, rejected %q", s.Err, b.read("out"), b.read("out.rejected"))
	}
	b.setKey("a", "better")
	b.awaitFile("out", "better")
	b.awaitState(0, Applied)
	if s := b.Status()[0]; s.Renders != 3 || s.Commands != 4 || s.CommandFailures != 2 {
		t.Errorf("counted %d renders, %d commands, %d failures", s.Renders, s.Commands, s.CommandFailures)
	}
	if got, want := b.out.String(), "reload good\nreload bad\nreload bad\nreload good\nreload better\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// With nothing to roll back to, the command is tried until it succeeds.
func TestRollbackOfTheFirst(t *testing.T) {
	b := start(t, Options{Retry: impatient, Templates: []Template{{
		Contents: "x", Destination: "out", Command: install.Command{"echo run; test -e $DIR/fixed"}, OnCommandError: CommandRollback,
	}}})
	b.await("attempts", func() bool { return b.out.Count("run") > 2 })
	if b.read("out") != "x" {
		t.Errorf("file %q", b.read("out"))
	}
	if err := os.WriteFile(b.path("fixed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.awaitState(0, Applied)
}

func TestGuards(t *testing.T) {
	instances := func(n int) []watch.Instance { return make([]watch.Instance, n) }
	guarded := text(`{{range service "web"}}0123456789{{end}}`, "out")
	guarded.MinInstances, guarded.MaxShrink = 1, 50
	small := text(`{{range service "web"}}x{{end}}`, "small")
	small.MinBytes = 2
	b := start(t, Options{Templates: []Template{guarded, small}})
	web := watch.Health{Service: "web", PassingOnly: true}
	b.source.Set(web, instances(10))
	b.await("the first", func() bool { return len(b.read("out")) == 100 })

	for _, step := range []struct {
		instances int
		state     State
		size      int
		words     string
	}{
		{5, Applied, 50, ""},
		{2, Held, 50, "30 bytes less than 50"},
		{0, Held, 50, "0 instances"},
		{3, Applied, 30, ""},
	} {
		b.source.Set(web, instances(step.instances))
		b.await(step.words, func() bool {
			s := b.Status()[0]
			return s.State == step.state && len(b.read("out")) == step.size &&
				(step.words == "" || s.Err != nil && strings.Contains(s.Err.Error(), step.words))
		})
	}
	b.source.Set(web, instances(1))
	s := b.awaitState(1, Held)
	if s.Err == nil || !strings.Contains(s.Err.Error(), "min_bytes is 2") || b.read("small") != "xxx" {
		t.Errorf("error %v, file %q", s.Err, b.read("small"))
	}
}

// The command of a group runs once, when all of it is rendered, also across wait
// timers.
func TestGroupRunsOneCommandAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		member := func(contents, destination string, wait time.Duration) Template {
			m := text(contents, destination)
			m.Command, m.CommandGroup = install.Command{"echo", "reload"}, "web"
			m.Wait.Min = wait
			return m
		}
		b := start(t, Options{Templates: []Template{
			member("static", "static", 0), member(`{{key "a"}}`, "at-once", 0), member(`{{key "a"}}`, "later", 10*time.Second),
		}})
		b.awaitFile("static", "static")
		time.Sleep(time.Minute)
		if b.out.String() != "" {
			t.Errorf("printed %q before the group was rendered", b.out)
		}
		b.setKey("a", "1")
		b.await("the command", func() bool { return b.out.String() == "reload\n" })

		b.setKey("a", "2")
		b.awaitFile("at-once", "2")
		b.awaitState(2, Settling)
		if b.out.String() != "reload\n" {
			t.Errorf("printed %q before the group was rendered", b.out)
		}
		b.awaitFile("later", "2")
		b.await("the command", func() bool { return b.out.String() == "reload\nreload\n" })
		b.stop()
	})
}

// A group that cannot be complete holds its command, and is a failure.
func TestOnceWithBrokenGroup(t *testing.T) {
	good, bad := text("x", "good"), text("{{ divide 0 1 }}", "bad")
	good.Command, good.CommandGroup = install.Command{"echo", "reload"}, "web"
	bad.Command, bad.CommandGroup = good.Command, "web"
	b, err := once(t, Options{Templates: []Template{good, bad}})
	if err == nil || !strings.Contains(err.Error(), `group "web"`) || !strings.Contains(err.Error(), "division by zero") {
		t.Errorf("error %v", err)
	}
	if b.read("good") != "x" || b.out.String() != "" {
		t.Errorf("file %q, printed %q", b.read("good"), b.out)
	}
}

func TestSplayDelaysTheCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		splayed := text("x", "out")
		splayed.Command, splayed.Splay = install.Command{"echo", "reload"}, time.Hour
		began := time.Now()
		b, err := once(t, Options{Templates: []Template{splayed}})
		if err != nil || b.out.String() != "reload\n" {
			t.Errorf("error %v, printed %q", err, b.out)
		}
		if since := time.Since(began); since == 0 || since > time.Hour+time.Second {
			t.Errorf("ran after %v", since)
		}
	})
}

func TestAfterPass(t *testing.T) {
	passes := make(chan Progress, 100)
	b := start(t, Options{
		Templates: []Template{text("x", "a"), text(`{{key "a"}}`, "b")},
		AfterPass: func(p Progress) { passes <- p },
	})
	if p := <-passes; p != (Progress{Written: true}) {
		t.Errorf("first pass: %+v", p)
	}
	b.setKey("a", "1")
	for p := range passes {
		if p.Complete {
			if !p.Written {
				t.Errorf("last pass: %+v", p)
			}
			break
		}
	}
}

func TestDryDiff(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir()}
	path := b.path("out")
	if err := os.WriteFile(path, []byte("one\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	changed := text("one\n2\nthree\n", path)
	changed.Command = install.Command{"nginx -s reload"}
	for _, test := range []struct {
		template Template
		want     string
	}{
		{changed, "--- PATH\n+++ PATH (new)\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n# then: nginx -s reload\n"},
		{text("one\ntwo\nthree\n", path), ""},
	} {
		b, err := once(t, Options{Dry: true, Diff: true, Templates: []Template{test.template}})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(b.out.String(), path, "PATH"); got != test.want || b.Differs() != (test.want != "") {
			t.Errorf("differs %v, printed\n%s\nwant\n%s", b.Differs(), got, test.want)
		}
	}
}

func TestStandardOutput(t *testing.T) {
	b, err := once(t, Options{Templates: []Template{
		{Contents: "one\n", Destination: "-", Command: install.Command{"echo", "ran"}}, text("two\n", "-"),
	}})
	if err != nil || b.out.String() != "one\ntwo\nran\n" {
		t.Errorf("error %v, printed %q", err, b.out)
	}
}
