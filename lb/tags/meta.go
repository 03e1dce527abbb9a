package tags

import (
	"maps"
	"slices"
	"strings"
)

// MetaKey is the start of the keys of metadata whose values are read as tags, if
// [Options.Meta] says so: the key itself, or followed by a dash and whatever tells it
// from others. Keys of Consul have 128 letters, digits, dashes and underscores, so a
// tag cannot be a key; its values have 512 bytes, and there are 64 of them.
const MetaKey = "sluice-tag"

func isMetaKey(key string) bool {
	rest, ok := strings.CutPrefix(key, MetaKey)
	return ok && (rest == "" || rest[0] == '-')
}

// withMeta is the instance with the tags of its metadata behind its own.
func withMeta(i Instance) Instance {
	i.Tags = slices.Clip(i.Tags)
	for _, key := range slices.Sorted(maps.Keys(i.Meta)) {
		if isMetaKey(key) {
			i.Tags = append(i.Tags, i.Meta[key])
		}
	}
	return i
}

// nameMeta puts the key before what comes from metadata, so that whoever looks for the
// tag finds it: "sluice-tag-1=urlprefix-/path".
func (p *parser) nameMeta() {
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

// named is a tag of an instance, behind its key if it comes from metadata. Of one that
// is shown in part, the part is enough.
func (p *parser) named(node, id, tag string) string {
	i := slices.IndexFunc(p.views, func(v view) bool { return v.Node == node && v.ID == id })
	if i < 0 || tag == "" {
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
