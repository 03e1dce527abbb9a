package funcs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

const healthGrammar = "[tag.]name?query@dc~near|filter"

// anyStatus as a filter lets all instances pass.
const anyStatus = "any"

// healthQuery is the argument of "service" and "connect".
type healthQuery struct {
	watch.Health
	// statuses are those wanted, sorted; ["any"] for all.
	statuses []string
}

// parseHealthQuery reads [tag.]name?query@dc~near|filter. The tag is all before
// the last dot, so names with a dot cannot be asked for.
func parseHealthQuery(text string) (healthQuery, error) {
	a, err := parseArgument(text, "?@~|")
	if err != nil {
		return healthQuery{}, err
	}
	scope, err := a.scope()
	if err != nil {
		return healthQuery{}, err
	}
	q := healthQuery{Health: watch.Health{Scope: scope, Service: a.name, Near: a.near}}
	if dot := strings.LastIndexByte(a.name, '.'); dot >= 0 {
		q.Tag, q.Service = a.name[:dot], a.name[dot+1:]
		if !consistsOf(q.Tag, "=:.-") {
			return healthQuery{}, fmt.Errorf("the tag %q may hold only letters, digits and _ = : . -", q.Tag)
		}
	}
	if !consistsOf(q.Service, "-") {
		return healthQuery{}, fmt.Errorf("the name %q may hold only letters, digits, _ and -", q.Service)
	}
	if q.statuses, err = parseStatuses(a.filter); err != nil {
		return healthQuery{}, err
	}
	q.PassingOnly = slices.Equal(q.statuses, []string{watch.Passing})
	return q, nil
}

// parseStatuses reads a list of states cut at commas; nothing means passing.
func parseStatuses(filter string) ([]string, error) {
	var statuses []string
	for status := range strings.SplitSeq(filter, ",") {
		switch status {
		case "":
		case anyStatus, watch.Passing, watch.Warning, watch.Critical, watch.Maintenance:
			statuses = append(statuses, status)
		default:
			return nil, fmt.Errorf("unknown state %q (known: any, passing, warning, critical, maintenance)", status)
		}
	}
	if slices.Contains(statuses, anyStatus) {
		return []string{anyStatus}, nil
	}
	if len(statuses) == 0 {
		return []string{watch.Passing}, nil
	}
	slices.Sort(statuses)
	return slices.Compact(statuses), nil
}

func (q healthQuery) wants(status string) bool {
	return q.statuses[0] == anyStatus || slices.Contains(q.statuses, status)
}

// consistsOf reports whether text is not empty and has word characters and
// those of extra only.
func consistsOf(text, extra string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		return !isWord(r) && !strings.ContainsRune(extra, r)
	}) < 0
}
