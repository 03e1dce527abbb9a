package fabio

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

// registryWords are properties of the registries that only count together,
// or with one of them.
type registryWords struct {
	staticRoutes, staticPage, customPage string

	scheme, host, path, query string // of the URL of routes
}

// apply puts them into the configuration.
func (w registryWords) apply(c *config.Config) error {
	r := &c.Fabio.Registry
	if r.ReplacesConsul() {
		c.Fabio.RoutesKey, c.Fabio.NoRouteKey = "", ""
	}
	switch r.Backend {
	case "static":
		c.Fabio.Routes, c.Fabio.NoRoutePage = w.staticRoutes, w.staticPage
	case "file":
		if r.Path == "" {
			return errors.New("registry.file.path is missing")
		}
	case "custom":
		c.Fabio.NoRoutePage = w.customPage
		if w.host == "" {
			return errors.New("registry.custom.host is missing")
		}
		if w.scheme != "http" && w.scheme != "https" {
			return fmt.Errorf("registry.custom.scheme: %q is neither http nor https", w.scheme)
		}
		r.URL = w.scheme + "://" + w.host + "/" + strings.TrimPrefix(w.path, "/")
		if w.query != "" {
			r.URL += "?" + w.query
		}
	}
	return nil
}

// registryKeys are those of all backends but Consul.
func registryKeys() []knownKey {
	const at = "registry."
	registry := func(c *config.Config) *config.FabioRegistry { return &c.Fabio.Registry }
	word := func(field func(*registryWords) *string) func(*reader, Property) error {
		return func(r *reader, p Property) error {
			*field(&r.registry) = p.Value
			return nil
		}
	}
	return []knownKey{
		{name: at + "backend", set: func(r *reader, p Property) error {
			r.Fabio.Registry.Backend = p.Value
			return oneOfThese(config.FabioBackends...)(r, p)
		}},
		{name: at + "timeout", set: without("Consul is waited for as long as it takes")},
		{name: at + "retry", set: duration(func(c *config.Config) *time.Duration { return &c.Consul.Retry.Backoff })},
		{name: at + "static.routes", set: word(func(w *registryWords) *string { return &w.staticRoutes })},
		{name: at + "static.noroutehtml", set: word(func(w *registryWords) *string { return &w.staticPage })},
		{name: at + "file.path", set: direct(func(c *config.Config) any { return &registry(c).Path })},
		{name: at + "file.noroutehtmlpath", set: direct(func(c *config.Config) any { return &registry(c).PagePath })},
		{name: at + "custom.host", set: word(func(w *registryWords) *string { return &w.host })},
		{name: at + "custom.scheme", set: word(func(w *registryWords) *string { return &w.scheme })},
		{name: at + "custom.path", set: word(func(w *registryWords) *string { return &w.path })},
		{name: at + "custom.queryparams", set: word(func(w *registryWords) *string { return &w.query })},
		{name: at + "custom.timeout", set: duration(func(c *config.Config) *time.Duration { return &registry(c).Timeout })},
		{name: at + "custom.pollinterval", set: duration(func(c *config.Config) *time.Duration { return &registry(c).Poll })},
		{name: at + "custom.checkTLSSkipVerify", boolean: true, set: direct(func(c *config.Config) any { return &registry(c).SkipVerify })},
		{name: at + "custom.noroutehtml", set: word(func(w *registryWords) *string { return &w.customPage })},
	}
}
