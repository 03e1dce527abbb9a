// Package fabio reads Fabio's properties and flags into a configuration.
package fabio

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/internal/nearest"
)

// Settings are what a Fabio user starts it with: a properties file and
// flags.
type Settings struct {
	Path  string // empty: there are none
	flags []Property
}

// Flag takes a flag of Fabio's own, which may stand behind -fabio. It is
// not ok if it is none.
func (f *Settings) Flag(name string) (flag config.PeerFlag, ok bool) {
	key, ok := findKey(name)
	if !ok || f.Path == "" {
		return flag, false
	}
	flag.Set = func(value string) error {
		f.flags = append(f.flags, Property{key.name, value, "flag -" + name})
		return nil
	}
	if !key.boolean {
		flag.Value = "VALUE"
	}
	return flag, true
}

// Load puts the settings into a configuration: of a flag, a variable and a
// property of one name, the first counts.
func (f *Settings) Load(c *config.Config, getenv func(string) string) error {
	if f.Path == "" {
		return nil
	}
	text, err := readProperties(f.Path)
	if err != nil {
		return fmt.Errorf("reading Fabio's properties: %w", err)
	}
	return f.Take(c, string(text), getenv)
}

// readProperties reads a file, or what is at a URL.
func readProperties(where string) ([]byte, error) {
	const maxSize, patience = 1 << 20, 10 * time.Second
	if !strings.HasPrefix(where, "http://") && !strings.HasPrefix(where, "https://") {
		return os.ReadFile(where)
	}
	client := http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	resp, err := client.Get(where)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", where, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxSize+1))
	if len(text) > maxSize {
		return nil, fmt.Errorf("%s has more than 1 MiB", where)
	}
	return text, err
}

// Take is Load with what the file holds.
func (f *Settings) Take(c *config.Config, text string, getenv func(string) string) error {
	SetDefaults(c)
	file, variables, err := Parse(f.Path, text, getenv)
	errs := []error{err}
	for _, v := range variables {
		if !v.Set {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s: %s: ${%s} is empty: there is no property and no variable of that name", v.Property.Origin, v.Property.Key, v.Name))
		}
	}
	var unknown []string
	for _, p := range file {
		if _, ok := findKey(p.Key); !ok {
			unknown = append(unknown, fmt.Sprintf("%s: %s is ignored, for Fabio has no such property%s", p.Origin, p.Key,
				nearest.Hint(p.Key, "", keyNames())))
		}
	}
	c.Warnings = append(c.Warnings, unknown...)
	settings := newReader(c, getenv)
	for _, key := range allKeys() {
		p, ok := lastOf(f.flags, key.name)
		if !ok {
			p, ok = environmentProperty(key.name, getenv)
		}
		if !ok {
			p, ok = lastOf(file, key.name)
		}
		if !ok {
			continue
		}
		c.FabioUI.Given[key.name] = p.Value
		if err := key.set(settings, p); err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", p.Origin, p.Key, err))
		}
	}
	c.FabioUI.Listen = c.Admin.Listen
	return errors.Join(append(errs, settings.finish())...)
}

func lastOf(all []Property, key string) (p Property, ok bool) {
	for _, p := range slices.Backward(all) {
		if strings.EqualFold(p.Key, key) {
			return p, true
		}
	}
	return p, false
}

// environmentProperty looks for FABIO_KEY and KEY, with underscores for dots.
func environmentProperty(key string, getenv func(string) string) (p Property, ok bool) {
	name := strings.ReplaceAll(key, ".", "_")
	for _, name := range []string{
		"FABIO_" + strings.ToUpper(name), "FABIO_" + name, "fabio_" + strings.ToLower(name),
		strings.ToUpper(name), name, strings.ToLower(name),
	} {
		if value := getenv(name); value != "" {
			return Property{key, value, "variable " + name}, true
		}
	}
	return p, false
}

// SetDefaults is where Fabio's defaults are not ours and a user would
// notice.
func SetDefaults(c *config.Config) {
	c.LB.Listeners = []config.Listener{{Origin: "Fabio's default of proxy.addr", Text: ":9999"}}
	c.LB.Health.Checks = "one"
	c.LB.AccessLog.Format = "common"
	c.LB.Forwarding.Details = true
	c.LB.TrustedProxies = []string{"0.0.0.0/0", "::/0"} // Fabio has no list of them
	c.Admin.Listen = ":9998"
	c.Tags.Dialects = []string{"fabio"}
	c.FabioUI = config.NewFabioUI()
	c.Fabio = config.Fabio{
		RoutesKey: "fabio/config", NoRouteKey: "fabio/noroute.html",
		Register:     config.Register{Enabled: true, Name: "fabio"},
		EmptyNoRoute: true, Registry: config.DefaultFabioRegistry(),
	}
}
