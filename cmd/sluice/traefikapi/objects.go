package traefikapi

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// What Traefik calls the state of an object.
const (
	statusEnabled  = "enabled"
	statusWarning  = "warning"
	statusDisabled = "disabled"
)

// allProtocols are those that objects are of.
var allProtocols = [...]string{"http", "tcp", "udp"}

// object is a router, a service or a middleware in the form of Traefik's API.
type object struct {
	// fields are those that it has wherever it is shown; own those it has beside
	// when it is not one of the raw data, where its name is told already.
	fields, own map[string]any

	status, rule, service string
	middlewares           []string
}

// MarshalJSON implements [json.Marshaler].
func (o *object) MarshalJSON() ([]byte, error) { return json.Marshal(o.fields) }

// whole is the object as it is listed.
func (o *object) whole() map[string]any {
	all := maps.Clone(o.fields)
	maps.Copy(all, o.own)
	return all
}

// fail notes what is wrong with the object. It is there all the same if it is
// served.
func (o *object) fail(reason string, served bool) {
	if reason != "" {
		errs, _ := o.fields["error"].([]string)
		o.fields["error"] = append(errs, reason)
		o.status = statusWarning
	}
	if !served {
		o.status = statusDisabled
	}
	o.fields["status"] = o.status
}

// protocolObjects are those of one protocol, by their names with where they are from.
type protocolObjects struct{ routers, services, middlewares map[string]*object }

// model is what Traefik's API tells of, of all protocols.
type model struct {
	of map[string]protocolObjects // by "http", "tcp", "udp"

	entrypoints func(declared []string, protocol string) []string
	pools       map[lb.ServicePool]*lb.ServicePool // by what it is of
}

// newModel reads it all: what is declared, and what the table serves of it.
func newModel(declared []tags.Definition, table *lb.Table, entrypoints func(declared []string, protocol string) []string) *model {
	m := &model{of: map[string]protocolObjects{}, entrypoints: entrypoints, pools: map[lb.ServicePool]*lb.ServicePool{}}
	for _, protocol := range allProtocols {
		m.of[protocol] = protocolObjects{map[string]*object{}, map[string]*object{}, map[string]*object{}}
	}
	for _, p := range table.ServicePools() {
		m.pools[lb.ServicePool{Network: p.Network, Dialect: p.Dialect, Service: p.Service}] = &p
	}
	served := map[[3]string]bool{}
	for _, r := range table.Routes() {
		served[[3]string{"http", string(r.Dialect), r.Name}] = true
	}
	for _, r := range table.TCPRoutes() {
		served[[3]string{streamProtocol(r.UDP), string(r.Dialect), r.Name}] = true
	}
	for _, d := range declared {
		for i := range d.Pools {
			m.service(&d.Pools[i])
		}
		m.middlewares("http", d.Middlewares)
		m.middlewares("tcp", d.TCPMiddlewares)
		for i := range d.Routes {
			r := &d.Routes[i]
			o := m.router("http", &r.Declaration, served, r.Precedence.Priority)
			o.fields["observability"] = observability(r)
		}
		for i := range d.TCPRoutes {
			if r := &d.TCPRoutes[i]; !r.Implied {
				protocol := streamProtocol(r.UDP)
				m.router(protocol, &r.Declaration, served, r.Priority).setTLS(&r.Declaration, r.Terminate)
			}
		}
	}
	for _, p := range table.Problems() {
		m.problem(p)
	}
	m.use()
	return m
}

func streamProtocol(udp bool) string {
	if udp {
		return "udp"
	}
	return "tcp"
}

// newObject makes an object that is well.
func newObject(name string) *object {
	_, provider, _ := strings.Cut(name, "@")
	return &object{
		fields: map[string]any{"status": statusEnabled}, own: map[string]any{"name": name, "provider": provider},
		status: statusEnabled,
	}
}

