package migrate

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
)

// Traefik are what a Traefik user starts it with. Traefik 2 and 3 look at a
// file or, without one, at flags or, without those, at variables; Traefik 1 puts flags
// on top of its file.
type Traefik struct {
	on    bool
	path  string // empty: there is none
	flags []setting
}

// setting is one that has a line, a flag or a variable of its own.
type setting struct{ key, value, origin string }

// NewTraefik are those of a file, of the flags behind "-" or, without any, of
// variables.
func NewTraefik(path string) Traefik {
	return Traefik{on: true, path: strings.TrimPrefix(path, "-")}
}

// traefikRoots are the first words of Traefik's flags.
var traefikRoots = []string{
	"accesslog", "api", "certificatesresolvers", "configfile", "core", "entrypoints", "experimental", "global", "hostresolver", "log", "metrics", "ocsp", "ping",
	"providers", "serverstransport", "spiffe", "tcpserverstransport", "tracing",
	// Those of Traefik 1.
	"accesslogsfile", "acme", "checknewversion", "consulcatalog", "debug", "defaultentrypoints", "file", "forwardingtimeouts", "gracetimeout", "healthcheck",
	"idletimeout", "insecureskipverify", "keeptrailingslash", "lifecycle", "loglevel", "maxidleconnsperhost", "providersthrottleduration", "respondingtimeouts",
	"retry", "rootcas", "sendanonymoususage", "traefiklog", "traefiklogsfile", "web",
}

// Flag takes a flag of Traefik's own, which may stand behind -traefik. It is not ok if
// it is none.
func (s *Traefik) Flag(name string) (flag config.PeerFlag, ok bool) {
	root, _, _ := strings.Cut(strings.ToLower(name), ".")
	root, _, _ = strings.Cut(root, "[")
	if !s.on || !slices.Contains(traefikRoots, root) {
		return flag, false
	}
	return config.PeerFlag{Value: "VALUE", Bare: "true", Set: func(value string) error {
		if root == "configfile" {
			s.path = value
			return nil
		}
		s.flags = append(s.flags, setting{name, value, "flag -" + name})
		return nil
	}}, true
}

// Load puts into a configuration what migrating it would write down. What has no
// equivalent is among the warnings.
func (s *Traefik) Load(c *config.Config, getenv func(string) string) error {
	if !s.on {
		return nil
	}
	m := newMigration()
	m.Config, m.isRunning = *c, true
	if err := s.read(m, getenv); err != nil {
		return err
	}
	m.followFiles()
	m.convert()
	m.sortNotes()
	for _, n := range m.notes {
		m.Warnings = append(m.Warnings, n.String())
	}
	*c = m.Config
	return nil
}

// read reads the static configuration.
func (s *Traefik) read(m *migration, getenv func(string) string) error {
	flags := slices.Clone(s.flags)
	variables := s.variables(os.Environ())
	isFile := s.path != ""
	if isFile {
		if err := m.read(s.path, "", getenv); err != nil {
			return err
		}
	}
	switch {
	case isFile && m.ofTraefik1 == nil && m.ofTraefik == nil:
		return fmt.Errorf("%s is of Fabio: -fabio runs it", s.path)
	case isFile && m.ofTraefik1 != nil:
		if len(flags) > 0 {
			more := flagTree("the command line", flags)
			m.notes = append(m.notes, more.merge(m.ofTraefik1)...)
			m.ofTraefik1 = more
		}
	case isFile:
		for _, p := range slices.Concat(flags, variables) {
			m.notes = append(m.notes, note{path: p.origin, text: "is ignored, as by Traefik, which does not look at it beside a file"})
		}
	case len(flags) > 0:
		return m.takeTree("the command line", "", flagTree("the command line", flags))
	case len(variables) > 0:
		return m.takeTree("the environment", "", flagTree("the environment", variables))
	default:
		return errors.New("-traefik: there is no file, no flag behind it and no variable TRAEFIK_…: what is there to run?")
	}
	return nil
}

// variables are those of Traefik. Their words are those of flags, with underscores
// between them.
func (s *Traefik) variables(environ []string) (all []setting) {
	const prefix = "TRAEFIK_"
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if len(name) <= len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
			continue
		}
		var key string
		for word := range strings.SplitSeq(strings.ToLower(name[len(prefix):]), "_") {
			if _, err := strconv.Atoi(word); err == nil && key != "" {
				key += "[" + word + "]"
			} else {
				key = hcl.Join(key, word)
			}
		}
		all = append(all, setting{key, value, "variable " + name})
	}
	slices.SortFunc(all, func(a, b setting) int { return cmp.Compare(a.key, b.key) })
	return all
}

// flagTree makes a tree of settings that have a line for each value.
func flagTree(path string, all []setting) *tree {
	from := &source{path: path}
	t := &tree{sources: []*source{from}}
	for _, p := range all {
		if strings.EqualFold(p.key, "entryPoints") && strings.Contains(p.value, ":") { // as Traefik 1 has them
			for _, inner := range entrypointWords(p.value) {
				t.values = append(t.values, treeValue{path: inner.key, value: inner.value, from: from})
			}
			continue
		}
		if v := t.find(p.key); v != nil {
			v.value = p.value // the last one counts
			continue
		}
		t.values = append(t.values, treeValue{path: p.key, value: p.value, from: from})
	}
	return t
}

// entrypointWords takes apart "Name:https Address::443 TLS:a.crt,a.key;b.crt,b.key
// Compress:true" of a flag of Traefik 1.
func entrypointWords(text string) (all []setting) {
	name := ""
	for word := range strings.FieldsSeq(text) {
		if key, value, _ := strings.Cut(word, ":"); strings.EqualFold(key, "name") {
			name = value
		}
	}
	at := "entryPoints." + name
	for word := range strings.FieldsSeq(text) {
		key, value, given := strings.Cut(word, ":")
		switch {
		case strings.EqualFold(key, "name"):
		case strings.EqualFold(key, "tls") && given:
			for i, pair := range strings.Split(value, ";") {
				cert, private, _ := strings.Cut(pair, ",")
				pairAt := at + ".tls.certificates[" + strconv.Itoa(i) + "]"
				all = append(all, setting{key: pairAt + ".certFile", value: cert}, setting{key: pairAt + ".keyFile", value: private})
			}
		case !given:
			all = append(all, setting{key: hcl.Join(at, key), value: "true"})
		default:
			all = append(all, setting{key: hcl.Join(at, key), value: value})
		}
	}
	return all
}
