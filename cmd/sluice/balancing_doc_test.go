package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The settings that docs/balancing.md shows are settings, and its commands are
// those that a script runs.
func TestBalancingPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/balancing.md")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := os.ReadFile("testdata/script/consul-outage.txtar")
	if err != nil {
		t.Fatal(err)
	}
	settings, commands := 0, 0
	for _, block := range indented(string(page)) {
		if command, ok := strings.CutPrefix(block, "curl -sS "); ok {
			commands++
			if ran := strings.ReplaceAll(strings.TrimSpace(command), "127.0.0.1:9998", "$ADMIN"); !strings.Contains(string(scripts), ran) {
				t.Errorf("no script runs %q", ran)
			}
			continue
		}
		settings++
		file := filepath.Join(t.TempDir(), "page.hcl")
		if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (commandLine{configs: []string{file}}).Load(noEnv); err != nil {
			t.Errorf("%v in\n%s", err, block)
		}
	}
	if settings != 2 || commands != 2 {
		t.Errorf("%d blocks of settings and %d commands", settings, commands)
	}
}

// indented are the blocks of a page that are indented by four blanks.
func indented(page string) (blocks []string) {
	var block strings.Builder
	for line := range strings.Lines(page + "\n.") {
		text, ok := strings.CutPrefix(line, "    ")
		switch {
		case ok:
			block.WriteString(text)
		case strings.TrimSpace(line) == "":
		case block.Len() > 0:
			blocks = append(blocks, block.String())
			block.Reset()
		}
	}
	return blocks
}
