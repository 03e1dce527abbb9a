package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// hostile are the tags of owners who know no bounds, by what they ask for. All
// have a router for the path /NAME, the name being that of the service.
var hostile = map[string]func(name string) []string{
	"another's host": func(string) []string {
		return []string{"traefik.http.routers.evil.rule=Host(`shop.example.com`)", "traefik.http.routers.evil.priority=1000000", "urlprefix-shop.example.com/"}
	},
	"a million tags":      func(name string) []string { return many(1_000_000, "urlprefix-/"+name+"/%d") },
	"a long expression":   router("replacepathregex.regex=" + strings.Repeat("(a|b)", 20_000)),
	"a costly expression": router("replacepathregex.regex=^((a{100}){100}){100}$"),
	"a negative weight":   func(name string) []string { return []string{"urlprefix-/" + name + " weight=-1"} },
	"a cookie of two lines": func(name string) []string {
		return []string{"urlprefix-/" + name, "sluice.sticky.cookie.name=a\nSet-Cookie: b=c"}
	},
	"many middlewares": func(name string) []string {
		return append(many(10_000, "traefik.http.middlewares.evil%d.addprefix.prefix=/x"),
			"traefik.http.routers.evil.rule=PathPrefix(`/"+name+"`)", "traefik.http.routers.evil.middlewares=evil1")
	},
	"a chain of itself": func(name string) []string {
		return []string{
			"traefik.http.routers.evil.rule=PathPrefix(`/" + name + "`)", "traefik.http.routers.evil.middlewares=round",
			"traefik.http.middlewares.round.chain.middlewares=about,about", "traefik.http.middlewares.about.chain.middlewares=round,round",
		}
	},
	"a giant header":  router("headers.customresponseheaders.X-Giant=" + strings.Repeat("x", 100_000)),
	"a header of two": router("headers.customresponseheaders.X-Two=a\r\nSet-Cookie: b=c"),
	"many headers":    manyHeaders,
	"endless policies": func(name string) []string {
		return append(many(3_000, "sluice.healthcheck.headers.X-%d=y"), "urlprefix-/"+name)
	},
	"thousands of retries": func(name string) []string { return []string{"urlprefix-/" + name, "sluice.retries.attempts=1000000"} },
}

// many makes n tags, counted by a verb for a number.
func many(n int, format string) []string {
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf(format, i)
	}
	return tags
}

// router makes a router with one middleware, of these options.
func router(options string) func(name string) []string {
	return func(name string) []string {
		return []string{
			"traefik.http.routers.evil.rule=PathPrefix(`/" + name + "`)", "traefik.http.routers.evil.middlewares=evil",
			"traefik.http.middlewares.evil." + options,
		}
	}
}

// manyHeaders are each as long as a tag may be, and more than an answer may have.
func manyHeaders(name string) []string {
	tags := router("headers.customresponseheaders.X-0=y")(name)
	for i := range 500 {
		tags = append(tags, "traefik.http.middlewares.evil.headers.customresponseheaders.X-"+strconv.Itoa(i+1)+"="+strings.Repeat("x", 4000))
	}
	return tags
}

// hostileCommand registers a service NAME with the instance $IP:PORT, whose owner
// asks for something beyond all bounds: hostile NAME PORT WHAT.
func hostileCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 || hostile[args[2]] == nil {
		ts.Fatalf("usage: hostile NAME PORT WHAT, which is one of %q", slices.Sorted(maps.Keys(hostile)))
	}
	port, err := strconv.Atoi(args[1])
	ts.Check(err)
	text, err := json.Marshal(map[string]any{"name": args[0], "address": ts.Getenv("IP"), "port": port, "tags": hostile[args[2]](args[0])})
	ts.Check(err)
	of(ts).agent.Register(string(text))
}
