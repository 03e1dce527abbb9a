package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every command of these pages is run, in a copy of the folder the page speaks
// of, and ends as it says: with status 0 or, behind an exclamation mark, with
// another one.
func TestCommandsOfTheDocs(t *testing.T) {
	for page, folder := range map[string]string{"explain.md": "explain", "migrating.md": "migrate"} {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile("../../docs/" + page)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("../../examples/"+folder)); err != nil {
				t.Fatal(err)
			}
			commands := fencedCommands(string(text))
			if len(commands) < 5 {
				t.Fatalf("only %d commands", len(commands))
			}
			for _, command := range commands {
				line, fails := strings.CutPrefix(command, "! ")
				cmd := exec.Command("sh", "-c", line)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "PATH="+sluiceOnPath(t)+":"+os.Getenv("PATH"))
				out, err := cmd.CombinedOutput()
				if (err != nil) != fails {
					t.Errorf("%s: %v\n%s", command, err, out)
				}
			}
		})
	}
}

// fencedCommands are the lines of blocks of shell commands.
func fencedCommands(text string) (commands []string) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "```sh":
			inside = true
		case line == "```":
			inside = false
		case inside && line != "":
			commands = append(commands, line)
		}
	}
	return commands
}

// sluiceOnPath is a folder with this test as sluice; see [TestMain].
func sluiceOnPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath(ourName) // where testscript has put it
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path)
}
