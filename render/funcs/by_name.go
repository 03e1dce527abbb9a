package funcs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// serviceByName is "service" with plain arguments instead of a grammar, so that
// names and tags may hold any character: serviceByName "a.b" (sprig_dict "tag"
// "urlprefix-/x"). It is not in consul-template.
func (b *Binding) serviceByName(name string, options ...map[string]any) ([]*HealthService, error) {
	if len(options) > 1 {
		return nil, fmt.Errorf("serviceByName: %d arguments given, want a name and a dict", 1+len(options))
	}
	if name == "" {
		return nil, nil
	}
	q := healthQuery{Health: watch.Health{Service: name}}
	var statuses string
	fields := map[string]*string{
		"dc":             &q.Datacenter,
		"filter":         &q.Filter,
		"namespace":      &q.Namespace,
		"near":           &q.Near,
		"partition":      &q.Partition,
		"peer":           &q.Peer,
		"sameness-group": &q.SamenessGroup,
		"status":         &statuses,
		"tag":            &q.Tag,
	}
	for _, given := range options {
		for option, value := range given {
			field, known := fields[option]
			if !known {
				return nil, fmt.Errorf("serviceByName %q: unknown option %q (known: %s)",
					name, option, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
			}
			*field = fmt.Sprint(value)
		}
	}
	var err error
	if q.statuses, err = parseStatuses(statuses); err != nil {
		return nil, fmt.Errorf("serviceByName %q: %w", name, err)
	}
	q.PassingOnly = slices.Equal(q.statuses, []string{watch.Passing})
	return b.instances(q), nil
}
