package lb

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/claim"
	"github.com/sluiceproxy/sluice/lb/roster"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// Manual says what operators add to the tags of services: Fabio routes in the
// language of [tags.Commands], and a page for requests without a route.
type Manual struct {
	// Text are commands that come before those of RoutesKey.
	Text string
	// RoutesKey is a key of the KV store that holds commands; those below it are
	// read too, in their order. Empty: none.
	RoutesKey string
	// PageKey is the same for the page, and Page the one there is without.
	PageKey string
	Page    string
	// NoLine leaves out the line of text that stands for a page.
	NoLine bool
}

// page is what requests without a route get.
type page struct {
	text, contentType string
	empty             bool // on purpose
}

// manual is what a builder knows of [Manual].
type manual struct {
	routes, page kvText
	// added are the services that commands alone have routes of; moved is set when
	// they may be others.
	added map[string]*definition
	moved bool
}

func newManual(m Manual) manual {
	return manual{routes: kvText{key: kvKey(m.RoutesKey)}, page: kvText{key: kvKey(m.PageKey)}, added: map[string]*definition{}}
}

// kvText is what a key holds and those below it.
type kvText struct {
	key   string
	state roster.State
	seen  uint64 // version of the answer
	pairs []watch.Pair
}

// query asks for more than is wanted: keys that begin alike.
func (k *kvText) query(scope watch.Scope) watch.Prefix {
	return watch.Prefix{Scope: scope, Path: k.key}
}

func kvKey(text string) string { return strings.Trim(text, "/") }

// queries are what has to be known for the manual part of tables.
func (m *manual) queries(scope watch.Scope) (all []watch.Query) {
	for _, k := range []*kvText{&m.routes, &m.page} {
		if k.key != "" {
			all = append(all, k.query(scope))
		}
	}
	return all
}

// read takes in the answer, and tells whether it is another one.
func (k *kvText) read(s *watch.Snapshot, scope watch.Scope) (changed bool, err error) {
	if k.key == "" {
		return false, nil
	}
	entry, _ := s.Entry(k.query(scope))
	pairs, ok := watch.Get(s, k.query(scope))
	if !ok {
		k.state = roster.StateOf(entry.Err)
		return false, entry.Err
	}
	if k.state == roster.Read && k.seen == entry.Version {
		return false, nil
	}
	k.state, k.seen, k.pairs = roster.Read, entry.Version, nil
	for _, pair := range pairs {
		if key := kvKey(pair.Key); key == k.key || strings.HasPrefix(key, k.key+"/") {
			k.pairs = append(k.pairs, pair)
		}
	}
	return true, nil
}

// is reports whether one of the texts is in that state.
func (m *manual) is(s roster.State) bool {
	return m.routes.key != "" && m.routes.state == s || m.page.key != "" && m.page.state == s
}

// readManual takes in what is new in the KV store. Services that commands
// concern are read again.
func (b *Builder) readManual(s *watch.Snapshot) {
	changed, err := b.manual.routes.read(s, b.Scope)
	b.tellUnread(&b.manual.routes, err)
	if changed {
		b.command()
	}
	_, err = b.manual.page.read(s, b.Scope)
	b.tellUnread(&b.manual.page, err)
}

func (b *Builder) tellUnread(k *kvText, err error) {
	var problems []tags.Problem
	if k.state != roster.Read && err != nil {
		hint := "it is asked for again"
		if errors.Is(err, watch.ErrDenied) {
			hint = "the token needs key_prefix:read on " + k.key
		}
		problems = []tags.Problem{{Source: "key " + k.key, Offset: -1, Reason: "it cannot be read: " + err.Error(), Hint: hint}}
	}
	b.problems.set(owner{"key", nameOf("", k.key)}, problems)
}

// command puts the commands in force.
func (b *Builder) command() {
	commands, problems := b.Tags.ParseCommands("the configured routes", b.Manual.Text)
	lists := []tags.CommandList{commands}
	for _, pair := range b.manual.routes.pairs {
		commands, more := b.Tags.ParseCommands("key "+pair.Key, pair.Value)
		lists, problems = append(lists, commands), append(problems, more...)
	}
	b.problems.set(owner{"commands", name{}}, shortened(problems))
	before := b.Tags.Commands
	b.Tags.Commands = tags.Join(lists...)
	for name := range b.services {
		if before.Concern(name) || b.Tags.Commands.Concern(name) {
			b.roster.Reread(name)
		}
	}
	for name, known := range b.manual.added {
		b.settle(name, known, tags.Definition{})
	}
	clear(b.manual.added)
	b.manual.moved = true
}

// shortened are as many problems as anybody reads.
func shortened(problems []tags.Problem) []tags.Problem {
	if len(problems) <= tags.MaxProblems {
		return problems
	}
	return append(problems[:tags.MaxProblems:tags.MaxProblems], tags.Problem{
		Source: problems[0].Source, Offset: -1, Reason: fmt.Sprintf("there are %d problems in all; the others are not listed", len(problems)),
	})
}

// settleAdded has the routes of services that only commands know.
func (b *Builder) settleAdded() {
	if !b.manual.moved {
		return
	}
	b.manual.moved = false
	for _, name := range b.Tags.Commands.Services() {
		known, listed := b.manual.added[name], b.roster.Has(name)
		switch {
		case known == nil && !listed:
			known = &definition{}
			b.manual.added[name] = known
			b.settle(name, known, b.commanded(name))
		case known != nil && listed:
			b.settle(name, known, tags.Definition{})
			delete(b.manual.added, name)
		}
	}
}

// commanded is what commands alone ask for in the name of a service.
func (b *Builder) commanded(service string) tags.Definition {
	return b.Claims.Restrict(tags.Parse(b.Tags, service, nil), claim.Owner{Service: service})
}

// noRoute is the page for requests without a route.
func (b *Builder) noRoute() page {
	text := b.Manual.Page
	if pairs := b.manual.page.pairs; len(pairs) > 0 {
		var all strings.Builder
		for _, pair := range slices.SortedFunc(slices.Values(pairs), func(x, y watch.Pair) int { return strings.Compare(x.Key, y.Key) }) {
			all.WriteString(strings.TrimSpace(pair.Value))
		}
		text = all.String()
	}
	if text == "" {
		return page{empty: b.Manual.NoLine}
	}
	return page{text: text, contentType: http.DetectContentType([]byte(text))}
}
