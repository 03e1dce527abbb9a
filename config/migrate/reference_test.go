package migrate

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
)

// Every key of Traefik's reference is taken over, or there is a note: without it the
// result is another one, or a note names it or what it is in. What is neither makes no
// difference anywhere, for a reason.
func TestMigrateTakesOverOrTells(t *testing.T) {
	for kind, files := range map[string][]string{
		"reference":  {"reference-static.yml", "reference-dynamic.yml"},
		"reference1": {"reference1.toml"},
	} {
		whole := referenceTree(t, files)
		text, notes := migrateWithout(t, whole, "")
		if c := config.DefaultConfig(); c.LoadText("the result", []byte(text)) != nil {
			t.Errorf("%s: the result is no configuration: %v", kind, c.LoadText("the result", []byte(text)))
		}
		seen := 0
		for _, v := range whole.values {
			seen++
			i := slices.IndexFunc(indifferent, func(w untouched) bool { return v.isAt(w.path) })
			isTaken := isNoted(notes, v)
			if !isTaken {
				other, _ := migrateWithout(t, whole, v.path)
				isTaken = other != text
			}
			switch {
			case isTaken && i >= 0:
				t.Errorf("%s: %s makes a difference, though it is listed (%s)", kind, v.path, indifferent[i].reason)
			case !isTaken && i < 0:
				t.Errorf("%s: %s is neither taken over nor told of", kind, v.path)
			}
		}
		if seen < 100 {
			t.Errorf("%s: only %d keys", kind, seen)
		}
	}
}

// untouched is a key that is neither, with all below it.
type untouched struct{ path, reason string }

var indifferent = []untouched{
	{"debug", "logLevel says it"},
	{"checkNewVersion", "of Traefik alone"},
	{"sendAnonymousUsage", "of Traefik alone"},
	{"providersThrottleDuration", "changes are collected in a way of their own"},
	{"allowMinWeightZero", "a weight of 0 is none as it is"},
	{"entryPoints.http.redirect.permanent", "one that is not is told of"},
	{"entryPoints.http.whiteList.useXForwardedFor", "as is without"},
	{"consulCatalog.stale", "as is without"},
	{"consulCatalog.watch", "Consul is always watched"},
	{"file.watch", "its files are named themselves, or followed"},
	{"acme.entryPoint", "there is one listener with TLS"},
	{"backends.one.responseForwarding", "what servers send is passed on at once"},
	{"backends.one.loadBalancer.method", "both are the same for servers that do not change"},
	{"global", "of Traefik alone"},
	{"entryPoints.web.forwardedHeaders.trustedIPs", "insecure is for all"},
	{"entryPoints.web.proxyProtocol.trustedIPs", "insecure is for all"},
	{"entryPoints.redirecting.http.redirections.entryPoint.scheme", "as it always is"},
	{"providers.providersThrottleDuration", "changes are collected in a way of their own"},
	{"providers.file", "its files are named themselves, or followed"},
	{"providers.consulCatalog.endpoint.endpointWaitTime", "Consul's default is as long"},
	{"providers.consulCatalog.refreshInterval", "Consul tells of changes"},
	{"providers.consulCatalog.stale", "as is without; requireConsistent counts"},
	{"providers.consulCatalog.cache", "Consul tells of changes"},
	{"providers.consulCatalog.watch", "Consul is always watched"},
	{"api.disableDashboardAd", "of Traefik alone"},
	{"accessLog.bufferingSize", "lines never wait to be written"},
	{"ping.manualRouting", "false is as without"},
	{"http.services.balanced.loadBalancer.responseForwarding", "what servers send is passed on at once"},
	{"tls.options.modern.preferServerCipherSuites", "without effect there as well"},
}

// referenceTree are the settings of the files.
func referenceTree(t *testing.T, files []string) *tree {
	t.Helper()
	var all *tree
	for _, file := range files {
		src, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		one, err := parseTree(file, src)
		if err != nil {
			t.Fatal(err)
		}
		if all == nil {
			all = one
		} else if notes := all.merge(one); len(notes) > 0 {
			t.Fatal(notes)
		}
	}
	return all
}

// migrateWithout migrates them without a setting, and returns the result without its
// comments.
func migrateWithout(t *testing.T, whole *tree, path string) (text string, notes []note) {
	t.Helper()
	all := &tree{values: slices.DeleteFunc(slices.Clone(whole.values), func(v treeValue) bool { return v.path == path }), sources: whole.sources}
	m := newMigration()
	m.named = []string{"conf"}
	if err := m.takeTree("reference", "", all); err != nil {
		t.Fatal(err)
	}
	m.convert()
	return config.Encode(m.Config, nil), m.notes
}

// isNoted reports whether a note is about a setting, or about what holds it and is left
// out with all that is in it.
func isNoted(notes []note, v treeValue) bool {
	return slices.ContainsFunc(notes, func(n note) bool {
		return n.at != "" && v.isAt(n.at) && (strings.EqualFold(n.at, v.path) || strings.Contains(n.text, "left out"))
	})
}
