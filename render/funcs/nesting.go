package funcs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dario.cat/mergo"
)

// explode makes nested maps of pairs: "a/b" becomes key b in the map under a.
func explode(pairs []*KeyPair) (map[string]any, error) {
	tree := make(map[string]any)
	for _, pair := range pairs {
		if err := plant(tree, pair.Key, pair.Value); err != nil {
			return nil, fmt.Errorf("explode: %w", err)
		}
	}
	return tree, nil
}

// explodeMap is explode for a map, whose keys hold the paths.
func explodeMap(values map[string]any) (map[string]any, error) {
	tree := make(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(values)) {
		if err := plant(tree, path, values[path]); err != nil {
			return nil, fmt.Errorf("explodeMap: %w", err)
		}
	}
	return tree, nil
}

// plant puts a value into a tree. A path that ends in a slash makes a folder
// without anything in it.
func plant(tree map[string]any, path string, value any) error {
	folder, below, nested := strings.Cut(path, "/")
	if !nested {
		if _, taken := tree[path].(map[string]any); taken {
			return fmt.Errorf("%q is both a value and a folder", path)
		}
		if path != "" {
			tree[path] = value
		}
		return nil
	}
	if tree[folder] == nil {
		tree[folder] = make(map[string]any)
	}
	inner, ok := tree[folder].(map[string]any)
	if !ok {
		return fmt.Errorf("%q is both a value and a folder", folder)
	}
	return plant(inner, below, value)
}

// mergeMap adds to a map what another has beyond it, at any depth. The first
// one is changed in place, as templates may rely on.
func mergeMap(destination, source map[string]any) (map[string]any, error) {
	if err := mergo.Merge(&destination, source); err != nil {
		return nil, fmt.Errorf("mergeMap: %w", err)
	}
	return destination, nil
}

// mergeMapWithOverride is mergeMap where the second map wins.
func mergeMapWithOverride(destination, source map[string]any) (map[string]any, error) {
	if err := mergo.Merge(&destination, source, mergo.WithOverride); err != nil {
		return nil, fmt.Errorf("mergeMapWithOverride: %w", err)
	}
	return destination, nil
}

// splitToMap cuts text into pairs at one separator and each pair at another.
// Parts that are no pairs are left out.
func splitToMap(betweenPairs, inPair, text string) map[string]string {
	pairs := make(map[string]string)
	for _, part := range split(betweenPairs, text) {
		if key, value, found := strings.Cut(part, inPair); found {
			pairs[key] = value
		}
	}
	return pairs
}
