package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// stop is one URL of the tour.
type stop struct{ path, host, why string }

var stops = []stop{
	{"/hello", "", "urlprefix-/hello strip=/hello"},
	{"/cerebro/x", "", "traefik.frontend.rule=PathPrefixStrip:/cerebro/"},
	{"/", "shop.localhost", "traefik.http.routers.shop.rule=Host(`shop.localhost`) && PathPrefix(`/`)"},
}

// tour waits until routes and files are there and says where to look.
func (d *demo) tour(ctx context.Context) error {
	err := waitFor(ctx, 30*time.Second, func() error {
		if _, err := request(ctx, http.MethodGet, "http://"+d.admin+"/readyz", nil); err != nil {
			return err
		}
		_, err := os.Stat(d.file("haproxy.cfg"))
		return err
	})
	if err != nil {
		return fmt.Errorf("sluice has not become ready: %w", err)
	}
	routes, err := exec.CommandContext(ctx, d.Sluice, "routes", "-from", "http://"+d.admin).CombinedOutput()
	if err != nil {
		return fmt.Errorf("sluice routes: %w: %s", err, routes)
	}

	var b strings.Builder
	section := func(title string) { fmt.Fprintf(&b, "\n\033[1m%s\033[0m\n", title) }
	section("Try these")
	for _, s := range stops {
		fmt.Fprintf(&b, "  %s\n      because of the tag %s\n", d.curl(s), s.why)
	}
	section("What sluice made of the tags; one of them is wrong on purpose, and only that one is left out")
	b.WriteString(indent(string(routes)))
	fmt.Fprintf(&b, "  the same as JSON: curl http://%s/api/routes and /api/problems\n", d.admin)
	section("Files it keeps up to date, as consul-template would")
	fmt.Fprintf(&b, "  %s\n  %s\n", d.file("nginx-sites.conf"), d.file("haproxy.cfg"))
	section("Now change something")
	b.WriteString(d.suggestion())
	section("Ctrl-C stops everything and removes those files")
	fmt.Print(plainUnlessTerminal(b.String()))
	if d.Visit {
		return d.visit(ctx)
	}
	return nil
}

func (d *demo) suggestion() string {
	if d.Consul == "" {
		return fmt.Sprintf("  edit a file in %s, or delete one, and watch routes and files follow\n", d.Catalog)
	}
	return fmt.Sprintf("  curl -X PUT http://%s:8500/v1/agent/service/deregister/cerebro-1\n"+
		"  Consul's own pages are at http://%[1]s:8500/ui\n", d.ip)
}

func (d *demo) curl(s stop) string {
	if s.host == "" {
		return "curl http://" + d.lb + s.path
	}
	return "curl -H 'Host: " + s.host + "' http://" + d.lb + s.path
}

// visit requests the tour's URLs.
func (d *demo) visit(ctx context.Context) error {
	for _, s := range stops {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.lb+s.path, nil)
		if err != nil {
			return err
		}
		req.Host = s.host
		answer, err := send(req)
		if err != nil {
			return err
		}
		fmt.Printf("\n$ %s\n%s", d.curl(s), answer)
	}
	return nil
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}

// plainUnlessTerminal removes the bold of headings where nobody sees it.
func plainUnlessTerminal(text string) string {
	if info, err := os.Stdout.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" {
		return text
	}
	return strings.NewReplacer("\033[1m", "", "\033[0m", "").Replace(text)
}
