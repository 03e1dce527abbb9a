package consul

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// address is a parsed Config.Address.
type address struct {
	base   string // scheme://host[/prefix] that requests are sent to
	shown  string // what errors call it
	socket string // path of the unix socket, if it is one
	tls    bool
}

// parseAddress reads an agent's address. TLS that was asked for is never
// dropped: ssl makes https of http://.
func parseAddress(text string, ssl bool) (address, error) {
	if strings.ContainsAny(text, "?#") {
		// Nothing of it is shown: what follows may well be a token.
		return address{}, errors.New("consul address must not hold a query (?…) or a fragment (#…): give a token as token or token_file (CONSUL_HTTP_TOKEN)")
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "http", text
	}
	a := address{tls: ssl || scheme == "https"}
	web := "http"
	if a.tls {
		web = "https"
	}
	switch scheme {
	case "unix":
		if rest == "" {
			return a, errors.New("consul address unix:// lacks the socket's path")
		}
		a.socket, a.base, a.shown = rest, web+"://localhost", text
		return a, nil
	case "http", "https":
		u, err := url.Parse(web + "://" + rest)
		if err != nil || u.Host == "" {
			return a, fmt.Errorf("consul address %q is not host:port, http(s)://host:port or unix:///path", withoutUser(text))
		}
		if u.User != nil {
			return a, errors.New("consul address must not hold a password: use auth (CONSUL_HTTP_AUTH)")
		}
		a.base = web + "://" + strings.TrimRight(rest, "/")
		a.shown = a.base
		return a, nil
	default:
		return a, fmt.Errorf("consul address %q has an unknown scheme: use http, https or unix", withoutUser(text))
	}
}

// withoutUser drops what may be a password, well-formed or not.
func withoutUser(text string) string {
	at := strings.LastIndex(text, "@")
	if at < 0 {
		return text
	}
	return "…" + text[at:]
}
