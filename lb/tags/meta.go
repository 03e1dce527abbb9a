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
