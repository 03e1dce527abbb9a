package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/cmd/sluice/logging"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/flags"
	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
	"golang.org/x/net/http/httpguts"
)

// The tools ask a running sluice over its admin listener or, when told of a
// catalog or a Consul, read that themselves.

// toolFlags are the flags of tools beside the daemon's.
type toolFlags struct {
	from    string   // base URL of the admin listener to ask
	ca      string   // file or folder of the authorities of its certificate
	name    string   // that its certificate has to be for, if it is not from's host
	json    bool     // print JSON
	headers []string // of the request to explain
	diff    bool     // compare two lists of routes
}

// fromFlags say which running sluice to ask, and what flags follow.
func (t *toolFlags) fromFlags(more ...flags.Flag) []flags.Flag {
	return append([]flags.Flag{
		{Name: "from", Value: "URL", Help: "Admin listener to ask: http://HOST:PORT, https://HOST:PORT or unix:///PATH (default http://" + config.DefaultAdminAddress + ").",
			Set: func(_ *flags.CommandLine, value string) error {
				t.from = strings.TrimRight(value, "/")
				return nil
			}},
		{Name: "from-ca", Value: "PATH", Help: "File or folder with the authorities of its certificate, as PEM (default the system's).",
			Set: func(_ *flags.CommandLine, value string) error {
				t.ca = value
				return nil
			}},
		{Name: "from-server-name", Value: "NAME", Help: "Name its certificate has to be for (default that of the URL).",
			Set: func(_ *flags.CommandLine, value string) error {
				t.name = value
				return nil
			}},
	}, more...)
}

func (t *toolFlags) jsonFlag() flags.Flag {
	return flags.Flag{Name: "json", Help: "Print JSON, as the admin listener has it.",
		Set: func(_ *flags.CommandLine, value string) error { return config.Assign(&t.json, value) }}
}

func (t *toolFlags) diffFlag() flags.Flag {
	return flags.Flag{Name: "diff", Help: "Compare OLD and NEW: each a file that -json wrote, a configuration, or a folder of service definitions. The exit status is 2 if a route differs.",
		Set: func(_ *flags.CommandLine, value string) error { return config.Assign(&t.diff, value) }}
}

func (t *toolFlags) headerFlag() flags.Flag {
	return flags.Flag{Name: "H", Value: "'NAME: VALUE'", Help: "Header field of the request. Repeatable.",
		Set: func(_ *flags.CommandLine, value string) error {
			if _, _, err := headerOf(value); err != nil {
				return err
			}
			t.headers = append(t.headers, value)
			return nil
		}}
}

// headerOf reads "Name: value".
func headerOf(text string) (name, value string, err error) {
	name, value, ok := strings.Cut(text, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case !ok || name == "":
		return "", "", fmt.Errorf("%q is not of the form Name: value", text)
	case !httpguts.ValidHeaderFieldName(name):
		return "", "", fmt.Errorf("%q is no name of a header: letters, digits and dashes", name)
	case !httpguts.ValidHeaderFieldValue(value):
		return "", "", fmt.Errorf("the value of %s has a line break or another character no header can have", name)
	}
	return name, value, nil
}

// loadTool is load for a tool with flags and a help of its own.
func (p program) loadTool(args []string, head string, own ...flags.Flag) (cl flags.CommandLine, c config.Config, done bool, err error) {
	if cl, err = p.parse(args, own...); err != nil {
		return cl, c, false, err
	}
	if cl.Help {
		return cl, c, true, p.writeToolUsage(head, own)
	}
	c, err = cl.Load(p.getenv)
	return cl, c, false, err
}

// ask gets a path of the running sluice's admin API.
func (t toolFlags) ask(ctx context.Context, c config.Config, path string, into any) error {
	client, base, err := t.adminClient(c)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return exit.With(exit.Flags, fmt.Errorf("-from: %w", err))
	}
	resp, err := client.Do(req)
	if err != nil {
		hint := "is it running with -admin? -from URL asks another one; -catalog DIR or -consul-addr ADDR need none"
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			hint = "-from-ca PATH has the authorities of its certificate, -from-server-name NAME a name it is for"
		}
		return fmt.Errorf("asking the running sluice: %w (%s)", err, hint)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var problem struct{ Title, Detail string }
		if json.Unmarshal(body, &problem) != nil || problem.Title == "" {
			return fmt.Errorf("%s answers %s: that is not the admin listener of a sluice (-admin says where that is)", base, resp.Status)
		}
		status := exit.Runner
		if resp.StatusCode == http.StatusBadRequest {
			status = exit.Flags
		}
		return exit.With(status, fmt.Errorf("the running sluice answers %s: %s", resp.Status, cmp.Or(problem.Detail, problem.Title)))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("what %s answers is not what a sluice of this version does: is that its admin listener?", base+path)
	}
	return nil
}

