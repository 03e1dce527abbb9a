package config

import (
	"maps"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/middleware"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// examples are blocks of documents that are configurations: not those of rights in Consul.
var examples = regexp.MustCompile("(?s)```hcl\n(.*?)```")

// documented is all examples of documents as one text, without the lines that hold it.
func documented(t *testing.T, without string, names ...string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range names {
		text, err := os.ReadFile("../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range examples.FindAllSubmatch(text, -1) {
			if strings.Contains(string(block[1]), "{ policy =") {
				continue
			}
			for line := range strings.Lines(string(block[1])) {
				if without == "" || !strings.Contains(line, without) {
					all.WriteString(line)
				}
			}
		}
	}
	return all.String()
}

// shown is which keys of which kinds of stanzas there are in an example.
type shown map[reflect.Type]map[string]bool

// read marks the keys of a stanza, and of those in it.
func (s shown) read(t *testing.T, o hcl.Object, kind reflect.Type) {
	t.Helper()
	if s[kind] == nil {
		s[kind] = map[string]bool{}
	}
	for _, m := range o {
		key := normal(kind, m.Key)
		if key == "listen" && kind == reflect.TypeFor[LB]() {
			continue // another word for listener
		}
		s[kind][key] = true
		inner, known := keysOf(kind)[key]
		if !known {
			t.Errorf("%s: %s knows no %s", m.Pos, kind, m.Key)
		}
		for stanza := range stanzas(m.Value, inner) {
			s.read(t, stanza, inner)
		}
	}
}

// missing tells of each key that is not there, in kind or what it holds.
func (s shown) missing(t *testing.T, kind reflect.Type, path string, seen map[reflect.Type]bool) {
	if seen[kind] {
		return
	}
	seen[kind] = true
	keys := keysOf(kind)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !s[kind][key] {
			t.Errorf("%s is not there", hcl.Join(path, key))
		}
		if inner := keys[key]; inner != nil {
			s.missing(t, inner, hcl.Join(path, key), seen)
		}
	}
}

// keysOf are the keys of a kind of stanza, and of which kind what stands there is, nil
// if it is no stanza.
func keysOf(kind reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	if kind == reflect.TypeFor[Listener]() {
		for _, key := range listener.Keys() {
			keys[key] = nil
		}
		for _, key := range []string{"pxyproto", "pxytimeout", "pxyfrom"} {
			delete(keys, key) // see proxy_protocol
		}
		keys["address"], keys["proxy_protocol"] = nil, nil
		return keys
	}
	for _, field := range reflect.VisibleFields(kind) {
		key, _, _ := strings.Cut(field.Tag.Get("hcl"), ",")
		if key == "" {
			key = field.Tag.Get("key")
		}
		if key != "" {
			keys[key] = stanzaOf(key, field.Type)
		}
	}
	return keys
}

// stanzaOf is of which kind a stanza is that stands under a key.
func stanzaOf(key string, kind reflect.Type) reflect.Type {
	if reflect.PointerTo(kind).Implements(reflect.TypeFor[hcl.Slotted]()) {
		kind = kind.Field(0).Type // what is optional
	}
	for kind.Kind() == reflect.Slice || kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	switch kind {
	case reflect.TypeFor[LoadBalancer]():
		return reflect.TypeFor[spec.LoadBalancer]()
	case reflect.TypeFor[StreamHealth]():
		return reflect.TypeFor[streamHealth]()
	case reflect.TypeFor[Composed]():
		return stanzaOf(key, keysOf(reflect.TypeFor[spec.Composition]())[hcl.PlainKey(key)])
	case reflect.TypeFor[Middleware](), reflect.TypeFor[TCPMiddleware]():
		return nil
	}
	if kind.Kind() != reflect.Struct || len(keysOf(kind)) == 0 {
		return nil
	}
	return kind
}

// normal is a key as its kind of stanza has it.
func normal(kind reflect.Type, key string) string {
	if kind == reflect.TypeFor[Listener]() {
		if short := listenerSpelling[key]; short != "" {
			return short
		}
		return key
	}
	if kind.PkgPath() == reflect.TypeFor[spec.LoadBalancer]().PkgPath() || kind == reflect.TypeFor[streamHealth]() {
		return hcl.PlainKey(key)
	}
	return key
}

// stanzas yields those that stand somewhere, without their names.
func stanzas(n hcl.Node, kind reflect.Type) func(yield func(hcl.Object) bool) {
	return func(yield func(hcl.Object) bool) {
		if kind == nil {
			return
		}
		switch value := n.Value.(type) {
		case hcl.Object:
			if !reflect.PointerTo(kind).Implements(reflect.TypeFor[hcl.Labelled]()) {
				yield(value)
				return
			}
			for _, named := range value {
				if body, ok := named.Value.Value.(hcl.Object); ok && !yield(body) {
					return
				}
			}
		case []hcl.Node:
			for _, element := range value {
				for stanza := range stanzas(element, kind) {
					if !yield(stanza) {
						return
					}
				}
			}
		}
	}
}

