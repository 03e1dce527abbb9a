package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/exit"
)

// Each file in testdata has its golden file: NAME.good.* the settings
// that differ from the defaults, NAME.bad.* the status and the whole message.
func TestConfigFiles(t *testing.T) {
	t.Chdir("testdata")
	files, err := filepath.Glob("*.*.*")
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".golden") {
			continue
		}
		tested++
		t.Run(file, func(t *testing.T) {
			c, err := config.Load(config.Sources{Files: []string{file}}, configtest.NoEnv)
			good := strings.Contains(file, ".good.")
			switch {
			case good && err != nil:
				t.Fatal(err)
			case !good && err == nil:
				t.Fatal("accepted")
			}
			got := configtest.Dump(c)
			if !good {
				got = fmt.Sprintf("status %d\n%v\n", configtest.Status(t, err), err)
			}
			configtest.Golden(t, file+".golden", got)
		})
	}
	if tested < 40 {
		t.Errorf("only %d files found", tested)
	}
}

// No text of ours may show a secret, whichever way the settings are printed.
func TestConfigHidesSecrets(t *testing.T) {
	for _, file := range []string{"everything.good.hcl", "syntax-string.bad.hcl", "consul-auth.bad.hcl"} {
		c, err := config.Load(config.Sources{Files: []string{"testdata/" + file}}, configtest.NoEnv)
		for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%v %+v %#v", c, c, c), configtest.Dump(c)} {
			if strings.Contains(text, "planted") {
				t.Errorf("%s: a secret shows in %s", file, text)
			}
		}
	}
}

// A key that no file sets is a key that nobody has tried.
func TestConfigFilesSetEveryKey(t *testing.T) {
	c, err := config.Load(config.Sources{Files: []string{"testdata/everything.good.hcl"}}, configtest.NoEnv)
	if err != nil {
		t.Fatal(err)
	}
	older := map[string]bool{"template.command": true, "template.command_timeout": true, "template.uid": true, "template.gid": true,
		"template.contents": true, "once": true, "wait.enabled": true, "template.wait.enabled": true, "template.exec.enabled": true}
	text := configtest.Dump(c)
	for _, key := range leaves(reflect.TypeFor[config.Config](), "") {
		if !older[key] && !strings.Contains(text, strings.Replace(key, "template.", "template[0].", 1)) {
			t.Errorf("%s is not set in everything.good.hcl", key)
		}
	}
}

