package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// fabioRegistry is where Fabio's routes come from if that is not Consul. It is
// comparable.
type fabioRegistry struct {
	backend string // empty: consul
	static  struct{ routes, page string }
	file    struct{ path, pagePath string }
	custom  customRegistry
	page    string // for requests without a route, of the backend custom
}

// customRegistry is an HTTP service that lists routes.
type customRegistry struct {
	scheme, host, path, query string
	timeout, poll             time.Duration
	skipVerify                bool
}

// url is where the list is.
func (r customRegistry) url() string {
	url := r.scheme + "://" + r.host + "/" + strings.TrimPrefix(r.path, "/")
	if r.query != "" {
		url += "?" + r.query
	}
	return url
}

func defaultFabioRegistry() fabioRegistry {
	return fabioRegistry{custom: customRegistry{scheme: "https", timeout: 5 * time.Second, poll: 10 * time.Second}}
}

// customRoutesKey is the key under which [fabioSource] has what it was told. No
// other source is asked for keys then.
const customRoutesKey = "registry.custom"

// apply puts what the backend has into the configuration. Without Consul there
// are no keys.
func (r fabioRegistry) apply(c *Config) error {
	if !r.replacesConsul() {
		return nil
	}
	c.Fabio.RoutesKey, c.Fabio.NoRouteKey = "", ""
	var err error
	switch r.backend {
	case "static":
		c.Fabio.Routes, c.Fabio.NoRoutePage = r.static.routes, r.static.page
	case "file":
		if c.Fabio.Routes, err = readText("registry.file.path", r.file.path); err != nil {
			return err
		}
		if r.file.pagePath != "" {
			c.Fabio.NoRoutePage, err = readText("registry.file.noroutehtmlpath", r.file.pagePath)
		}
	case "custom":
		if c.Fabio.RoutesKey, c.Fabio.NoRoutePage = customRoutesKey, r.page; r.custom.host == "" {
			return fmt.Errorf("registry.custom.host is missing")
		}
		if s := r.custom.scheme; s != "http" && s != "https" {
			return fmt.Errorf("registry.custom.scheme: %q is neither http nor https", s)
		}
	}
	return err
}

// replacesConsul reports whether nothing is asked of Consul.
func (r fabioRegistry) replacesConsul() bool { return r.backend != "" && r.backend != "consul" }

func readText(key, path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	return string(text), nil
}

// fabioRegistryKeys are those of all backends but Consul.
func fabioRegistryKeys() []fabioKey {
	const at = "registry."
	custom := func(c *Config) *customRegistry { return &c.Fabio.registry.custom }
	return []fabioKey{
		{name: at + "backend", set: func(r *fabioReader, p property) error {
			r.Fabio.registry.backend = p.value
			return oneOfThese("consul", "static", "file", "custom")(r, p)
		}},
		{name: at + "timeout", set: without("Consul is waited for as long as it takes")},
		{name: at + "retry", set: duration(func(c *Config) *time.Duration { return &c.Consul.Retry.Backoff })},
		{name: at + "static.routes", set: direct(func(c *Config) any { return &c.Fabio.registry.static.routes })},
		{name: at + "static.noroutehtml", set: direct(func(c *Config) any { return &c.Fabio.registry.static.page })},
		{name: at + "file.path", set: direct(func(c *Config) any { return &c.Fabio.registry.file.path })},
		{name: at + "file.noroutehtmlpath", set: direct(func(c *Config) any { return &c.Fabio.registry.file.pagePath })},
		{name: at + "custom.host", set: direct(func(c *Config) any { return &custom(c).host })},
		{name: at + "custom.scheme", set: direct(func(c *Config) any { return &custom(c).scheme })},
		{name: at + "custom.path", set: direct(func(c *Config) any { return &custom(c).path })},
		{name: at + "custom.queryparams", set: direct(func(c *Config) any { return &custom(c).query })},
		{name: at + "custom.timeout", set: duration(func(c *Config) *time.Duration { return &custom(c).timeout })},
		{name: at + "custom.pollinterval", set: duration(func(c *Config) *time.Duration { return &custom(c).poll })},
		{name: at + "custom.checkTLSSkipVerify", boolean: true, set: direct(func(c *Config) any { return &custom(c).skipVerify })},
		{name: at + "custom.noroutehtml", set: direct(func(c *Config) any { return &c.Fabio.registry.page })},
	}
}
