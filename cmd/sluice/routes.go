package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"text/tabwriter"
)

// routes prints every route, and what could not be honoured.
func (p program) routes(ctx context.Context, args []string) error {
	var t toolFlags
	cl, c, done, err := p.loadTool(args, routesUsage, t.fromFlags(t.jsonFlag(), t.diffFlag())...)
	if err != nil || done {
		return err
	}
	if t.diff {
		return p.diffRoutes(ctx, cl, t.json)
	}
	if err := cl.NoMoreArgs(); err != nil {
		return err
	}
	var view routesList
	if t.standsAlone(c) {
		table, s, err := p.readTable(ctx, c)
		if err != nil {
			return err
		}
		view.Routes = routesView(table)
		view.Problems = append(tagProblems(table.Problems()), fileProblems(s.catalog)...)
	} else {
		if err := t.ask(ctx, c, "/api/routes?form=sluice", &view.Routes); err != nil {
			return err
		}
		if err := t.ask(ctx, c, "/api/problems", &view.Problems); err != nil {
			return err
		}
	}
	if t.json {
		return p.printJSON(view)
	}
	view.write(p.stdout)
	return nil
}

func (l routesList) write(w io.Writer) {
	makePrintable(&l)
	writeRoutes(w, l.Routes)
	writeProblems(w, l.Problems)
}

// writeRoutes prints a table with a line for each route.
func writeRoutes(w io.Writer, routes []routeView) {
	if len(routes) == 0 {
		fmt.Fprintln(w, "no routes: no service has a tag such as urlprefix-/path, traefik.frontend.rule=… or traefik.http.routers.NAME.rule=…")
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RULE\tSERVICE\tTARGETS\tDIALECT\tPATH")
	for r := range lines(routes) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", ruleText(r), serviceText(r), targetsText(r.Endpoints), r.Dialect, pathText(r.Path))
	}
	table.Flush()
}

// ruleText is the rule, and of what if that is not requests.
func ruleText(r routeView) string {
	if r.Network == "" || strings.HasPrefix(r.Rule, r.Network+" ") || strings.Contains(r.Rule, "proto="+r.Network) {
		return r.Rule
	}
	return r.Rule + " (" + r.Network + ")"
}

// serviceText is whose route it is, and what its service is composed of.
func serviceText(r routeView) string {
	if r.Composition == nil {
		return r.Service
	}
	return r.Service + ": " + r.Composition.String()
}

// lines are the routes, and the variants of those that have any in their place.
func lines(routes []routeView) iter.Seq[routeView] {
	return func(yield func(routeView) bool) {
		for _, r := range routes {
			parts := r.Variants
			if parts == nil {
				parts = []routeView{r}
			}
			for _, part := range parts {
				if !yield(part) {
					return
				}
			}
		}
	}
}

// targetsText is the addresses that get requests, or how many there would be.
func targetsText(endpoints []endpointView) string {
	var serving []string
	for _, e := range endpoints {
		if e.Serving {
			serving = append(serving, e.Address)
		}
	}
	const shown = 3
	switch {
	case len(serving) == 0:
		return fmt.Sprintf("none of %d healthy", len(endpoints))
	case len(serving) > shown:
		return fmt.Sprintf("%s and %d more", strings.Join(serving[:shown], " "), len(serving)-shown)
	}
	return strings.Join(serving, " ")
}

func pathText(steps []pathView) string {
	var parts []string
	for _, s := range steps {
		if len(s.Strip) > 0 {
			parts = append(parts, "strip "+strings.Join(s.Strip, ", "))
		}
		if s.Add != "" {
			parts = append(parts, "add "+s.Add)
		}
	}
	return strings.Join(parts, "; ")
}

func writeProblems(w io.Writer, problems []problemView) {
	if len(problems) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%d %s:\n", len(problems), plural(len(problems), "problem", "problems"))
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
