package traefikapi

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// listeners are those of the configuration.
func (a *api) listeners() (all []listener.Listener) {
	for _, l := range a.config.LB.Listeners {
		if made, err := listener.Parse(l.Text); err == nil { // as it was at the start
			made.Name = cmp.Or(made.Name, made.Address)
			all = append(all, made)
		}
	}
	return all
}

// entrypointsOf are the listeners that a router of a protocol is at: those it
// names or, if it names none, those of defaults or all.
func (a *api) entrypointsOf(declared []string, protocol string) (names []string) {
	if len(declared) > 0 {
		return declared
	}
	if protocol == "http" && len(a.config.Defaults.Entrypoints) > 0 {
		return a.config.Defaults.Entrypoints
	}
	for _, l := range a.listeners() {
		of := []string{"tcp"}
		switch l.Proto {
		case listener.ProtoHTTP, listener.ProtoHTTPS:
			of = []string{"http"}
		case listener.ProtoHTTPSAndSNI:
			of = []string{"http", "tcp"}
		case listener.ProtoUDP:
			of = []string{"udp"}
		}
		if slices.Contains(of, protocol) {
			names = append(names, l.Name)
		}
	}
	slices.Sort(names)
	return names
}

// entrypoints are the listeners in the form of Traefik's API, by name.
func (a *api) entrypoints() []map[string]any {
	all := []map[string]any{}
	timeouts := a.config.LB.Timeouts.Over(lb.DefaultServerOptions().Timeouts)
	for _, l := range a.listeners() {
		address, forwarded := l.Address, map[string]any{}
		if l.Proto == listener.ProtoUDP {
			address += "/udp"
		}
		if len(a.config.LB.TrustedProxies) > 0 {
			forwarded["trustedIPs"] = a.config.LB.TrustedProxies
		}
		e := map[string]any{
			"name": l.Name, "address": address, "forwardedHeaders": forwarded,
			"transport": map[string]any{
				"lifeCycle": map[string]any{"graceTimeOut": a.config.LB.DrainTimeout.String()},
				"respondingTimeouts": map[string]any{
					"readTimeout": cmp.Or(l.ReadTimeout, timeouts.Read).String(), "idleTimeout": cmp.Or(l.IdleTimeout, timeouts.Idle).String(),
				},
			},
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(x, y map[string]any) int { return strings.Compare(x["name"].(string), y["name"].(string)) })
	return all
}
