package tags

import (
	"maps"
	"slices"
	"strings"
)

// fabioTag is a tag of Fabio's dialect without blanks around it, and with the first of
// the prefixes, whichever it has. Of several that it begins with, the longest counts.
func (o Options) fabioTag(tag string) (text string, ok bool) {
	if !o.Fabio {
		return "", false
	}
	trimmed := strings.TrimSpace(tag)
	prefix, ok := o.FabioPrefix, strings.HasPrefix(trimmed, o.FabioPrefix)
	for _, other := range o.FabioPrefixes {
		if strings.HasPrefix(trimmed, other) && (!ok || len(other) > len(prefix)) {
			prefix, ok = other, true
		}
	}
	switch {
	case !ok:
		return "", false
	case prefix == o.FabioPrefix:
		return trimmed, true
	}
	return o.FabioPrefix + trimmed[len(prefix):], true
}

// nameTags has tags shown as they were registered, so that whoever looks for one finds
// it: with the prefix it has, and behind the key of metadata it comes from, as in
// "sluice-tag-1=urlprefix-/path".
func (p *parser) nameTags() {
	for i := range p.Problems {
		if o := &p.Problems[i]; o.Source == "" {
			named := p.named(o.Node, o.Instance, o.Tag)
			if o.Offset >= 0 {
				o.Offset += len(named) - len(o.Tag)
			}
			o.Tag = named
		}
	}
	for i := range p.Routes {
		if r := &p.Routes[i]; !r.Manual {
			r.Tag = p.named(r.Node, r.Instance, r.Tag)
		}
	}
	for i := range p.TCPRoutes {
		if r := &p.TCPRoutes[i]; !r.Manual {
			r.Tag = p.named(r.Node, r.Instance, r.Tag)
		}
	}
}

// named is a tag of an instance as it was registered. Of one that is shown in part, the
// part is enough.
func (p *parser) named(node, id, tag string) string {
	i := slices.IndexFunc(p.views, func(v view) bool { return v.Node == node && v.ID == id })
	if i < 0 || tag == "" {
		return tag
	}
	if at := slices.IndexFunc(p.views[i].Tags, func(own string) bool { text, ok := p.fabioTag(own); return ok && text == tag }); at >= 0 {
		tag = strings.TrimSpace(p.views[i].Tags[at])
	}
	if !p.Meta {
		return tag
	}
	shown, isPart := strings.CutSuffix(tag, "…")
	for _, key := range slices.Sorted(maps.Keys(p.views[i].Meta)) {
		value := strings.TrimSpace(p.views[i].Meta[key])
		if isMetaKey(key) && (value == strings.TrimSpace(tag) || isPart && strings.HasPrefix(value, shown)) {
			return key + "=" + tag
		}
	}
	return tag
}
