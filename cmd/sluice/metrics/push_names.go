package metrics

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/sluiceproxy/sluice/admin/push"
	"github.com/sluiceproxy/sluice/config"
)

// pushNames are what metrics are called that are sent.
func pushNames(p *config.MetricsPush) push.Names {
	prefix, _ := p.FullPrefix() // as validate has let through
	switch p.Names {
	case config.FabioNames:
		if p.Name == push.Print || p.Name == push.PrintTagged {
			prefix = strings.TrimSuffix(prefix, ".") + "." // which Fabio puts there when it prints, and only then
		}
		names := push.Names{Prefix: prefix, Name: fabioDotted, Flat: fabioFlat}
		if p.Name == push.DogStatsD {
			names.Tag = fabioTagName
		}
		return names
	case config.TraefikNames:
		return push.Names{Prefix: prefix, Name: traefikDotted, Flat: traefikFlat}
	}
	return push.Names{Prefix: prefix, Name: func(name string) string { return strings.TrimSuffix(name, "_seconds") }}
}

// fabioDotted is the name that Fabio has for what Prometheus is told without dots.
func fabioDotted(gathered string) string {
	const prefix = "tcp_sni" // a part in itself
	if rest, ok := strings.CutPrefix(gathered, prefix+"_"); ok {
		return prefix + "." + rest
	}
	return strings.ReplaceAll(gathered, "_", ".")
}

// fabioFlat has what belongs to a target of a route in the order of Fabio's: service,
// host, path and target.
func fabioFlat(name string, labels push.Labels) string {
	direction, isRoute := strings.CutPrefix(name, "route")
	if !isRoute {
		return push.Nested(name, labels, func(value string) string { return value })
	}
	target := labels.Value("target")
	if u, err := url.Parse(target); err == nil {
		target = cmp.Or(u.Host, target)
	}
	place := []string{labels.Value("service"), labels.Value("host"), labels.Value("path"), target}
	for i := range place {
		place[i] = config.CleanName(place[i])
	}
	return strings.Join(place, ".") + direction
}

// fabioTagName keeps clear of the names Datadog has itself.
func fabioTagName(label string) string {
	if label == "service" || label == "host" {
		return "fabio-" + label
	}
	return label
}

// traefikNames are those that are more than the gathered ones with dots.
var traefikNames = map[string]string{
	"config_reloads_total":       "config.reload.total",
	"config_last_reload_success": "config.reload.lastSuccessTimestamp",
	"tls_certs_not_after":        "tls.certs.notAfterTimestamp",
}

// traefikDotted is the name that Traefik has for what Prometheus is told by another.
func traefikDotted(gathered string) string {
	name := strings.TrimPrefix(gathered, "traefik_")
	if other := traefikNames[name]; other != "" {
		return other
	}
	of, what, _ := strings.Cut(name, "_")
	switch what {
	case "requests_total", "requests_tls_total":
		what = strings.Replace(what, "requests", "request", 1)
	case "request_duration_seconds":
		what = strings.TrimSuffix(what, "_seconds")
	}
	return of + "." + strings.ReplaceAll(what, "_", ".")
}

// traefikFlat leaves out labels, as Traefik does; when certificates end cannot be
// told without.
func traefikFlat(name string, _ push.Labels) string {
	if name == traefikNames["tls_certs_not_after"] {
		return ""
	}
	return name
}
