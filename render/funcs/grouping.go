package funcs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// byPort groups what "service" returned by port.
func byPort(list any) (map[int][]any, error) {
	groups := make(map[int][]any)
	switch list := list.(type) {
	case nil:
	case []*HealthService:
		for _, s := range list {
			groups[s.Port] = append(groups[s.Port], s)
		}
	case []*NomadService:
		for _, s := range list {
			groups[s.Port] = append(groups[s.Port], s)
		}
	default:
		return nil, fmt.Errorf("byPort: a %T has no ports (want what service returned)", list)
	}
	return groups, nil
}

var unfitForGroup = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

// byMeta groups instances by the values of some of their meta keys, joined with
// underscores. With "|int" after its name a key counts as a number, written in
// five digits so that the groups come in numerical order.
func byMeta(names string, services []*HealthService) (map[string][]*HealthService, error) {
	groups := make(map[string][]*HealthService)
	for _, s := range services {
		var values []string
		for name := range strings.SplitSeq(names, ",") {
			value, err := metaValue(s, name)
			if err != nil {
				return nil, fmt.Errorf("byMeta %q: service %s: %w", names, s.ID, err)
			}
			values = append(values, value)
		}
		group := unfitForGroup.ReplaceAllString(strings.Join(values, "_"), "_")
		groups[group] = append(groups[group], s)
	}
	return groups, nil
}

func metaValue(s *HealthService, name string) (string, error) {
	name, typed := strings.CutSuffix(name, "|int")
	value := s.ServiceMeta[name]
	switch {
	case typed && value == "":
		return "00000", nil
	case typed:
		n, err := strconv.Atoi(value)
		if err != nil {
			return "", fmt.Errorf("%s is %q, not a number", name, value)
		}
		return fmt.Sprintf("%05d", n), nil
	case value == "":
		return "_no_" + name + "_", nil
	}
	return value, nil
}
