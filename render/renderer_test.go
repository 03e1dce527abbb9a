package render

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/render/install"
	"github.com/sluiceproxy/sluice/watch"
)

func TestRendersAndFollows(t *testing.T) {
	b := start(t, Options{Templates: []Template{text(`v={{key "a"}}`, "out")}})
	s := b.awaitState(0, Waiting)
	b.await("a missing query", func() bool { return len(b.Status()[0].Missing) == 1 })
	if b.read("out") == "v=" || s.Generation != 0 {
		t.Fatal("written without data")
	}
	b.setKey("a", "1")
	b.awaitFile("out", "v=1")
	b.setKey("a", "2")
	b.awaitFile("out", "v=2")
	s = b.awaitState(0, Applied)
	if s.Generation == 0 || s.Written.IsZero() || s.Confirmed.IsZero() || s.Err != nil || !s.Ready() {
		t.Errorf("status %+v", s)
	}
	if err := b.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
}

// Queries that depend on answers are asked as the answers come.
func TestNestedQueries(t *testing.T) {
	b := start(t, Options{Templates: []Template{
		text(`{{range services}}{{.Name}}:{{range service .Name}}{{key (printf "port/%s" .ID)}} {{end}}{{end}}`, "out"),
	}})
	b.source.Set(watch.Services{}, []watch.ServiceTags{{Name: "web"}})
	b.source.Set(watch.Health{Service: "web", PassingOnly: true}, []watch.Instance{
		{Service: watch.ServiceInfo{ID: "w1"}}, {Service: watch.ServiceInfo{ID: "w2"}},
	})
	b.setKey("port/w1", "1")
	b.setKey("port/w2", "2")
	b.awaitFile("out", "web:1 2 ")
	// What is no longer used is no longer asked.
	b.source.Set(watch.Services{}, []watch.ServiceTags(nil))
	b.awaitFile("out", "")
	b.await("unwatched", func() bool { return len(b.watcher.Status().Queries) == 1 })
}

// A template that fails on empty data is not broken while data is missing.
func TestErrorWithoutDataIsWaiting(t *testing.T) {
	b := start(t, Options{Templates: []Template{text(`{{(index (service "web") 0).Port}}`, "out")}})
	b.source.Set(watch.Health{Service: "web", PassingOnly: true}, []watch.Instance{{Service: watch.ServiceInfo{Port: 80}}})
	b.awaitFile("out", "80")
	b.source.Set(watch.Health{Service: "web", PassingOnly: true}, []watch.Instance(nil))
	s := b.awaitState(0, Broken)
	if s.Err == nil || !strings.HasPrefix(s.Err.Error(), "(dynamic):1:") || b.read("out") != "80" {
		t.Errorf("error %v, file %q", s.Err, b.read("out"))
	}
	b.source.Set(watch.Health{Service: "web", PassingOnly: true}, []watch.Instance{{Service: watch.ServiceInfo{Port: 81}}})
	b.awaitFile("out", "81")
	b.awaitState(0, Applied)
}

// Each fault stays with its template.
func TestFaultsAreIsolated(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "bad.ctmpl")
	if err := os.WriteFile(source, []byte("fine\n{{ nonsense }}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bad := DefaultTemplate()
	bad.Source, bad.Destination = source, "bad"
	gone := bad
	gone.Source, gone.Destination = filepath.Join(dir, "gone.ctmpl"), "gone"
	templates := []Template{
		bad, gone,
		text(`{{divide 0 1}}`, "fails"),
		text(`x`, filepath.Join(plain, "below")),
		text(`{{key "a"}}`, "good"),
	}
	wants := []struct {
		state State
		words string
	}{
		{Broken, source + `:2:4: function "nonsense" not defined: {{ nonsense }}`},
		{Broken, gone.Source},
		{Broken, "division by zero"},
		{WriteFailed, filepath.Join(plain, "below")},
		{Applied, ""},
	}
	check := func(b *bench) {
		t.Helper()
		for i, want := range wants {
			s := b.awaitState(i, want.state)
			if want.words == "" {
				continue
			}
			if s.Err == nil || !strings.Contains(s.Err.Error(), want.words) {
				t.Errorf("template %d: error %v, want %q", i, s.Err, want.words)
			}
		}
	}
	b := start(t, Options{Templates: templates})
	b.setKey("a", "1")
	b.awaitFile("good", "1")
	check(b)
	b.setKey("a", "2")
	b.awaitFile("good", "2")
	if n := b.log.Count(`level=ERROR msg="executing a template failed"`); n != 1 {
		t.Errorf("the failing template was reported %d times", n)
	}

	b = &bench{t: t, dir: t.TempDir(), source: b.source}
	b.start(Options{Templates: templates, Once: true})
	<-b.done
	check(b)
	for _, want := range wants {
		if b.err == nil || !strings.Contains(b.err.Error(), want.words) {
			t.Errorf("once: error %v, want %q", b.err, want.words)
		}
	}
}

func TestWriteIsRetried(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "folder")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, Options{
		Templates: []Template{text(`x`, filepath.Join(blocked, "out"))},
		Retry:     watch.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond},
	})
	if s := b.awaitState(0, WriteFailed); s.Retry.IsZero() {
		t.Error("no retry is planned")
	}
	b.await("retries", func() bool { return b.log.Count("writing a file failed") > 2 })
	if n := b.log.Count(`level=ERROR`); n != 1 {
		t.Errorf("one state was reported %d times", n)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	b.awaitState(0, Applied)
}

