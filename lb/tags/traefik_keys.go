package tags

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// keyError is a tag that Traefik does not know or cannot read. It makes the
// whole instance unusable in this dialect, as in Traefik: what the rest would
// mean without the tag is anybody's guess.
type keyError struct {
	label  label
	value  bool // the fault is in the value
	reason string
}

// objects is what the tags of one instance declare. Names are unified without
// case; the maps are keyed by the lower-case name.
type objects struct {
	routers     map[string]*router
	services    map[string]*service
	middlewares map[string]*middleware
	tcp, udp    streams
	// other is set if there are TCP or UDP keys.
	other bool
}

// router is comparable but for its lists.
type router struct {
	name        string
	rule        label
	syntax      syntax // of rule
	priority    int
	entrypoints []string
	middlewares []string
	service     string
	tls         bool
	declared    struct { // of TLS
		TLS *routerTLS `key:"tls"`
	}
	unlogged    bool
	uncounted   bool
	traced      spec.Switch
	tracedSteps spec.Switch
	// broken is why it cannot be served, and by is the tag that says so.
	broken string
	by     label
}

// decode reads the labels of one instance. unsupported is told of what Traefik
// knows but is not honoured here, and changes nothing but the object itself.
func decode(labels []label, unsupported func(l label, reason string)) (objects, *keyError) {
	o := objects{map[string]*router{}, map[string]*service{}, map[string]*middleware{}, newStreams(), newStreams(), false}
	seen := map[string]string{}
	off := switchedOff(labels)
	for _, l := range labels {
		if err := l.checkOwn(); err != nil {
			return o, err
		}
		if !l.isTraefik() || off(strings.ToLower(l.key)) {
			continue
		}
		elements := strings.Split(l.key, ".")
		if slices.ContainsFunc(elements, func(e string) bool { return e == "" || e[0] == '[' }) {
			return o, &keyError{label: l, reason: "an element of the key is empty or begins with ["}
		}
		key := strings.ToLower(l.key)
		if value, twice := seen[key]; twice && value != l.value {
			return o, &keyError{label: l, reason: "the key is there twice with different values"}
		}
		seen[key] = l.value
		if err := o.label(l, elements, unsupported); err != nil {
			return o, err
		}
	}
	return o, nil
}

// checkOwn finds what is wrong with a key of the provider itself, which is read
// elsewhere.
func (l label) checkOwn() *keyError {
	option, ok := strings.CutPrefix(strings.ToLower(l.key), "consulcatalog.")
	switch {
	case !ok:
		return nil
	case option == "canary" || option == "connect":
		_, err := l.bool()
		return err
	}
	return &keyError{label: l, reason: "consulcatalog has no option " + option}
}

// switchedOff returns a function that tells of a key, in lower case, whether it is
// below one that is false: "tls.options" beside "tls=false", whatever their order.
func switchedOff(labels []label) func(key string) bool {
	var off []string
	for _, l := range labels {
		if on, err := strconv.ParseBool(l.value); err == nil && !on {
			off = append(off, strings.ToLower(l.key)+".")
		}
	}
	return func(key string) bool {
		return slices.ContainsFunc(off, func(above string) bool { return strings.HasPrefix(key, above) })
	}
}

func (o *objects) label(l label, elements []string, unsupported func(label, string)) *keyError {
	switch root := strings.ToLower(elements[0]); root {
	case "tcp":
		o.other = true
		return o.tcp.set(l, elements, unsupported)
	case "udp":
		o.other = true
		return o.udp.set(l, elements, unsupported)
	case "tls":
		unsupported(l, "keys of tls are for the configuration: lb { certificates, tls_options }")
		return nil
	}
	switch strings.ToLower(elements[1]) {
	case "serverstransports", "models":
		unsupported(l, ofConfiguration)
		return nil
	}
	if len(elements) < 4 {
		if strings.EqualFold(elements[1], "routers") { // as in Traefik, which takes no offence here
			unsupported(l, "the key ends too early and is ignored")
			return nil
		}
		return &keyError{label: l, reason: "the key ends too early"}
	}
	name, rest := elements[2], strings.ToLower(strings.Join(elements[3:], "."))
	switch strings.ToLower(elements[1]) {
	case "routers":
		return object(o.routers, router{name: name}).set(rest, l, unsupported)
	case "services":
		return object(o.services, service{name: name, weight: 1, passHost: true}).set(elements[3:], l, unsupported)
	case "middlewares":
		return object(o.middlewares, middleware{name: name}).set(elements[3:], l)
	}
	return &keyError{label: l, reason: "unknown element " + elements[1]}
}

