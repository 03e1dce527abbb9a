package haproxy

import (
	"fmt"
	"slices"
	"strings"
)

// key names a server of a running HAProxy.
type key struct{ backend, name string }

func (k key) String() string { return k.backend + "/" + k.name }

// config is a configuration, cut in two: what can change at run time, and what
// cannot.
type config struct {
	servers map[key]server
	order   []key
	// rest are all other lines, without comments, blank lines and indentation.
	rest []string
}

// sections are the words that begin a section, and so end the one before.
var sections = []string{
	"global", "defaults", "frontend", "backend", "listen", "peers", "resolvers", "mailers", "userlist", "cache",
	"program", "http-errors", "ring", "log-forward", "log-profile", "fcgi-app", "crt-store", "traces", "acme",
}

// parseConfig cuts up a configuration. It judges nothing that HAProxy judges.
func parseConfig(text []byte) (config, error) {
	c := config{servers: map[key]server{}}
	inherited := map[string][]string{} // settings of servers, by the name of a defaults section
	var last string                    // of these sections
	var kind, name string
	var settings []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		words := strings.Fields(line)
		switch {
		case slices.Contains(sections, words[0]):
			kind, name = words[0], ""
			if len(words) > 1 {
				name = words[1]
			}
			settings = inherited[last]
			if from := slices.Index(words, "from"); from > 0 && from+1 < len(words) {
				settings = inherited[words[from+1]]
			} else if kind == "defaults" {
				settings = nil
			}
			if kind == "defaults" {
				last = name
				inherited[name] = settings
			}
		case words[0] == "default-server":
			settings = slices.Concat(settings, words[1:])
			if kind == "defaults" {
				inherited[name] = settings
			}
		case words[0] == "server" && (kind == "backend" || kind == "listen") && len(words) > 2:
			k := key{name, words[1]}
			if _, taken := c.servers[k]; taken {
				return c, fmt.Errorf("there are two servers %s", k)
			}
			c.servers[k] = newServer(k, words[2], slices.Concat(settings, words[3:]))
			c.order = append(c.order, k)
			continue
		}
		c.rest = append(c.rest, line)
	}
	return c, nil
}
