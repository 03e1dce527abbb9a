package funcs

import (
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// KeyPair is one entry of the KV store.
type KeyPair struct {
	Path  string // the whole key
	Key   string // the key below the prefix asked for
	Value string

	CreateIndex uint64
	ModifyIndex uint64
	LockIndex   uint64
	Flags       uint64
	Session     string
}

// key is the value of a key, which must exist; it may be empty.
func (b *Binding) key(text string) (string, error) {
	pair, err := b.pair("key", text)
	if err != nil || text == "" {
		return "", err
	}
	if pair == nil {
		q, _ := parseKeyQuery(text)
		b.record(q, true)
		return "", nil
	}
	return pair.Value, nil
}

// mustKey is key for which absence is an error instead of a reason to wait.
func (b *Binding) mustKey(text string) (string, error) {
	return b.existing("mustKey", text, "it does not exist")
}

// keyOrError is mustKey with an error of the template's own.
func (b *Binding) keyOrError(text, message string) (string, error) {
	return b.existing("keyOrError", text, message)
}

func (b *Binding) existing(function, text, absent string) (string, error) {
	q, err := parseKeyQuery(text)
	if err != nil {
		return "", malformed(function, text, keyGrammar, err)
	}
	pair, known := recall(b, q)
	switch {
	case !known:
		return "", nil
	case pair == nil:
		return "", fmt.Errorf("key %q: %s", text, absent)
	}
	return pair.Value, nil
}

// keyExists reports whether a key exists, and does not wait for it.
func (b *Binding) keyExists(text string) (bool, error) {
	pair, err := b.pair("keyExists", text)
	return pair != nil, err
}

// keyOrDefault is the value of a key, or fallback while that is absent or empty.
func (b *Binding) keyOrDefault(text, fallback string) (string, error) {
	pair, err := b.pair("keyOrDefault", text)
	if err != nil {
		return "", err
	}
	if pair == nil || pair.Value == "" {
		return fallback, nil
	}
	return pair.Value, nil
}

// pair looks a key up; nil if it does not exist or is not known yet.
func (b *Binding) pair(function, text string) (*watch.Pair, error) {
	if text == "" {
		return nil, nil
	}
	q, err := parseKeyQuery(text)
	if err != nil {
		return nil, malformed(function, text, keyGrammar, err)
	}
	pair, _ := recall(b, q)
	return pair, nil
}

// ls lists the pairs directly below a prefix.
func (b *Binding) ls(text string) ([]*KeyPair, error) { return b.list("ls", text, false) }

// tree lists all pairs below a prefix.
func (b *Binding) tree(text string) ([]*KeyPair, error) { return b.list("tree", text, false) }

// safeLs is ls that takes an empty answer for none.
func (b *Binding) safeLs(text string) ([]*KeyPair, error) { return b.list("safeLs", text, true) }

// safeTree is tree that takes an empty answer for none.
func (b *Binding) safeTree(text string) ([]*KeyPair, error) { return b.list("safeTree", text, true) }

func (b *Binding) list(function, text string, safe bool) ([]*KeyPair, error) {
	if text == "" {
		return []*KeyPair{}, nil // not nil, which is null in JSON
	}
	q, err := parsePrefixQuery(text)
	if err != nil {
		return nil, malformed(function, text, prefixGrammar, err)
	}
	answer, _ := recall(b, q)
	b.record(q, safe && len(answer) == 0)
	flat := function == "ls" || function == "safeLs"
	pairs := make([]*KeyPair, 0, len(answer))
	for _, p := range answer {
		// The prefix is text, not a folder: "app" cuts "apple/core" to "le/core".
		key := strings.TrimLeft(strings.TrimPrefix(p.Key, q.Path), "/")
		folder := key == "" || strings.HasSuffix(key, "/")
		if folder || flat && strings.Contains(key, "/") {
			continue
		}
		pairs = append(pairs, newKeyPair(p, key))
	}
	return pairs, nil
}

func newKeyPair(p watch.Pair, key string) *KeyPair {
	return &KeyPair{
		Path:        p.Key,
		Key:         key,
		Value:       p.Value,
		CreateIndex: p.CreateIndex,
		ModifyIndex: p.ModifyIndex,
		LockIndex:   p.LockIndex,
		Flags:       p.Flags,
		Session:     p.Session,
	}
}
