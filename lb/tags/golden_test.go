package tags

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/lb/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each golden file is an archive of
//
//	options    (optional) words: exposed, enabled, default=traefik1, domain=D, no-fabio, no-traefik1, no-traefik, matcher=iprefix,
//	           plain-hosts, names, meta, auth=NAME, prefix=P
//	commands   (optional) manual routes
//	instances  one line "ID ADDRESS:PORT [critical] [node=N] [age=N]" each, with its tags indented below, and
//	           its metadata twice as far: KEY VALUE
//	want       the definition
//
// The service is named after the file.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		service := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(service, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(data), "-- want --\n")
			o := readOptions(t, input)
			commands, problems := o.ParseCommands("commands", section(input, "commands"))
			o.Commands = Join(commands)
			d := Parse(o, service, readInstances(t, input))
			d.Problems = append(d.Problems, problems...)
			got := dump(d)
			if *update {
				if err := os.WriteFile(file, []byte(input+"-- want --\n"+got), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("definition (-want +got):\n%s", diff)
			}
		})
	}
}

// section is the text of one file of an archive.
func section(archive, name string) string {
	_, text, _ := strings.Cut(archive, "-- "+name+" --\n")
	text, _, _ = strings.Cut(text, "\n-- ")
	return text
}

func readOptions(t *testing.T, archive string) Options {
	t.Helper()
	o := DefaultOptions()
	for word := range strings.FieldsSeq(section(archive, "options")) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "exposed":
			o.Exposed = ExposeAll
		case "enabled":
			o.Exposed = ExposeEnabled
		case "default":
			o.DefaultDialect = Dialect(value)
		case "domain":
			o.Domain = value
		case "no-fabio":
			o.Fabio = false
		case "no-traefik1":
			o.Traefik1 = false
		case "no-traefik":
			o.Traefik = false
		case "matcher":
			o.FabioMatcher = Matcher(value)
		case "names":
			o.FabioNames = true
		case "prefix":
			o.FabioPrefixes = append(o.FabioPrefixes, value)
		case "meta":
			o.Meta = true
		case "plain-hosts":
			o.FabioPlainHosts = true
		case "auth":
			o.FabioAuth = map[string]spec.Middleware{value: &spec.BasicAuth{UsersFile: "users", Realm: value}}
		default:
			t.Fatalf("unknown option %q", word)
		}
	}
	return o
}

func readInstances(t *testing.T, archive string) (instances []Instance) {
	t.Helper()
	for line := range strings.Lines(section(archive, "instances")) {
		line = strings.TrimSuffix(line, "\n")
		if pair, ok := strings.CutPrefix(line, "\t\t"); ok {
			last := &instances[len(instances)-1]
			if last.Meta == nil {
				last.Meta = map[string]string{}
			}
			key, value, _ := strings.Cut(pair, " ")
			last.Meta[key] = value
			continue
		}
		if tag, ok := strings.CutPrefix(line, "\t"); ok {
			last := &instances[len(instances)-1]
			last.Tags = append(last.Tags, tag)
			continue
		}
		words := strings.Fields(line)
		i := Instance{ID: words[0], Node: "n1", Datacenter: "dc1", Serving: true, Registered: 1}
		host, port, _ := strings.Cut(words[1], ":")
		i.Address = host
		i.Port, _ = strconv.Atoi(port)
		for _, word := range words[2:] {
			key, value, _ := strings.Cut(word, "=")
			switch key {
			case "critical":
				i.Serving = false
			case "node":
				i.Node = value
			case "age":
				i.Registered, _ = strconv.ParseUint(value, 10, 64)
			default:
				t.Fatalf("unknown word %q", word)
			}
		}
		instances = append(instances, i)
	}
	return instances
}

