package render

import (
	"os"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/watch"
)

// What a template writes besides its own file is written with that: not before
// its data is there, and once for each change.
func TestSideFiles(t *testing.T) {
	o := DefaultOptions()
	o.Templates = []Template{text(`{{key "k" | writeToFile (printf "%s/side" (env "DIR")) "" "" "0600" "append"}}{{keyOrDefault "other" "main"}}`, "out")}
	b := start(t, o)
	b.source.Set(watch.Key{Path: "other"}, (*watch.Pair)(nil))
	b.await("a missing query", func() bool { return len(b.Status()[0].Missing) == 1 })
	if _, err := os.Stat(b.path("side")); err == nil {
		t.Error("the file is written before its data is there")
	}
	b.setKey("k", "1")
	b.awaitFile("side", "1")
	b.awaitFile("out", "main")
	b.setKey("k", "2") // changes nothing but the other file
	b.awaitFile("side", "12")
	b.setKey("other", "new")
	b.awaitFile("out", "new")
	b.awaitFile("side", "122")
}

func TestSideFilesInDryMode(t *testing.T) {
	o := DefaultOptions()
	o.Dry = true
	o.Templates = []Template{text(`{{"x" | writeToFile (printf "%s/side" (env "DIR")) "" "" "0600"}}main`, "out")}
	b, err := once(t, o)
	if err != nil || b.out.Count("main") != 1 {
		t.Errorf("printed %q, %v", b.out, err)
	}
	if _, err := os.Stat(b.path("side")); err == nil {
		t.Error("dry mode writes a file")
	}
}

func TestSideFileThatCannotBeWritten(t *testing.T) {
	o := DefaultOptions()
	o.Templates = []Template{text(`{{"x" | writeToFile (env "DIR") "" "" "0600"}}main`, "out")}
	b, err := once(t, o)
	if err == nil || b.Status()[0].State != WriteFailed {
		t.Errorf("state %v, error %v", b.Status()[0].State, err)
	}
	if _, err := os.Stat(b.path("out")); err == nil {
		t.Error("the template's own file is written without the other")
	}
}

func TestPlugins(t *testing.T) {
	o := DefaultOptions()
	o.Templates = []Template{
		text(`{{plugin "echo" "a" (key "k")}}`, "good"),
		text(`{{plugin "sh" "-c" "echo why >&2; exit 1"}}`, "bad"),
	}
	b := start(t, o)
	b.setKey("k", "1")
	b.awaitFile("good", "a 1")
	if s := b.awaitState(1, Broken); s.Err == nil || !strings.Contains(s.Err.Error(), "why") {
		t.Errorf("error %v", s.Err)
	}
}
