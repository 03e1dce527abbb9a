package config

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/sluiceproxy/sluice/watch/fabio"
)

// FabioRegistry is where Fabio's routes come from if that is not Consul. Of
// Consul nothing is asked then. It is comparable.
type FabioRegistry struct {
	// Backend is "consul", also if it is empty; "static" for the routes and the page
	// of the stanza fabio itself; "file" or "custom".
	Backend string `hcl:"backend"`
	// Path and PagePath are the files of "file", which are read at the start and
	// again at each reload. PagePath is optional.
	Path     string `hcl:"path"`
	PagePath string `hcl:"no_route_path"`
	// URL is where "custom" gets its routes, as a list in JSON.
	URL        string        `hcl:"url"`
	Timeout    time.Duration `hcl:"timeout"`
	Poll       time.Duration `hcl:"poll_interval"`
	SkipVerify bool          `hcl:"skip_verify"`
}

// DefaultFabioRegistry is what holds if there is another one than Consul.
func DefaultFabioRegistry() FabioRegistry {
	return FabioRegistry{Timeout: 5 * time.Second, Poll: 10 * time.Second}
}

// FabioBackends are the registries Fabio knows.
var FabioBackends = []string{"consul", "static", "file", "custom"}

// ReplacesConsul reports whether nothing is asked of Consul.
func (r FabioRegistry) ReplacesConsul() bool { return r.Backend != "" && r.Backend != "consul" }

// ReadRegistry puts what the registry has in its files into the stanza. Without
// Consul there are no keys.
func (f *Fabio) ReadRegistry() (err error) {
	r := f.Registry
	if !r.ReplacesConsul() {
		return nil
	}
	f.RoutesKey, f.NoRouteKey = "", ""
	switch r.Backend {
	case "file":
		if r.Path == "" {
			return nil // as validate tells
		}
		if f.Routes, err = readText("path", r.Path); err != nil {
			return err
		}
		if r.PagePath != "" {
			f.NoRoutePage, err = readText("no_route_path", r.PagePath)
		}
	case "custom":
		f.RoutesKey = fabio.RoutesKey
	}
	return err
}

func readText(key, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("fabio.registry.%s: %w", key, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, fabio.MaxRoutes+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("fabio.registry.%s: %w", key, err)
	case len(text) > fabio.MaxRoutes:
		return "", fmt.Errorf("fabio.registry.%s: %s is larger than %d bytes", key, path, fabio.MaxRoutes)
	}
	return string(text), nil
}

func (r FabioRegistry) validate(f *faultList) {
	const at = "fabio.registry"
	if r.Backend == "" {
		return
	}
	f.oneOf(at+".backend", r.Backend, FabioBackends...)
	switch r.Backend {
	case "file":
		if r.Path == "" {
			f.addf("%s: backend = \"file\" needs a path, of the file with the routes", at)
		}
	case "custom":
		if u, err := url.Parse(r.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			f.addf("%s: backend = \"custom\" needs the url of a list of routes, http://HOST/PATH or https://HOST/PATH", at)
		}
		f.notNegative(at+".timeout", r.Timeout)
		if r.Poll <= 0 {
			f.addf("%s.poll_interval must be above 0s, not %v", at, r.Poll)
		}
	}
}