func TestOnce(t *testing.T) {
	b := start(t, Options{Once: true, Templates: []Template{
		{Contents: `{{key "a"}}`, Destination: "a", Command: install.Command{"echo a-ran"}},
		{Contents: `static`, Destination: "b", Command: install.Command{"cat $DIR/b"}},
	}})
	b.awaitFile("b", "static")
	b.await("the command", func() bool { return b.out.String() == "static" })
	b.setKey("a", "1")
	<-b.done
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if b.read("a") != "1" || b.out.String() != "statica-ran\n" {
		t.Errorf("file %q, output %q", b.read("a"), b.out)
	}
}

func TestOnceWithoutTemplates(t *testing.T) {
	if _, err := once(t, Options{}); err != nil {
		t.Error(err)
	}
}

func TestOnceIsCancelled(t *testing.T) {
	b := start(t, Options{Once: true, Templates: []Template{text(`{{key "a"}}`, "a")}})
	b.await("a missing query", func() bool { return len(b.Status()[0].Missing) == 1 })
	if err := b.stop(); err == nil {
		t.Error("Run returned no error although nothing was rendered")
	}
}

func TestDry(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir()}
	if err := os.WriteFile(b.path("same"), []byte("same"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := once(t, Options{Dry: true, Templates: []Template{
		{Contents: "one\n", Destination: b.path("new"), Command: install.Command{"echo never"}},
		text("same", b.path("same")),
		text(`{{""}}`, ""),
		text("last", ""),
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(b.out.String(), filepath.Dir(b.options.Templates[0].Destination)+"/", "")
	if want := "> new\none\n> \n> \nlast"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	if _, err := os.Stat(b.options.Templates[0].Destination); err == nil {
		t.Error("a file was written")
	}
}

// Only what the new data concerns is executed again.
func TestExecutesOnlyWhatChanged(t *testing.T) {
	// The time of its execution is in the first one's text.
	b := start(t, Options{Templates: []Template{
		text(`{{key "a"}} {{timestamp "15:04:05.000000000"}}`, "a"), text(`{{key "b"}}`, "b"),
	}})
	b.setKey("a", "1")
	b.setKey("b", "1")
	b.awaitFile("b", "1")
	b.awaitState(0, Applied)
	before := b.read("a")
	b.setKey("b", "2")
	b.awaitFile("b", "2")
	b.awaitState(1, Applied)
	if b.read("a") != before {
		t.Error("a template was executed although its data had not changed")
	}
	b.await("its generation", func() bool { s := b.Status(); return s[0].Generation == s[1].Generation })
}

func TestEqualCommandsRunOnce(t *testing.T) {
	reload := install.Command{`echo "reload $(cat $DIR/*)"`}
	b, err := once(t, Options{Templates: []Template{
		{Contents: "1", Destination: "a", Command: reload},
		{Contents: "2", Destination: "b", Command: install.Command{"echo", "other"}},
		{Contents: "3", Destination: "c", Command: reload},
		{Contents: "4", Destination: "d", Command: install.Command{"echo other"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	// At the place of the first, after all files were written; a list is not a
	// shell line.
	if got, want := b.out.String(), "reload 1234\nother\nother\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// A command that failed is tried again, by this process and by the next, until
// it has succeeded; then no more.
func TestCommandIsOwedUntilItSucceeds(t *testing.T) {
	reload := Options{
		Templates: []Template{{Contents: "x", Destination: "a", Command: install.Command{"echo attempt; test -e $DIR/fixed || { echo on fire >&2; exit 7; }"}}},
		Retry:     watch.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond},
	}
	b := start(t, reload)
	b.await("attempts", func() bool { return b.out.Count("attempt") > 2 })
	s := b.awaitState(0, ReloadFailed)
	if s.Err == nil || !strings.Contains(s.Err.Error(), "exit status 7") || !strings.Contains(s.Err.Error(), "on fire") {
		t.Errorf("error %v", s.Err)
	}
	b.stop()

	reload.Once = true
	b.start(reload)
	<-b.done
	if err := b.stop(); err == nil || b.out.Count("attempt") != 1 {
		t.Errorf("once: error %v, printed %q", err, b.out)
	}
	if err := os.WriteFile(b.path("fixed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"attempt\n", ""} {
		b.start(reload)
		<-b.done
		if err := b.stop(); err != nil || b.out.String() != want {
			t.Errorf("start %d after the fix: error %v, printed %q, want %q", i, err, b.out, want)
		}
	}
}

func TestRejectedUntilNextChange(t *testing.T) {
	b := start(t, Options{Templates: []Template{{
		Contents: `{{key "a"}}`, Destination: "out",
		Check:   install.Command{"echo checked; ! grep bad {}"},
		Command: install.Command{"echo applied"},
	}}})
	b.setKey("a", "good")
	b.awaitState(0, Applied)
	b.setKey("a", "bad idea")
	s := b.awaitState(0, Rejected)
	var rejected *install.RejectedError
	if !errors.As(s.Err, &rejected) || !strings.Contains(s.Err.Error(), "bad idea") {
		t.Errorf("error %v", s.Err)
	}
	if b.read("out") != "good" || b.read("out.rejected") != "bad idea" {
		t.Errorf("file %q, rejected %q", b.read("out"), b.read("out.rejected"))
	}
	b.setKey("a", "better")
	b.awaitFile("out", "better")
	b.awaitState(0, Applied)
	if got, want := b.out.String(), "checked\napplied\nchecked\nbad idea\nchecked\napplied\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// A command that hangs is ended, and other templates go on.
func TestHangingCommand(t *testing.T) {
	b, err := once(t, Options{Templates: []Template{
		{Contents: "1", Destination: "a", Command: install.Command{"sleep 1000"}, CommandTimeout: 50 * time.Millisecond},
		{Contents: "2", Destination: "b", Command: install.Command{"echo ran"}},
	}})
	if err == nil || !strings.Contains(err.Error(), "timed out after 50ms") || b.out.String() != "ran\n" {
		t.Errorf("error %v, printed %q", err, b.out)
	}
}

func TestLeftoversAreRemoved(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir()}
	left := b.path(".out.sluice-ABC.tmp")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := once(t, Options{Templates: []Template{text("x", b.path("out"))}}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what a killed run left is still there")
	}
}

func TestSettingsThatCannotWork(t *testing.T) {
	_, err := New(Options{Templates: []Template{
		{Destination: "a"},
		{Source: "s1", Contents: "x", Destination: "b"},
		{Source: "s2"},
		{Source: "s3", Destination: "c", Wait: Wait{Min: 2, Max: 1}},
		{Source: "s4", Destination: "./d/../c", CommandTimeout: -1},
	}}, nil)
	if err == nil {
		t.Fatal("no error")
	}
	for _, fault := range []string{
		"template (dynamic): neither source nor contents",
		"template s1: both source and contents",
		"template s2: no destination",
		"template s3: the wait's maximum",
		"template s4: a timeout is negative",
		"templates s3 and s4 have the same destination c",
	} {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("%q is not among the faults:\n%v", fault, err)
		}
	}
}

// What is rendered is rendered: while others wait, later data does not matter.
func TestOnceRendersEachTemplateOnce(t *testing.T) {
	b := start(t, Options{Once: true, Templates: []Template{text(`{{key "a"}}`, "a"), text(`{{key "b"}}`, "b")}})
	b.setKey("a", "1")
	b.awaitFile("a", "1")
	b.awaitState(0, Applied)
	b.setKey("a", "2")
	b.await("the change has come", func() bool {
		p, _ := watch.Get(b.watcher.Snapshot(), watch.Key{Path: "a"})
		return p != nil && p.Value == "2"
	})
	b.setKey("b", "1")
	<-b.done
	if got := b.read("a"); b.stop() != nil || got != "1" {
		t.Errorf("the file holds %q, error %v", got, b.err)
	}
}

func TestVeryManyQueriesAreToldOnce(t *testing.T) {
	b := start(t, Options{Templates: []Template{
		text(`{{key "a"}}{{range loop 128}}{{keyOrDefault (print .) ""}}{{end}}`, "many"),
		text(`{{key "a"}}{{range loop 127}}{{keyOrDefault (print .) ""}}{{end}}`, "enough"),
	}})
	for _, value := range []string{"1", "2"} {
		b.setKey("a", value)
		b.awaitFile("many", value)
		b.awaitFile("enough", value)
	}
	if log := b.log; log.Count("asks for very much") != 1 || log.Count("queries=129") != 1 {
		t.Errorf("log:\n%s", log)
	}
}
