package funcs

import (
	"errors"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

const (
	keyGrammar    = "path?query@dc"
	prefixGrammar = "prefix?query@dc"
)

// parseKeyQuery reads path?query@dc, the argument of "key" and its kin. A
// leading slash means nothing.
func parseKeyQuery(text string) (watch.Key, error) {
	path, scope, err := parsePath(text)
	if err == nil && path == "" {
		err = errors.New("the path is empty")
	}
	if err != nil {
		return watch.Key{}, err
	}
	return watch.Key{Scope: scope, Path: path}, nil
}

// parsePrefixQuery reads prefix?query@dc, the argument of "ls" and "tree". The
// prefix "/" is the whole store.
func parsePrefixQuery(text string) (watch.Prefix, error) {
	path, scope, err := parsePath(text)
	if err != nil {
		return watch.Prefix{}, err
	}
	return watch.Prefix{Scope: scope, Path: path}, nil
}

func parsePath(text string) (path string, scope watch.Scope, err error) {
	a, err := parseArgument(text, "?@")
	if err != nil {
		return "", watch.Scope{}, err
	}
	if a.name == "" {
		return "", watch.Scope{}, errors.New("the path is empty")
	}
	if strings.ContainsAny(a.name, "?@") {
		return "", watch.Scope{}, errors.New("a path cannot hold ? or @")
	}
	scope, err = a.scope()
	return strings.TrimPrefix(a.name, "/"), scope, err
}
