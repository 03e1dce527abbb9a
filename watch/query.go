package watch

import (
	"fmt"
	"strings"
)

// Query is one thing asked of a source. Every implementation is a comparable
// struct in this package, so a Query is its own identity: two consumers that
// build equal values share one watch.
type Query interface {
	// String describes the query for people ("service web", "key app/motd").
	// It is not an identity and never holds a secret.
	String() string

	query()
}

// For is a Query whose answer has type A. It ties each query to its answer at
// compile time; see [Get].
type For[A any] interface {
	Query
	answer() A
}

// Scope says where a query is asked. Empty fields mean the defaults of the
// agent and of the token in use.
type Scope struct {
	Datacenter    string
	Namespace     string
	Partition     string
	Peer          string
	SamenessGroup string
}

// String describes the scope for people; "default" if all is default.
func (s Scope) String() string {
	if s == (Scope{}) {
		return "default"
	}
	return strings.TrimSpace(describe("", "", s, ""))
}

// Services asks for the names of all registered services with the union of
// their instances' tags (Consul: GET /v1/catalog/services).
type Services struct {
	Scope
	// Filter is an expression in Consul's filter language, or empty.
	Filter string
}

// Health asks for the instances of one service with their checks
// (Consul: GET /v1/health/service/NAME, or /v1/health/connect/NAME).
type Health struct {
	Scope
	Service string
	// Tag, if not empty, must be among an instance's tags.
	Tag string
	// Near sorts by round-trip time from that node; "_agent" is the agent's own.
	Near string
	// Filter is an expression in Consul's filter language, or empty.
	Filter string
	// PassingOnly leaves out instances with a check that is not passing.
	PassingOnly bool
	// Connect asks for the mesh proxies of the service in its stead.
	Connect bool
}

// Key asks for one key of the KV store. The answer is nil while it is absent.
type Key struct {
	Scope
	Path string
}

// Prefix asks for all pairs whose key starts with Path, which is plain text:
// "app" includes "apple/core".
type Prefix struct {
	Scope
	Path string
}

// Keys asks for the names of the keys under Path, without values, cut after
// the first Separator behind Path if one is given.
type Keys struct {
	Scope
	Path      string
	Separator string
}

// Nodes asks for the nodes of the catalog.
type Nodes struct {
	Scope
	Near   string
	Filter string
}

// Node asks for one node and its services. An empty Name is the agent's own.
type Node struct {
	Scope
	Name string
}

// Datacenters asks for the names of the known datacenters.
type Datacenters struct {
	// Reachable leaves out those that do not answer a consistent query.
	Reachable bool
}

// PreparedQuery asks a stored prepared query, by name or ID, for instances.
type PreparedQuery struct {
	Scope
	Name string
	Near string
}

// File asks for the content of a local file.
type File struct {
	Path string
}

func (Services) query()      {}
func (Health) query()        {}
func (Key) query()           {}
func (Prefix) query()        {}
func (Keys) query()          {}
func (Nodes) query()         {}
func (Node) query()          {}
func (Datacenters) query()   {}
func (PreparedQuery) query() {}
func (File) query()          {}

func (Services) answer() (a []ServiceTags)   { return }
func (Health) answer() (a []Instance)        { return }
func (Key) answer() (a *Pair)                { return }
func (Prefix) answer() (a []Pair)            { return }
func (Keys) answer() (a []string)            { return }
func (Nodes) answer() (a []NodeInfo)         { return }
func (Node) answer() (a *NodeServices)       { return }
func (Datacenters) answer() (a []string)     { return }
func (PreparedQuery) answer() (a []Instance) { return }
func (File) answer() (a string)              { return }

func (q Services) String() string { return describe("services", "", q.Scope, q.Filter) }

func (q Health) String() string {
	kind := "service"
	if q.Connect {
		kind = "connect"
	}
	name := q.Service
	if q.Tag != "" {
		name = q.Tag + "." + name
	}
	if q.Near != "" {
		name += "~" + q.Near
	}
	if q.PassingOnly {
		name += "|passing"
	}
	return describe(kind, name, q.Scope, q.Filter)
}

func (q Key) String() string    { return describe("key", q.Path, q.Scope, "") }
func (q Prefix) String() string { return describe("prefix", q.Path, q.Scope, "") }
func (q Keys) String() string   { return describe("keys", q.Path, q.Scope, "") }
func (q Nodes) String() string  { return describe("nodes", near(q.Near), q.Scope, q.Filter) }
func (q Node) String() string   { return describe("node", q.Name, q.Scope, "") }

func (q Datacenters) String() string { return "datacenters" }

func (q PreparedQuery) String() string {
	return describe("prepared query", q.Name+near(q.Near), q.Scope, "")
}

func (q File) String() string { return "file " + q.Path }

func near(node string) string {
	if node == "" {
		return ""
	}
	return "~" + node
}

func describe(kind, name string, s Scope, filter string) string {
	var b strings.Builder
	b.WriteString(kind)
	if name != "" {
		b.WriteString(" " + name)
	}
	for _, part := range []struct{ label, value string }{
		{"dc", s.Datacenter},
		{"ns", s.Namespace},
		{"partition", s.Partition},
		{"peer", s.Peer},
		{"sameness-group", s.SamenessGroup},
		{"filter", filter},
	} {
		if part.value != "" {
			fmt.Fprintf(&b, " %s=%s", part.label, part.value)
		}
	}
	return b.String()
}