// ofConfiguration is why keys are ignored that Traefik knows and ignores in tags.
const ofConfiguration = `tags declare no such thing, in Traefik neither; the tag is ignored (transport "NAME" { … } of the configuration declares a servers transport)`

// object returns the object of that name, in any case, or a new one.
func object[T router | service | middleware](known map[string]*T, new T) *T {
	var name string
	switch o := any(new).(type) {
	case router:
		name = o.name
	case service:
		name = o.name
	case middleware:
		name = o.name
	}
	name = strings.ToLower(name)
	if known[name] == nil {
		known[name] = &new
	}
	return known[name]
}

func (r *router) set(option string, l label, unsupported func(label, string)) (err *keyError) {
	group, _, _ := strings.Cut(option, ".")
	switch {
	case option == "rule":
		r.rule = l
	case option == "priority":
		r.priority, err = l.int()
	case option == "entrypoints":
		r.entrypoints = spec.List(l.value)
	case option == "middlewares":
		r.middlewares = spec.List(l.value)
	case option == "service":
		r.service = strings.TrimSpace(l.value)
	case option == "tls.domains.main" || option == "tls.domains.sans":
		r.tls = true
		unsupported(l, "domains have an index: tls.domains[0].main; the tag is ignored, as in Traefik")
	case group == "tls":
		return r.setTLS(strings.Split(option, "."), l)
	case group == "observability":
		return r.observe(option, l)
	case option == "parentrefs":
		unsupported(l, "routers of tags have no parents, in Traefik neither; the tag is ignored")
	case option == "rulesyntax":
		if r.syntax = syntax(l.value); r.syntax != syntaxV3 && r.syntax != syntaxV2 {
			r.syntax = syntaxV3
			unsupported(l, "there is no rule syntax "+l.value+"; the rule is read as v3")
		}
	default:
		return &keyError{label: l, reason: "routers have no option " + option}
	}
	return err
}

// routerTLS has the options of Traefik by their keys.
type routerTLS struct {
	CertResolver string      `key:"certresolver"`
	Options      string      `key:"options"`
	Domains      []tlsDomain `key:"domains"`
}

type tlsDomain struct {
	Main string   `key:"main"`
	SANs []string `key:"sans"`
}

// names are those of all domains, in lower case.
func names(domains []tlsDomain) (all []string) {
	for _, d := range domains {
		for _, name := range append([]string{d.Main}, d.SANs...) {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// setTLS reads an option of the router's TLS, which is on with any.
func (r *router) setTLS(path []string, l label) *keyError {
	if err := decodeStream(&r.declared, l, path, "routers"); err != nil {
		return err
	}
	r.tls = r.tls || r.declared.TLS != nil
	return nil
}

// observe reads what becomes known of the router's requests.
func (r *router) observe(option string, l label) *keyError {
	switch option {
	case "observability.accesslogs", "observability.metrics", "observability.tracing":
		on, err := l.bool()
		r.unlogged = r.unlogged || err == nil && !on && option == "observability.accesslogs"
		r.uncounted = r.uncounted || err == nil && !on && option == "observability.metrics"
		if err == nil && option == "observability.tracing" {
			r.traced = spec.SwitchTo(on)
		}
		return err
	case "observability.traceverbosity":
		// As in Traefik, any other word is "minimal".
		r.tracedSteps = spec.SwitchTo(l.value == "detailed")
		return nil
	}
	return &keyError{label: l, reason: "routers have no option " + option}
}

func (l label) int() (int, *keyError) {
	n, err := strconv.Atoi(l.value)
	if err != nil {
		return 0, &keyError{l, true, "not a whole number"}
	}
	return n, nil
}

func (l label) bool() (bool, *keyError) {
	b, err := strconv.ParseBool(l.value)
	if err != nil {
		return false, &keyError{l, true, "not a boolean"}
	}
	return b, nil
}