// router adds a router. Of several of one name, one is shown.
func (m *model) router(protocol string, d *tags.Declaration, served map[[3]string]bool, priority int) *object {
	name := Qualified(string(d.Dialect), d.Name)
	if known := m.of[protocol].routers[name]; known != nil {
		return known
	}
	o := newObject(name)
	o.rule, o.service = d.Rule, plainService(d)
	o.setEntrypoints(m.entrypoints(d.Entrypoints, protocol))
	o.fields["service"] = o.service
	if protocol != "udp" {
		o.fields["rule"] = d.Rule
		o.fields["priority"], o.own["priorityStr"] = priority, strconv.Itoa(priority)
	}
	for _, middleware := range d.Middlewares {
		o.middlewares = append(o.middlewares, Qualified(string(d.Dialect), middleware))
	}
	if o.middlewares != nil {
		o.fields["middlewares"] = o.middlewares
	}
	if protocol == "http" {
		o.setTLS(d, true)
	}
	o.fail("", served[[3]string{protocol, string(d.Dialect), d.Name}])
	m.of[protocol].routers[name] = o
	return o
}

// observability is what is told of a router's requests.
func observability(r *tags.Route) map[string]any {
	verbosity := "minimal"
	if r.TracedSteps.Or(false) {
		verbosity = "detailed"
	}
	return map[string]any{"accessLogs": !r.Unlogged, "metrics": !r.Uncounted, "tracing": r.Traced.Or(true), "traceVerbosity": verbosity}
}

func (o *object) setEntrypoints(names []string) {
	if len(names) > 0 {
		o.fields["entryPoints"], o.fields["using"] = names, names
	}
}

// setTLS says that a router is for TLS, if it is.
func (o *object) setTLS(d *tags.Declaration, terminates bool) {
	of := map[string]any{}
	if all, _ := d.Match.(match.And); !slices.Contains(all, match.Expr(match.TLS{})) {
		return
	}
	if !terminates {
		of["passthrough"] = true
	}
	if options := d.TLSOptions(); options != "" {
		of["options"] = options
	}
	o.fields["tls"] = of
	listed := maps.Clone(of)
	if listed["passthrough"] == nil && listed["options"] == nil {
		listed["options"] = "default"
	}
	o.own["tls"] = listed
}

// plainService is the service of a router as its tags name it.
func plainService(d *tags.Declaration) string {
	if d.Dialect == tags.Fabio {
		return d.Service
	}
	_, name := lb.PoolService(&tags.Pool{Name: d.Pool})
	return name
}

// service adds what a pool declares. The endpoints of all of one name are joined.
func (m *model) service(p *tags.Pool) {
	network, plain := lb.PoolService(p)
	protocol := cmp.Or(network, "http")
	name := Qualified(string(p.Dialect), plain)
	o := m.of[protocol].services[name]
	if o == nil {
		o = newObject(name)
		m.of[protocol].services[name] = o
	}
	if p.Broken != "" {
		o.fail(p.Broken, false)
		return
	}
	if p.Composed != nil {
		for word, options := range optionsOf(p.Composed) {
			o.fields[word], o.own["type"] = options, strings.ToLower(word)
		}
		return
	}
	o.balance(p, protocol, m.pools[lb.ServicePool{Network: network, Dialect: p.Dialect, Service: plain}])
}

// balance adds the instances of a pool that requests are spread over.
func (o *object) balance(p *tags.Pool, protocol string, pool *lb.ServicePool) {
	o.own["type"] = "loadbalancer"
	of, _ := o.fields["loadBalancer"].(map[string]any)
	if of == nil {
		of = map[string]any{"servers": []map[string]any{}}
		if p.Balance != nil {
			maps.Copy(of, optionsOf(p.Balance))
		}
		if protocol == "http" {
			of["passHostHeader"] = p.PassHost
			setIfAbsent(of, "strategy", "wrr")
			setIfAbsent(of["healthCheck"], "mode", "http")
			if sticky, ok := of["sticky"].(map[string]any); ok {
				setIfAbsent(sticky["cookie"], "path", "/")
			}
		}
		o.fields["loadBalancer"] = of
	}
	servers, _ := of["servers"].([]map[string]any)
	for _, e := range p.Endpoints {
		if !e.Serving {
			continue
		}
		key, text := "address", e.Address
		if protocol == "http" {
			key, text = "url", (&url.URL{Scheme: e.Scheme, Host: e.Address, Path: e.Path}).String()
		}
		server := map[string]any{key: text}
		if e.Weight > 1 {
			server["weight"] = e.Weight
		}
		servers = append(servers, server)
		if protocol != "udp" {
			o.serverStatus(text, !isDown(pool, e.Address))
		}
	}
	of["servers"] = servers
}

