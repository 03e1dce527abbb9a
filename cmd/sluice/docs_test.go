package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
)

// Every command of these pages is run, in a copy of the folder the page speaks
// of, and ends as it says: with status 0 or, behind an exclamation mark, with
// another one. What a block of text behind commands shows is what the last of them
// prints.
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
			for _, c := range commands {
				cmd := exec.Command("sh", "-c", c.line)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "PATH="+sluiceOnPath(t)+":"+os.Getenv("PATH"))
				out, err := cmd.CombinedOutput()
				if (err != nil) != c.fails {
					t.Errorf("%s: %v\n%s", c.line, err, out)
				}
				if !strings.Contains(string(out), c.prints) {
					t.Errorf("%s does not print\n%s but\n%s", c.line, c.prints, out)
				}
			}
		})
	}
}

// fencedCommand is a command of a page.
type fencedCommand struct {
	line   string
	fails  bool
	prints string // in the block behind it
}

// fencedCommands are the lines of blocks of shell commands.
func fencedCommands(text string) (commands []fencedCommand) {
	block := ""
	for line := range strings.Lines(text) {
		switch trimmed := strings.TrimSpace(line); {
		case strings.HasPrefix(trimmed, "```"):
			block = strings.TrimPrefix(trimmed, "```")
		case block == "sh" && trimmed != "":
			command, fails := strings.CutPrefix(trimmed, "! ")
			commands = append(commands, fencedCommand{line: command, fails: fails})
		case block == "text":
			commands[len(commands)-1].prints += line
		}
	}
	return commands
}

// What the README shows of a Consul is run, line by line, with other addresses.
func TestReadmeWithYourConsul(t *testing.T) {
	for _, name := range []string{"bash", "curl", "python3"} {
		parts.Path(t, name)
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "## With your Consul")
	if !ok {
		t.Fatal("there is no such section")
	}
	script := indented(section)[0]
	consul, ip, dir := parts.StartConsul(t), parts.Loopback(t), t.TempDir()
	patiently := "until timeout 5 %s; do sleep 0.1; done"
	for _, change := range [][2]string{
		{"make build", "#"}, {".bin/sluice", "sluice"}, {"-lb :9999", "-lb " + ip + ":9999 -admin " + ip + ":9998"}, {"/tmp/", dir + "/"},
		{"http.server 8000", "http.server 8000 --bind " + ip + " 2>/dev/null"}, {`"address": "127.0.0.1"`, `"address": "` + ip + `"`},
		{"127.0.0.1:8500", consul.Addr}, {"127.0.0.1:9999", ip + ":9999"}, {"sluice routes ", "sluice routes -from http://" + ip + ":9998 "},
		{"sluice explain ", "sluice explain -from http://" + ip + ":9998 "},
	} {
		if !strings.Contains(script, change[0]) {
			t.Fatalf("%q is not in the section any more:\n%s", change[0], script)
		}
		script = strings.ReplaceAll(script, change[0], change[1])
	}
	for line := range strings.Lines(script) {
		command, _, _ := strings.Cut(strings.TrimSpace(line), "  #")
		if wait, _, ok := strings.Cut(command, " "); ok && (wait == "curl" || wait == "grep" || wait == "sluice") && !strings.HasSuffix(command, "&") {
			// A reader is slower than what happens behind the scenes.
			script = strings.Replace(script, command, fmt.Sprintf(patiently, strings.Replace(command, "curl ", "curl -sf ", 1)), 1)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, "bash", "-c", "set -e\ntrap 'kill $(jobs -p)' EXIT\n"+script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+sluiceOnPath(t)+":"+os.Getenv("PATH"), "CONSUL_HTTP_ADDR="+consul.Addr)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // which has it end what it started
	cmd.WaitDelay = 15 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v in\n%s\n%s", err, script, out)
	}
	for _, want := range []string{"Directory listing", "PathPrefixStrip:/files/", "is forwarded as / to one of", "upstream web"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
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
