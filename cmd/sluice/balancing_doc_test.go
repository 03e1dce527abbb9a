package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config/configtest"
	"github.com/sluiceproxy/sluice/config/flags"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// The settings that docs/balancing.md shows are settings, and its commands are
// those that a script runs; its tags are tags.
func TestBalancingPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/balancing.md")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := os.ReadFile("testdata/script/consul-outage.txtar")
	if err != nil {
		t.Fatal(err)
	}
	settings, commands, lists := 0, 0, 0
	for _, block := range indented(string(page)) {
		if command, ok := strings.CutPrefix(block, "curl -sS "); ok {
			commands++
			if ran := strings.ReplaceAll(strings.TrimSpace(command), "127.0.0.1:9998", "$ADMIN"); !strings.Contains(string(scripts), ran) {
				t.Errorf("no script runs %q", ran)
			}
			continue
		}
		if strings.HasPrefix(block, "urlprefix-") {
			lists++
			d := tags.Parse(tags.DefaultOptions(), "web", []tags.Instance{{ID: "a", Address: "10.0.0.1", Port: 80, Tags: strings.Fields(block), Serving: true}})
			if len(d.Problems) != 0 || len(d.Routes) != 1 || d.Pools[0].Policy == nil {
				t.Errorf("%v in\n%s", d.Problems, block)
			}
			continue
		}
		settings++
		file := filepath.Join(t.TempDir(), "page.hcl")
		if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (flags.CommandLine{Configs: []string{file}}).Load(configtest.NoEnv); err != nil {
			t.Errorf("%v in\n%s", err, block)
		}
	}
	if settings != 4 || commands != 2 || lists != 1 {
		t.Errorf("%d blocks of settings, %d commands and %d of tags", settings, commands, lists)
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
