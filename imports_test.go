// Package sluice_test holds what is true of the module as a whole.
package sluice_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sluiceproxy/sluice"

// Imports go one way: cmd → config → {render, lb} → watch, and cmd → admin. For each package path
// (or tree, with "/...") the packages of this module and the vendor clients
// that may not appear among its imports.
var forbidden = []struct{ importer, imported, reason string }{
	{"watch/...", "render", "watch is below the outputs"},
	{"watch/...", "lb", "watch is below the outputs"},
	{"watch/...", "admin", "watch is below the outputs"},
	{"render/...", "lb", "the outputs do not know each other"},
	{"lb/...", "render", "the outputs do not know each other"},
	{"render/...", "watch/consul", "outputs know queries, not their sources"},
	{"render/...", "watch/file", "outputs know queries, not their sources"},
	{"render/...", "watch/nomad", "outputs know queries, not their sources"},
	{"render/...", "watch/vault", "outputs know queries, not their sources"},
	{"render/...", "watch/fabio", "outputs know queries, not their sources"},
	{"lb/...", "watch/fabio", "outputs know queries, not their sources"},
	{"lb/...", "watch/consul", "outputs know queries, not their sources"},
	{"lb/...", "watch/file", "outputs know queries, not their sources"},
	{"lb/...", "watch/nomad", "outputs know queries, not their sources"},
	{"lb/...", "watch/vault", "outputs know queries, not their sources"},
	{"admin/...", "lb", "the admin listener is given plain values"},
	{"admin/...", "render", "the admin listener is given plain values"},
	{"admin/...", "watch", "the admin listener is given plain values"},
	{"watch/...", "config", "what is configured does not know the configuration"},
	{"render/...", "config", "what is configured does not know the configuration"},
	{"lb/...", "config", "what is configured does not know the configuration"},
	{"admin/...", "config", "the admin listener is given plain values"},
	{"config/...", "cmd", "main is above the configuration"},
	{"config/...", "admin", "what is shown is main's"},
	{"config/hcl", "config", "the language knows no setting"},
	{"templates/...", "", "templates are data"},
	{"lb/match", "", "leaf packages stand alone"},
	{"lb/spec", "", "leaf packages stand alone"},
	{"lb/target", "", "leaf packages stand alone"},
	{"lb/h1", "", "leaf packages stand alone"},
	{"lb/udp", "", "leaf packages stand alone"},
	{"lb/proxyproto", "", "leaf packages stand alone"},
	{"lb/tlsconf", "", "leaf packages stand alone"},
	{"lb/transport", "", "leaf packages stand alone"},
	{"lb/h2", "", "leaf packages stand alone"},
	{"lb/h3", "", "leaf packages stand alone"},
	{"lb/tcp", "", "leaf packages stand alone"},
	{"lb/probe", "", "leaf packages stand alone"},
	{"lb/acme", "watch", "where things are kept is handed to it"},
	{"lb", "lb/acme", "the server is given who issues certificates"},
	{"lb/accesslog", "lb", "the access log is given plain values"},
	{"lb/certs", "", "leaf packages stand alone"},
	{"lb/claim", "", "leaf packages stand alone"},
	{"lb/count", "", "leaf packages stand alone"},
	{"lb/listener", "", "leaf packages stand alone"},
	{"lb/notation", "", "leaf packages stand alone"},
	{"lb/guard", "lb", "the guard knows instances, not what becomes of them"},
	{"lb/roster", "lb", "the roster knows instances, not what becomes of them"},
	{"lb/sorted", "", "leaf packages stand alone"},
}

// allowed is what a leaf may import after all, which are leaves too.
var allowed = map[string][]string{
	"config":         {"admin/push"}, // whom metrics may be sent to
	"config/fabio":   {"admin/push"},
	"config/migrate": {"admin/push"},
	"lb/target":      {"internal/unixsock", "lb/transport"}, // by which it is told apart from others
	"lb/h2":          {"lb/h1"},                             // whose calls it takes
	"lb/tcp":         {"lb/proxyproto", "lb/target"},
	"lb/claim":       {"lb/match", "lb/tags"},                                                   // what may be asked for
	"lb/certs":       {"internal/nearest", "lb/listener", "lb/notation", "lb/tlsconf", "watch"}, // in which some are kept
	"lb/listener":    {"internal/unixsock", "lb/notation", "lb/tlsconf"},                        // what its keys and values are read by
	"lb/notation":    {"internal/nearest"},
	"lb/probe":       {"lb/proxyproto", "lb/spec", "lb/target"},
	"lb/roster":      {"lb/guard", "lb/sorted"},
}

// The clients of vendors, with all below them, have one importer each.
var vendorClients = map[string]string{
	"github.com/hashicorp/consul/api":  "watch/consul",
	"github.com/hashicorp/vault/api":   "watch/vault",
	"github.com/hashicorp/nomad/api":   "watch/nomad",
	"github.com/redis/go-redis/v9":     "lb/redislimit",
	"github.com/caddyserver/certmagic": "lb/acme",
	"github.com/go-acme/lego":          "lb/acme/dns01",
	"github.com/quic-go":               "lb/h3",
	"go.opentelemetry.io/otel":         "lb/tracing",
	"go.opentelemetry.io/contrib":      "lb/tracing",
}

func TestImportsGoOneWay(t *testing.T) {
	for importer, imports := range listImports(t) {
		for _, rule := range forbidden {
			if !within(importer, rule.importer) {
				continue
			}
			for _, imported := range imports {
				inner, ours := strings.CutPrefix(imported, module+"/")
				if ours && inner != importer && within(inner, rule.imported+"/...") && !sibling(importer, inner) && !slices.Contains(allowed[importer], inner) {
					t.Errorf("%s imports %s: %s", importer, inner, rule.reason)
				}
			}
		}
		for _, imported := range imports {
			for client, owner := range vendorClients {
				if within(imported, client+"/...") && importer != owner {
					t.Errorf("%s imports %s: only %s may", importer, imported, owner)
				}
			}
		}
	}
}

// sibling reports whether imported is inside importer's own tree.
func sibling(importer, imported string) bool { return strings.HasPrefix(imported, importer+"/") }

// within reports whether path is tree, or below it when tree ends in "/...".
// The tree "/..." holds every package.
func within(path, tree string) bool {
	root, all := strings.CutSuffix(tree, "/...")
	return path == root || all && (root == "" || strings.HasPrefix(path, root+"/"))
}

// listImports returns the direct imports of each package of the module by its
// path below the module's, tests left out. It reads the files itself: of what a
// program reads for a test, the cache of tests knows nothing.
func listImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if path != "." && (entry.Name()[0] == '.' || entry.Name() == "testdata" || isModule(path)) {
				return filepath.SkipDir
			}
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			pkg := filepath.ToSlash(filepath.Dir(path))
			for _, spec := range file.Imports {
				imports[pkg] = append(imports[pkg], strings.Trim(spec.Path.Value, `"`))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(imports) < 5 {
		t.Fatalf("only %d packages found", len(imports))
	}
	return imports
}

// isModule reports whether a folder holds another module.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}