// dump writes a definition for people, leaving out what is as usual.
func dump(d Definition) string {
	var b bytes.Buffer
	for _, r := range d.Routes {
		fmt.Fprintf(&b, "route %s %q\n\trule  %s\n\tmatch %s\n", r.Dialect, r.Name, r.Rule, r.Match)
		if r.Applies != nil {
			fmt.Fprintf(&b, "\tif    %s\n", r.Applies)
		}
		if r.Dialect != Fabio {
			fmt.Fprintf(&b, "\tpriority %d\n", r.Precedence.Priority)
		}
		for _, list := range []struct {
			name  string
			words []string
		}{{"entrypoints", r.Entrypoints}, {"middlewares", r.Middlewares}, {"slash", r.SlashPaths}} {
			if len(list.words) > 0 {
				fmt.Fprintf(&b, "\t%s %s\n", list.name, strings.Join(list.words, " "))
			}
		}
		for _, step := range slices.Concat(r.Protection(), r.Steps) {
			fmt.Fprintf(&b, "\t%s\n", dumpStep(step))
		}
		if !r.PassHost {
			fmt.Fprintf(&b, "\thost %q\n", r.Host)
		}
		if r.TLSOptions() != "" {
			fmt.Fprintf(&b, "\ttls options %s\n", r.TLSOptions())
		}
		if r.CertResolver() != "" || r.CertDomains() != nil {
			fmt.Fprintf(&b, "\tcertificates from %q for %q\n", r.CertResolver(), r.CertDomains())
		}
		if r.Unlogged || r.Uncounted {
			fmt.Fprintf(&b, "\tunlogged %v, uncounted %v\n", r.Unlogged, r.Uncounted)
		}
		if r.Traced != spec.Unset || r.TracedSteps != spec.Unset {
			fmt.Fprintf(&b, "\ttraced %v, steps %v\n", r.Traced, r.TracedSteps)
		}
		fmt.Fprintf(&b, "\tpool %q\n", r.Pool)
	}
	for _, r := range d.TCPRoutes {
		fmt.Fprintf(&b, "%s\n\trule  %s\n", dumpTCP(r), r.Rule)
		if r.ProxyProtocol > 0 {
			fmt.Fprintf(&b, "\tPROXY header of version %d\n", r.ProxyProtocol)
		}
		if r.Access != nil {
			fmt.Fprintf(&b, "\t%s\n", dumpStep(r.Access))
		}
		fmt.Fprintf(&b, "\tpool %q\n", r.Pool)
	}
	for _, m := range slices.Concat(d.Middlewares, d.TCPMiddlewares) {
		fmt.Fprintf(&b, "middleware %s: ", m.Name)
		if m.Broken != "" {
			fmt.Fprintf(&b, "broken\n")
			continue
		}
		fmt.Fprintln(&b, dumpStep(m.Spec))
	}
	for _, p := range d.Pools {
		fmt.Fprintf(&b, "pool %s %q", p.Dialect, p.Name)
		if !p.PassHost {
			b.WriteString(" with the target's host")
		}
		if p.ProxyProtocol != 0 {
			fmt.Fprintf(&b, " with PROXY headers of version %d", p.ProxyProtocol)
		}
		if p.Balance != nil {
			text, _ := json.Marshal(p.Balance)
			fmt.Fprintf(&b, " balanced %s", text)
		}
		if p.Policy != nil {
			text, _ := json.Marshal(p.Policy.Balance)
			fmt.Fprintf(&b, " policy %s", text)
		}
		if p.Composed != nil {
			text, _ := json.Marshal(p.Composed)
			fmt.Fprintf(&b, " composed %s", text)
		}
		if len(p.Middlewares) > 0 {
			fmt.Fprintf(&b, " through %s", strings.Join(p.Middlewares, " "))
		}
		if p.Broken != "" {
			fmt.Fprintf(&b, " broken: %s", p.Broken)
		}
		b.WriteByte('\n')
		for _, e := range p.Endpoints {
			fmt.Fprintf(&b, "\t%s://%s", e.Scheme, e.Address)
			if e.Weight != 1 {
				fmt.Fprintf(&b, " weight %d", e.Weight)
			}
			if e.Share != 0 {
				fmt.Fprintf(&b, " share %g", e.Share)
			}
			if e.Split != 0 {
				fmt.Fprintf(&b, " of all by command %d", e.Split)
			}
			if e.ServerName != "" {
				fmt.Fprintf(&b, " as %s", e.ServerName)
			}
			if e.SkipVerify {
				b.WriteString(" unverified")
			}
			if !e.Serving {
				b.WriteString(" not serving")
			}
			b.WriteByte('\n')
		}
	}
	for _, alias := range d.Aliases {
		fmt.Fprintf(&b, "registered as %s\n", alias)
	}
	for _, p := range d.Problems {
		fmt.Fprintf(&b, "problem %s on %s x%d", p.Instance, p.Node, p.Instances)
		if p.Route != "" {
			fmt.Fprintf(&b, ", route %q left out", p.Route)
		}
		fmt.Fprintf(&b, "\n\t%s\n", p.Error())
		if p.Offset >= 0 {
			fmt.Fprintf(&b, "\tat %d: %q\n", p.Offset, p.Tag[min(p.Offset, len(p.Tag)):])
		}
	}
	return b.String()
}

// dumpTCP is the head of a route of connections.
func dumpTCP(r TCPRoute) string {
	text := fmt.Sprintf("tcp route %s %q", r.Dialect, r.Name)
	if r.UDP {
		text = fmt.Sprintf("udp route %s %q", r.Dialect, r.Name)
	}
	if r.Address+r.ServerName != "" {
		text += " for " + r.Address + r.ServerName
	}
	if r.Match != nil {
		text += fmt.Sprintf("\n\tmatch %s\n\tpriority %d", r.Match, r.Priority)
	}
	if r.Terminate {
		text += "\n\tends TLS"
	}
	if r.TLSOptions() != "" {
		text += "\n\ttls options " + r.TLSOptions()
	}
	if r.CertResolver() != "" || r.CertDomains() != nil {
		text += fmt.Sprintf("\n\tcertificates from %q for %q", r.CertResolver(), r.CertDomains())
	}
	for _, list := range []struct {
		name  string
		words []string
	}{{"entrypoints", r.Entrypoints}, {"middlewares", r.Middlewares}} {
		if len(list.words) > 0 {
			text += "\n\t" + list.name + " " + strings.Join(list.words, " ")
		}
	}
	return text
}

func dumpStep(m spec.Middleware) string {
	switch m := m.(type) {
	case spec.AddPrefix:
		return "add " + m.Prefix
	case spec.StripPrefix:
		text := "strip " + strings.Join(m.Prefixes, " ")
		if m.AlwaysForwarded {
			text += ", always tell"
		}
		return text
	}
	text, err := json.Marshal(m)
	options := map[string]any{}
	if err == nil {
		err = json.Unmarshal(text, &options)
	}
	if err != nil {
		panic(err)
	}
	maps.DeleteFunc(options, func(_ string, v any) bool { return v == nil || v == "" || v == false || v == 0.0 })
	text, _ = json.Marshal(options)
	return m.Kind() + " " + string(text)
}
