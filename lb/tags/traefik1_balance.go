package tags

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// isPoolOption1 names the options of a backend that concern its servers, which
// are looked at with them.
func isPoolOption1(option string) bool {
	group, _, _ := strings.Cut(option, ".")
	return option == "weight" || group == "loadbalancer" || group == "healthcheck" || group == "responseForwarding"
}

// balance1 is how the tags of a backend want requests spread, nil if they say
// nothing of it.
func (p *parser) balance1(settings map[string]setting1) *spec.LoadBalancer {
	var b spec.LoadBalancer
	said := false
	for _, key := range sortedKeys(settings) {
		option, ok := strings.CutPrefix(key, "backend.")
		s := settings[key]
		if !ok || s.value == "" || !isPoolOption1(option) || option == "weight" {
			continue
		}
		said = true
		p.reportOption1(s, key, setBalance1(&b, option, s.value))
	}
	if !said {
		return nil
	}
	if b.Sticky != nil && !isTrue(settings["backend.loadbalancer.stickiness"]) && !isTrue(settings["backend.loadbalancer.sticky"]) {
		b.Sticky = nil // how the cookie looks, but not that there is one
	}
	if b.Sticky != nil {
		nameCookie(b.Sticky.Cookie, "backend-"+strings.ToLower(p.Service))
	}
	if b.Health != nil && b.Health.Path == "" {
		b.Health = nil
	}
	return &b
}

func isTrue(s setting1) bool {
	on, err := strconv.ParseBool(s.value)
	return on && err == nil
}

func setBalance1(b *spec.LoadBalancer, option, value string) error {
	group, rest, _ := strings.Cut(option, ".")
	switch {
	case option == "loadbalancer", option == "loadbalancer.method":
		if !strings.EqualFold(value, "wrr") && !strings.EqualFold(value, "drr") {
			return fmt.Errorf("there is no method %s, only wrr and drr", value)
		}
		return nil // either takes turns by weight
	case option == "responseForwarding.flushInterval":
		_, err := spec.ParseDuration(value)
		return err // answers are passed on as they come
	case group == "responseForwarding":
		return errUnknown1
	case group == "healthcheck":
		if b.Health == nil {
			b.Health = spec.DefaultHealthCheck()
		}
		if rest == "headers" {
			return pairs(value, func(name, text string) error {
				return spec.Decode(b.Health, []string{"headers", name}, text)
			})
		}
		if err := decode1(b.Health, rest, value, "path", "interval", "port", "scheme", "hostname"); err != nil {
			return err
		}
		return b.Health.Settle()
	}
	if b.Sticky == nil {
		b.Sticky = &spec.Sticky{Cookie: &spec.Cookie{}}
	}
	switch rest {
	case "sticky", "stickiness":
		if rest == "sticky" {
			b.Sticky.Cookie.Name = "_TRAEFIK_BACKEND"
		}
		var on struct {
			On bool `key:"on"`
		}
		return spec.Decode(&on, []string{"on"}, value)
	case "stickiness.cookieName":
		if err := spec.CheckCookieName(value); err != nil {
			return err
		}
		b.Sticky.Cookie.Name = value
		return nil
	case "stickiness.sameSite":
		sameSite := strings.ToLower(value)
		if !slices.Contains([]string{"none", "lax", "strict"}, sameSite) {
			return fmt.Errorf("%q is none of none, lax, strict", value)
		}
		b.Sticky.Cookie.SameSite = sameSite
		return nil
	}
	return decode1(b.Sticky.Cookie, strings.TrimPrefix(rest, "stickiness."), value, "secure", "httpOnly")
}
