package dns01

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	good := Options{Provider: "cloudflare", Resolvers: []string{"1.1.1.1", "[2606:4700::1]:53", "2606:4700::1", "ns.test:5353"}, Delay: time.Minute}
	if err := errors.Join(good.Faults()...); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		spoil func(o *Options)
		want  []string
	}{
		{func(o *Options) { o.Provider = "" }, []string{"provider is missing"}},
		{func(o *Options) { o.Provider = "cloudfare" }, []string{`"cloudfare" is none of acme-dns, bunny,`, "did you mean cloudflare?", `"exec"`, `"httpreq"`}},
		{func(o *Options) { o.Provider = "route53" }, []string{`"route53" is none of`, `for all others, "exec" runs a program of yours`}},
		{func(o *Options) { o.Resolvers = []string{""} }, []string{`resolvers: "" is neither`}},
		{func(o *Options) { o.Resolvers = []string{"1.1.1.1:"} }, []string{`resolvers: "1.1.1.1:" is neither`}},
		{func(o *Options) { o.Delay = time.Hour }, []string{"delay_before_checks is from 0 to 10m0s, not 1h0m0s"}},
		{func(o *Options) { o.Delay = -1 }, []string{"delay_before_checks"}},
	} {
		o := good
		c.spoil(&o)
		err := errors.Join(o.Faults()...)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("want %q, got %v", want, err)
			}
		}
	}
}

// A provider without its environment variables says which they are, and nothing
// else happens.
func TestProvidersTellWhatIsMissing(t *testing.T) {
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value) // to have it back afterwards
		os.Unsetenv(name)
	}
	for _, name := range Providers() {
		if _, err := providers[name](); err == nil || !strings.Contains(err.Error(), "missing") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The page names every provider, and none there is not.
func TestProvidersAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../docs/acme.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| provider | environment variables |")
	table, _, _ = strings.Cut(table, "\n\n")
	var named []string
	for line := range strings.SplitSeq(table, "\n| `") {
		if name, _, ok := strings.Cut(line, "`"); ok {
			named = append(named, name)
		}
	}
	if !slices.Equal(named, Providers()) {
		t.Errorf("the page has %q, there are %q", named, Providers())
	}
}
