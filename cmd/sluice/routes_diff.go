package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/flags"
	"github.com/sluiceproxy/sluice/internal/exit"
)

// routesList is what the tool lists; saved as JSON it can be compared with a
// later one.
type routesList struct {
	Routes   []routeView   `json:"routes"`
	Problems []problemView `json:"problems"`
}

// diffRoutes compares two lists of routes, which are files that sluice routes
// -json wrote, folders with service definitions, or configurations.
func (p program) diffRoutes(ctx context.Context, cl flags.CommandLine, asJSON bool) error {
	if len(cl.Args) != 2 {
		return exit.With(exit.Flags, fmt.Errorf("-diff compares two: sluice routes -diff OLD NEW"))
	}
	var lists [2]routesList
	for i, path := range cl.Args {
		var err error
		if lists[i], err = p.routesAt(ctx, cl, path); err != nil {
			return inFile(path, err)
		}
	}
	changes := compareRouteLists(lists[0].Routes, lists[1].Routes)
	if asJSON {
		if err := p.printJSON(changes); err != nil {
			return err
		}
	} else {
		writeChanges(p.stdout, changes)
	}
	if len(changes) > 0 {
		return &exit.Error{Code: exit.Differs}
	}
	return nil
}

// inFile puts a path in front of an error that does not have it.
func inFile(path string, err error) error {
	text := err.Error()
	if strings.Contains(text, path) {
		return err
	}
	if e, ok := errors.AsType[*exit.Error](err); ok {
		return exit.With(e.Code, fmt.Errorf("%s: %w", path, e.Err))
	}
	return fmt.Errorf("%s: %w", path, err)
}

// routesAt reads what an argument of -diff stands for.
func (p program) routesAt(ctx context.Context, cl flags.CommandLine, path string) (list routesList, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return list, exit.With(exit.Flags, fmt.Errorf("-diff takes files that sluice routes -json wrote, configurations and folders of service definitions: %w", err))
	case info.IsDir():
		cl.Settings = append(slices.Clone(cl.Settings), func(c *config.Config) error {
			c.Catalog.Path = path
			return nil
		})
	default:
		text, err := os.ReadFile(path)
		if err != nil {
			return list, err
		}
		switch {
		case len(bytes.TrimSpace(text)) == 0:
			return list, exit.With(exit.Flags, errors.New("it is empty: did the command that was to write it fail?"))
		case listStart.Match(text):
			return list, list.read(text)
		}
		cl.Configs = append(slices.Clone(cl.Configs), path)
	}
	c, err := cl.Load(p.getenv)
	if err != nil {
		return list, err
	}
	table, _, err := p.readTable(ctx, c)
	if err != nil {
		return list, err
	}
	return routesList{Routes: routesView(table)}, nil
}

// listStart tells a saved list from a configuration in JSON.
var listStart = regexp.MustCompile(`^\s*(\[|\{\s*"(routes|problems)"\s*:)`)

// read takes in a saved list.
func (l *routesList) read(text []byte) error {
	err := json.Unmarshal(text, l)
	if err == nil {
		return nil
	}
	fault, offset := "it ends too early", int64(len(text))
	if e, ok := errors.AsType[*json.SyntaxError](err); ok && e.Offset < offset {
		fault, offset = "there is no JSON", e.Offset
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if fault, offset = "there is "+withArticle(e.Value), e.Offset; e.Field != "" {
			fault = e.Field + " cannot be " + withArticle(e.Value)
		}
	}
	line := 1 + bytes.Count(text[:min(offset, int64(len(text)))], []byte("\n"))
	return exit.With(exit.Flags, fmt.Errorf("line %d: %s: this is not a list that sluice routes -json wrote", line, fault))
}

// withArticle puts one before a kind of JSON value.
func withArticle(kind string) string {
	if strings.HasPrefix(kind, "a") || strings.HasPrefix(kind, "o") {
		return "an " + kind
	}
	return "a " + kind
}

// routeChange is a route that is in one list only, or in both with differences.
type routeChange struct {
	// Change is "added", "removed" or "changed".
	Change  string `json:"change"`
	Dialect string `json:"dialect"`
	Name    string `json:"name"`
	Service string `json:"service,omitempty"`
	Rule    string `json:"rule"` // the newer one
	// Details are the lines that differ, "- " before those of the old list.
	Details []string `json:"details,omitempty"`
}

// compareRouteLists lists the differences by dialect and name.
func compareRouteLists(before, after []routeView) []routeChange {
	type key struct{ network, dialect, name, service string }
	byKey := func(all []routeView) map[key]routeView {
		m := map[key]routeView{}
		for _, r := range all {
			k := key{r.Network, r.Dialect, r.Name, ""}
			if _, twice := m[k]; twice {
				k.service = r.Service
			}
			m[k] = r
		}
		return m
	}
	old, now := byKey(before), byKey(after)
	changes := []routeChange{}
	note := func(change string, r routeView, details []string) {
		changes = append(changes, routeChange{change, r.Dialect, r.Name, r.Service, r.Rule, details})
	}
	for k, r := range old {
		if _, ok := now[k]; !ok {
			note("removed", r, nil)
		}
	}
	for k, r := range now {
		was, ok := old[k]
		if !ok {
			note("added", r, nil)
		} else if details := differingLines(was.lines(), r.lines()); len(details) > 0 {
			note("changed", r, details)
		}
	}
	slices.SortFunc(changes, func(a, b routeChange) int {
		return cmp.Or(cmp.Compare(a.Dialect, b.Dialect), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Service, b.Service))
	})
	return changes
}

// lines are what a route does, one thing a line. Where it was found is not among
// them, nor is what changes by itself.
func (r routeView) lines() []string {
	lines := []string{"rule " + r.Rule, "matches " + r.Matches, "service " + r.Service, fmt.Sprintf("priority %d", r.Priority)}
	for i, step := range r.Steps {
		lines = append(lines, fmt.Sprintf("middleware %d %s", i+1, step))
	}
	for _, change := range r.Path {
		lines = append(lines, "path "+pathText([]pathView{change}))
	}
	if r.Host != "" {
		lines = append(lines, "host "+r.Host)
	}
	if r.Composition != nil {
		lines = append(lines, "composed as "+r.Composition.String())
	}
	for _, v := range r.Variants {
		for _, line := range v.lines() {
			lines = append(lines, v.Rule+": "+line)
		}
	}
	if r.Variants != nil {
		return lines
	}
	for _, e := range r.Endpoints {
		line := fmt.Sprintf("target %s weight %d", e.Address, e.Weight)
		if !e.Serving {
			line += " (not healthy)"
		}
		lines = append(lines, line)
	}
	return lines
}

func differingLines(before, after []string) (details []string) {
	only := func(mark string, list, other []string) {
		for _, line := range list {
			if !slices.Contains(other, line) {
				details = append(details, mark+line)
			}
		}
	}
	only("- ", before, after)
	only("+ ", after, before)
	return details
}

func writeChanges(w io.Writer, changes []routeChange) {
	makePrintable(&changes)
	marks := map[string]string{"added": "+", "removed": "-", "changed": "~"}
	count := map[string]int{}
	for _, c := range changes {
		count[c.Change]++
		fmt.Fprintf(w, "%s %s (%s)%s: %s\n", marks[c.Change], c.Name, c.Dialect, ofService(c.Service), c.Rule)
		for _, line := range c.Details {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
	if len(changes) == 0 {
		fmt.Fprintln(w, "no route differs")
		return
	}
	var parts []string
	for _, change := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%d %s", count[change], change))
	}
	fmt.Fprintln(w, strings.Join(parts, ", "))
}
