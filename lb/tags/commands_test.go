package tags

import (
	"strings"
	"testing"
)

// A line without end is a problem by its number, not by all its bytes.
func TestLongCommandIsAProblem(t *testing.T) {
	long := "route add web www/ http://10.0.0.1:80/ opts \"strip=/" + strings.Repeat("x", maxLine) + "\""
	commands, problems := Options{}.ParseCommands("key k", "route del a\n"+long+"\nroute del b\n")
	if len(commands) != 2 || len(problems) != 1 {
		t.Fatalf("%d commands and %d problems", len(commands), len(problems))
	}
	if p := problems[0]; p.Source != "key k, line 2" || len(p.Tag) != maxShown || !strings.Contains(p.Reason, "bytes") {
		t.Errorf("the problem is %+v", p)
	}
}