// adminClient is how the admin listener is reached, and the URL below which its
// paths are.
func (t toolFlags) adminClient(c config.Config) (*http.Client, string, error) {
	listen := c.Admin.Listen
	if listen == config.AdminOff {
		listen = config.DefaultAdminAddress
	}
	target := dial.Target{
		Address: cmp.Or(t.from, listen),
		// One or two requests are all there is.
		Transport: dial.Transport{DisableKeepAlives: true},
		TLS:       dial.TLS{Wanted: c.Admin.Certificates != "", CACert: t.ca, ServerName: t.name},
	}
	if info, err := os.Stat(t.ca); err == nil && info.IsDir() {
		target.TLS.CACert, target.TLS.CAPath = "", t.ca
	}
	client, base, err := target.Client()
	if err != nil {
		return nil, "", exit.With(exit.Flags, fmt.Errorf("-from: %w", err))
	}
	client.Timeout = 10 * time.Second
	return client, strings.TrimRight(base.String(), "/"), nil
}

// standsAlone reports whether a tool was told where to read the catalog itself.
func (t toolFlags) standsAlone(c config.Config) bool {
	return t.from == "" && (!c.AsksConsul() || c.Consul.Address != "")
}

// readTable builds the routing table from the configured source, once.
func (p program) readTable(ctx context.Context, c config.Config) (*lb.Table, *sources, error) {
	o, err := c.ServerOptions()
	if err != nil {
		return nil, nil, exit.With(exit.Config, err)
	}
	log := logging.New(p.stderr, c.LogFormat, c.LogLevel.Value)
	if c.Catalog.Path != "" {
		log = logging.New(io.Discard, c.LogFormat, c.LogLevel.Value) // faults are shown by the tool
	}
	s, err := newSources(c, p.getenv, log)
	if err != nil {
		return nil, nil, err
	}
	watcher := s.newWatcher(c, log)
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- watcher.Run(ctx) }()
	defer func() {
		stop()
		_ = <-ended // an outage is no reason for Run to fail
	}()
	table, err := completeTable(ctx, watcher, o.TableOptions())
	if err != nil {
		return nil, nil, fmt.Errorf("reading the catalog of %s: %w", s.origin, err)
	}
	return table, s, nil
}

// completeTable waits for the first complete table. A source that fails is an
// error here: nobody wants to wait for it.
func completeTable(ctx context.Context, watcher *watch.Watcher, o lb.Options) (*lb.Table, error) {
	wants := watcher.Register("tool")
	defer wants.Close()
	builder := lb.NewBuilder(o, target.NewRegistry(nil))
	for {
		snapshot := watcher.Snapshot()
		if queries, changed := builder.Wants(snapshot); changed {
			wants.Set(queries...)
		}
		if table := builder.Build(snapshot); table.Complete() {
			return table, nil
		}
		for q, entry := range snapshot.All {
			if entry.Err != nil && !isProblem(q, entry.Err) {
				return nil, entry.Err
			}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-wants.Changed():
		}
	}
}

// isProblem reports whether a failure of a question is one of the table's problems:
// of a service that may not or cannot be asked for.
func isProblem(q watch.Query, err error) bool {
	_, ok := q.(watch.Health)
	return ok && (errors.Is(err, watch.ErrDenied) || errors.Is(err, watch.ErrInvalid))
}

// printJSON prints a view as the admin API would.
func (p program) printJSON(view any) error {
	text, err := json.MarshalIndent(view, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", text)
	return err
}

// errNegative is a tool's "no", already told: status 1 without a message.
var errNegative = &exit.Error{Code: 1, Err: nil}
