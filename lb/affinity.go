package lb

import (
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
)

// affinity is what tells which requests go to one target; nil is the client.
type affinity spec.Hash

// of hashes what counts of the request. What it does not have makes it go by the
// client's address.
func (a *affinity) of(x *Exchange) uint64 {
	if a != nil {
		if text := a.text(x); text != "" {
			return target.HashText(text)
		}
	}
	return target.HashAddr(x.Request.Remote)
}

func (a *affinity) text(x *Exchange) string {
	switch a.By {
	case "header":
		return x.Header.Get(a.Name)
	case "cookie":
		for value := range (&cookie{name: a.Name}).values(x) {
			return value
		}
	case "query":
		return parameter(x.RawQuery, a.Name)
	case "path":
		return x.RawPath
	case "uri":
		return x.RawPath + x.RawQuery
	}
	return ""
}

// parameter is the value, as it was sent, of the first parameter of that name.
func parameter(query, name string) string {
	for pair := range strings.SplitSeq(strings.TrimPrefix(query, "?"), "&") {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value
		}
	}
	return ""
}
