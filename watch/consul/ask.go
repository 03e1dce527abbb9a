package consul

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// ask is how one query is put to Consul's HTTP API.
type ask struct {
	path   string
	params url.Values
	scope  watch.Scope
	blocks bool
	absent bool    // 404 says that there is nothing
	named  bool    // 404 says that what was named does not exist
	needs  string  // the rights it takes, for people
	rights []right // those that decide whether anything is seen; none, whether asking is allowed
	// decode makes the answer of the query's type from a body, nil standing
	// for "there is nothing", and tells how many things are in it.
	decode func(body []byte) (any, int, error)
	err    error // the query cannot be asked
}

// askFor is false for queries that are not Consul's.
func askFor(q watch.Query) (ask, bool) {
	switch q := q.(type) {
	case watch.Services:
		return ask{
			path:   "/v1/catalog/services",
			params: params("filter", q.Filter),
			scope:  q.Scope,
			blocks: true,
			needs:  "service:read and node:read",
			rights: []right{{"service", "read", ""}},
			decode: decodeServices,
		}, true
	case watch.Health:
		return health(q), true
	case watch.Key:
		a := kv(q.Path, q.Scope, url.Values{}, decodeKey)
		a.needs = fmt.Sprintf("key:read on %q", q.Path)
		a.rights = nil // a key that may not be read is refused, not left out
		if strings.Trim(q.Path, "/") == "" {
			a.err = errors.New("a key needs a name")
		}
		return a, true
	case watch.Prefix:
		return kv(q.Path, q.Scope, url.Values{"recurse": {""}}, decodePairs), true
	case watch.Keys:
		p := params("separator", q.Separator)
		p.Set("keys", "")
		return kv(q.Path, q.Scope, p, decodeKeys), true
	case watch.Nodes:
		return ask{
			path:   "/v1/catalog/nodes",
			params: params("near", q.Near, "filter", q.Filter),
			scope:  q.Scope,
			blocks: true,
			needs:  "node:read",
			rights: []right{{"node", "read", ""}},
			decode: decodeNodes,
		}, true
	case watch.Node:
		return ask{
			path:   "/v1/catalog/node/" + url.PathEscape(q.Name),
			scope:  q.Scope,
			blocks: true,
			needs:  fmt.Sprintf("node:read on %q and service:read", q.Name),
			rights: []right{{"node", "read", q.Name}, {"service", "read", ""}},
			decode: decodeNode,
		}, true
	case watch.PreparedQuery:
		return ask{
			path:   "/v1/query/" + url.PathEscape(q.Name) + "/execute",
			params: params("near", q.Near),
			scope:  q.Scope,
			named:  true,
			needs:  "query:read or the query's own token, and service:read and node:read",
			decode: decodePrepared,
		}, true
	}
	return askMesh(q)
}

func health(q watch.Health) ask {
	kind := "service"
	if q.Connect {
		kind = "connect"
	}
	p := params("tag", q.Tag, "near", q.Near, "filter", q.Filter)
	if q.PassingOnly {
		p.Set("passing", "1")
	}
	a := ask{
		path:   "/v1/health/" + kind + "/" + url.PathEscape(q.Service),
		params: p,
		scope:  q.Scope,
		blocks: true,
		needs:  fmt.Sprintf("service:read on %q and node:read", q.Service),
		rights: []right{{"service", "read", q.Service}, {"node", "read", ""}},
		decode: decodeHealth,
	}
	switch q.Service {
	case "":
		a.err = errors.New("a health query needs a service name")
	case ".", "..":
		// Consul registers such a service, but cleans the path that asks for it.
		a.err = fmt.Errorf("%w: Consul cannot be asked for a service named %q", watch.ErrInvalid, q.Service)
	}
	return a
}

// kv leaves out leading slashes: Consul stores none, and answers such a path
// with a redirect.
func kv(path string, scope watch.Scope, p url.Values, decode func([]byte) (any, int, error)) ask {
	path = strings.TrimLeft(path, "/")
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return ask{
		path:   "/v1/kv/" + strings.Join(segments, "/"),
		params: p,
		scope:  scope,
		blocks: true,
		absent: true,
		needs:  fmt.Sprintf("key:read (with acl.enable_key_list_policy also key:list) below %q", path),
		rights: []right{{"key", "read", path}},
		decode: decode,
	}
}

// params makes parameters of name-value pairs, leaving out empty values.
func params(pairs ...string) url.Values {
	p := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			p.Set(pairs[i], pairs[i+1])
		}
	}
	return p
}