// setIfAbsent sets an option, of what has options, that is not set.
func setIfAbsent(of any, option, value string) {
	if options, ok := of.(map[string]any); ok && options[option] == nil {
		options[option] = value
	}
}

func (o *object) serverStatus(server string, up bool) {
	of, _ := o.fields["serverStatus"].(map[string]string)
	if of == nil {
		of = map[string]string{}
		o.fields["serverStatus"] = of
	}
	of[server] = "DOWN"
	if up {
		of[server] = "UP"
	}
}

// isDown reports whether checks say so of the target at an address.
func isDown(p *lb.ServicePool, address string) bool {
	return p != nil && slices.ContainsFunc(p.Pool.Targets(), func(t *target.Target) bool {
		return t.Key().Address == address && p.Pool.IsDown(t)
	})
}

func (m *model) middlewares(protocol string, all []tags.Middleware) {
	for _, w := range all {
		name := Qualified(cmp.Or(string(w.Dialect), string(tags.Traefik)), w.Name)
		if m.of[protocol].middlewares[name] != nil {
			continue
		}
		o := newObject(name)
		if w.Spec != nil {
			o.fields[spelled(w.Spec.Kind())] = optionsOf(w.Spec)
			o.own["type"] = w.Spec.Kind()
		}
		if w.Broken != "" {
			o.fail(w.Broken, false)
		}
		m.of[protocol].middlewares[name] = o
	}
}

// problem tells of what is wrong with a router. One that could not be read is there
// for that alone.
func (m *model) problem(p tags.Problem) {
	if p.Route == "" {
		return
	}
	tag, rule, _ := strings.Cut(p.Tag, "=")
	key := strings.ToLower(tag)
	isDeclared := strings.Contains(key, ".routers.") // with its protocol: others may have one of that name
	for _, protocol := range allProtocols {
		objects, declares := m.of[protocol], strings.Contains(key, "."+protocol+".routers.")
		if isDeclared && !declares {
			continue
		}
		for _, dialect := range []tags.Dialect{tags.Traefik, tags.Traefik1, tags.Fabio, tags.File} {
			name := Qualified(string(dialect), p.Route)
			if o := objects.routers[name]; o != nil {
				o.fail(p.Reason, o.status != statusDisabled)
				return
			}
		}
		if declares {
			o := newObject(Qualified(string(tags.Traefik), p.Route))
			if strings.HasSuffix(key, ".rule") {
				o.rule, o.fields["rule"] = rule, rule
			}
			o.setEntrypoints(m.entrypoints(nil, protocol))
			o.fail(p.Reason, false)
			objects.routers[Qualified(string(tags.Traefik), p.Route)] = o
			return
		}
	}
}

// use tells services and middlewares who uses them.
func (m *model) use() {
	for _, objects := range m.of {
		for _, name := range slices.Sorted(maps.Keys(objects.routers)) {
			r := objects.routers[name]
			_, provider, _ := strings.Cut(name, "@")
			service := r.service
			if !strings.Contains(service, "@") {
				service += "@" + provider
			}
			objects.services[service].usedBy(name)
			for _, middleware := range r.middlewares {
				objects.middlewares[middleware].usedBy(name)
			}
		}
	}
}

func (o *object) usedBy(router string) {
	if o != nil {
		all, _ := o.fields["usedBy"].([]string)
		o.fields["usedBy"] = append(all, router)
	}
}

// Qualified is a name of the catalog or the configuration with where it is from,
// as Traefik writes it.
func Qualified(dialect, name string) string {
	switch {
	case strings.Contains(name, "@"):
		return name
	case dialect == string(tags.Traefik), dialect == string(tags.Traefik1):
		return name + "@consulcatalog"
	}
	return name + "@" + dialect
}