func leaves(t reflect.Type, path string) []string {
	var keys []string
	for _, f := range reflect.VisibleFields(t) {
		tag, ok := f.Tag.Lookup("hcl")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		key := hcl.Join(path, name)
		kind := f.Type
		if _, ok := reflect.TypeAssert[hcl.Slotted](reflect.New(kind)); ok {
			kind = kind.Field(0).Type
		}
		if kind.Kind() == reflect.Slice && kind.Elem() == reflect.TypeFor[config.Template]() {
			kind = kind.Elem()
		}
		if kind.Kind() == reflect.Struct {
			keys = append(keys, leaves(kind, key)...)
		} else {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestLaterFilesOverrideEarlierOnesFieldByField(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first := write("first.hcl", `
		consul { address = "first:1" datacenter = "first" retry { attempts = 1 backoff = "1s" } }
		lb { listen = [":1", ":2"] }
		tags { dialects = ["fabio"] }
		log_level = "info"
		template { source = "first" }`)
	write("folder/b/deep.hcl", `template { source = "b/deep" }`)
	write("folder/a.json", `{"template": {"source": "a"}, "consul": {"retry": {"attempts": 2}}, "lb": {"listen": ":3"}}`)
	write("folder/.hidden", `template { source = "hidden" }`)
	write("folder/c", `consul { address = "c:1" }`)
	if err := os.Symlink(first, filepath.Join(dir, "folder", "linked")); err != nil {
		t.Fatal(err)
	}
	flags := func(c *config.Config) error {
		t, err := config.ParseTemplate("flag:out")
		c.Templates = append(c.Templates, t)
		if err != nil {
			return err
		}
		return config.Assign(&c.LogLevel, "debug")
	}
	env := func(name string) string {
		return map[string]string{
			"CT_LOCAL_CONFIG": `template { source = "local" } consul { datacenter = "local" } log_level = "warn"`,
			"CT_LOG":          "err",
		}[name]
	}
	c, err := config.Load(config.Sources{Files: []string{first, filepath.Join(dir, "folder")}, Settings: []func(*config.Config) error{flags}}, env)
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	for _, tmpl := range c.Templates {
		sources = append(sources, tmpl.Source)
	}
	got := []any{sources, c.Consul.Address, c.Consul.Datacenter, c.Consul.Retry.Attempts.Value, c.Consul.Retry.Backoff.String(),
		len(c.LB.Listeners), c.LogLevel.Value.String(), c.Tags.Dialects}
	want := []any{[]string{"first", "hidden", "a", "b/deep", "first", "local", "flag"}, "first:1", "local", 1, "1s",
		2, "DEBUG", []string{"fabio"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestConfigFolderFaults(t *testing.T) {
	dir := t.TempDir()
	if c, err := config.Load(config.Sources{Files: []string{dir}}, configtest.NoEnv); err != nil {
		t.Errorf("an empty folder: %v (%v)", err, c)
	}
	missing := filepath.Join(dir, "missing")
	_, err := config.Load(config.Sources{Files: []string{missing}}, configtest.NoEnv)
	if code := configtest.Status(t, err); code != exit.Config || !strings.Contains(err.Error(), missing) {
		t.Errorf("missing path: status %d, %v", code, err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	_, err = config.Load(config.Sources{Files: []string{dir}}, configtest.NoEnv)
	if code := configtest.Status(t, err); code != exit.Config || !strings.Contains(err.Error(), "link to a folder") {
		t.Errorf("linked folder: status %d, %v", code, err)
	}
}

// All faults of all files are told at once, and what could be read is there.
func TestLoadJoinsFaults(t *testing.T) {
	env := func(name string) string {
		if name == "CT_LOCAL_CONFIG" {
			return "lcal = 1"
		}
		return ""
	}
	dir := "testdata/"
	c, err := config.Load(config.Sources{Files: []string{dir + "unknown-key-of-template.bad.hcl", dir + "tags.bad.hcl", dir + "syntax.bad.hcl"}}, env)
	if code := configtest.Status(t, err); code != exit.Config {
		t.Errorf("status %d", code)
	}
	for _, part := range []string{"destinaton", "faboi", "syntax.bad.hcl", "CT_LOCAL_CONFIG:1:1: unknown key"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if len(c.Templates) != 1 || c.Templates[0].Source != "page.ctmpl" {
		t.Errorf("templates %v", c.Templates)
	}
	if _, err = config.Load(config.Sources{}, env); configtest.Status(t, err) != exit.Flags {
		t.Errorf("CT_LOCAL_CONFIG alone: %v", err)
	}
}

func TestLogLevelFromEnvironment(t *testing.T) {
	c, err := config.Load(config.Sources{}, func(name string) string {
		return map[string]string{"CONSUL_TEMPLATE_LOG": "info", "CONSUL_TEMPLATE_LOG_LEVEL": "trace"}[name]
	})
	if err != nil || c.LogLevel.Value != config.LevelInfo {
		t.Errorf("%v, %v", c.LogLevel, err)
	}
	_, err = config.Load(config.Sources{}, func(name string) string {
		return map[string]string{"CT_LOG": "loud"}[name]
	})
	if configtest.Status(t, err) != exit.Config || !strings.Contains(err.Error(), "CT_LOG") {
		t.Errorf("%v", err)
	}
}

// Whatever the text, decoding ends, without a panic, and says the same twice.
func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && !strings.HasSuffix(file, ".golden") {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		load := func() string {
			c := config.DefaultConfig()
			err := c.LoadText("fuzz", text)
			if err == nil {
				c.Settle()
				err = c.Validate()
			}
			for line := range strings.Lines(fmt.Sprint(err)) {
				if strings.HasPrefix(line, "fuzz:0") {
					t.Errorf("a fault without a place: %s", line)
				}
			}
			return fmt.Sprint(configtest.Dump(c), err)
		}
		if first, second := load(), load(); first != second {
			t.Errorf("two results:\n%s\n%s", first, second)
		}
	})
}