// The documents have every key there is, and none there is not.
func TestDocumentHasEveryKey(t *testing.T) {
	text := documented(t, "", "configuration.md", "acme.md", "tracing.md")
	o, err := hcl.Parse("documents", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	keys := shown{}
	keys.read(t, o, reflect.TypeFor[Config]())
	keys.missing(t, reflect.TypeFor[Config](), "", map[reflect.Type]bool{})
	c := DefaultConfig()
	if err := hcl.Decode(o, &c); err != nil {
		t.Error(err)
	}
}

// Each kind of middleware is there, with every key.
func TestDocumentHasEveryMiddleware(t *testing.T) {
	o, err := hcl.Parse("middlewares.md", []byte(documented(t, "", "middlewares.md")))
	if err != nil {
		t.Fatal(err)
	}
	var c Config
	if err := hcl.Decode(o, &c); err != nil {
		t.Error(err)
	}
	keys, kinds := shown{}, map[string]bool{}
	for _, stanza := range o {
		if stanza.Key != "middleware" {
			continue
		}
		for name := range members(stanza.Value) {
			for kind := range members(name.Value) {
				draft, _ := spec.NewDraft(hcl.PlainKey(kind.Key))
				kinds[hcl.PlainKey(kind.Key)] = true
				keys.read(t, kind.Value.Value.(hcl.Object), reflect.TypeOf(draft.Target()).Elem())
			}
		}
	}
	kinds["ipwhitelist"] = true // another word for ipallowlist
	seen := map[reflect.Type]bool{}
	for _, kind := range spec.Kinds() {
		if !kinds[kind] {
			t.Errorf("%s is not there", kind)
		}
		draft, _ := spec.NewDraft(kind)
		keys.missing(t, reflect.TypeOf(draft.Target()).Elem(), kind, seen)
	}
}

// members yields those of a stanza.
func members(n hcl.Node) func(yield func(hcl.Member) bool) {
	return func(yield func(hcl.Member) bool) {
		o, _ := n.Value.(hcl.Object)
		for _, m := range o {
			if !yield(m) {
				return
			}
		}
	}
}

// What the document says is the default is that.
func TestDocumentHasDefaults(t *testing.T) {
	o, err := hcl.Parse("configuration.md", []byte(documented(t, "# such as", "configuration.md")))
	if err != nil {
		t.Fatal(err)
	}
	said, want := DefaultConfig(), DefaultConfig()
	if err := hcl.Decode(o, &said); err != nil {
		t.Fatal(err)
	}
	differences(t, reflect.ValueOf(said), reflect.ValueOf(want), "")
	if files := said.LB.Limits.BufferFileBytes; files != middleware.DefaultSpool {
		t.Errorf("lb.limits.buffer_file_bytes: the default is %d, not %d", middleware.DefaultSpool, files)
	}
	composedDefaults(t, said.Services)
	// What is 0 there is a default of package lb.
	served := [2]lb.ServerOptions{}
	want.LB.UnderscoreHeaders, want.LB.NoRouteStatus = "keep", 404 // what 0 means there
	for i, c := range []Config{said, want} {
		c.LB.Listeners, c.LB.Certificates, c.LB.ACME, c.LB.TLSOptions, c.LB.Tracing = nil, nil, nil, nil, Tracing{}
		c.Admin.Metrics = nil
		o, err := c.ServerOptions()
		if err != nil {
			t.Fatal(err)
		}
		served[i] = o
	}
	if diff := cmp.Diff(served[1], served[0], cmpopts.IgnoreFields(lb.ServerOptions{}, "Table", "Logger"), cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Error(diff)
	}
}

// composedDefaults compares what is said of services made of others.
func composedDefaults(t *testing.T, said []StaticService) {
	empty, err := hcl.Parse("empty", []byte(`service "a" {
  mirroring {}
  failover {
    errors {}
  }
}`))
	if err != nil {
		t.Fatal(err)
	}
	var plain Config
	if err := hcl.Decode(empty, &plain); err != nil {
		t.Fatal(err)
	}
	want := plain.Services[0].Composition()
	seen := 0
	for i := range said {
		whole := said[i].Composition()
		if whole == nil {
			continue
		}
		if m := whole.Mirroring; m != nil {
			seen++
			if m.MaxBodySize != want.Mirroring.MaxBodySize || m.MirrorBody != want.Mirroring.MirrorBody {
				t.Errorf("mirroring: the defaults are %+v, not %+v", want.Mirroring, m)
			}
		}
		if f := whole.Failover; f != nil && f.Errors != nil {
			seen++
			if f.Errors.MaxRequestBody != want.Failover.Errors.MaxRequestBody {
				t.Errorf("failover.errors: the defaults are %+v, not %+v", want.Failover.Errors, f.Errors)
			}
		}
	}
	if seen != 2 {
		t.Errorf("of mirroring and failover.errors, %d are there", seen)
	}
}

// differences tells where what is said is not what is wanted, as far as anything is.
func differences(t *testing.T, said, want reflect.Value, path string) {
	if said.Kind() == reflect.Struct {
		for _, f := range reflect.VisibleFields(said.Type()) {
			if key, _, _ := strings.Cut(f.Tag.Get("hcl"), ","); key != "" {
				differences(t, said.FieldByIndex(f.Index), want.FieldByIndex(f.Index), hcl.Join(path, key))
			}
		}
		return
	}
	if said.Kind() != reflect.Slice && !want.IsZero() && !reflect.DeepEqual(said.Interface(), want.Interface()) {
		t.Errorf("%s: the default is %v, not %v", path, want, said)
	}
}
