// Demo starts sluice with a few services and shows what it makes of them: the
// folder consul.d beside this file is the catalog, two small HTTP servers are
// the instances. With -consul the same services are registered with a
// development agent in its stead.
//
// Everything it starts stops with it, and what it writes is removed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sync/errgroup"
)

func main() {
	d := demo{}
	flag.StringVar(&d.Sluice, "sluice", ".bin/sluice", "the `program` to show")
	flag.StringVar(&d.Consul, "consul", "", "run on an agent of this Consul `program` instead of on the folder")
	flag.StringVar(&d.Catalog, "catalog", "examples/demo/consul.d", "`folder` of service definitions")
	flag.StringVar(&d.Templates, "templates", "templates", "`folder` of templates")
	flag.BoolVar(&d.Visit, "visit", false, "request the tour's URLs, print the answers and stop")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := d.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

type demo struct {
	Sluice    string
	Consul    string
	Catalog   string
	Templates string
	Visit     bool

	ip    string // where instances, and Consul, listen
	lb    string // host:port
	admin string // host:port
	out   string // folder of the rendered files
}

// Returned by a part that has done all it was meant to.
var errDone = errors.New("done")

func (d *demo) run(ctx context.Context) error {
	services, err := readServices(d.Catalog)
	if err != nil {
		return err
	}
	if d.ip, err = freeAddress(services.ports()); err != nil {
		return err
	}
	if d.lb, err = freePort(8080); err != nil {
		return err
	}
	if d.admin, err = freePort(8081); err != nil {
		return err
	}
	if d.out, err = os.MkdirTemp("", "sluice-demo-"); err != nil {
		return err
	}
	defer os.RemoveAll(d.out)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for _, port := range services.ports() {
		group.Go(func() error { return serveInstance(ctx, d.ip, port) })
	}
	source := []string{"-catalog", d.Catalog, "-catalog-address", d.ip}
	if d.Consul != "" {
		source = []string{"-consul-addr", net.JoinHostPort(d.ip, "8500")}
		group.Go(func() error { return runAgent(ctx, d.Consul, d.ip, d.out) })
		if err := registerAll(ctx, d.ip, services); err != nil {
			cancel()
			return errors.Join(err, group.Wait())
		}
	}
	group.Go(func() error { return runSluice(ctx, d.Sluice, append(source, d.flags()...)) })
	group.Go(func() error {
		err := d.tour(ctx)
		if err == nil && d.Visit {
			return errDone
		}
		return err
	})
	err = group.Wait()
	if errors.Is(err, errDone) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (d *demo) flags() []string {
	return []string{
		"-log-level", "info",
		"-lb", d.lb,
		"-admin", d.admin,
		"-template", filepath.Join(d.Templates, "nginx.ctmpl") + ":" + d.file("nginx-sites.conf"),
		"-template", filepath.Join(d.Templates, "haproxy.ctmpl") + ":" + d.file("haproxy.cfg"),
	}
}

func (d *demo) file(name string) string { return filepath.Join(d.out, name) }
