package accesslog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Filter says which requests get a line: those for which any of its conditions
// holds, and all if it has none.
type Filter struct {
	// Status lists statuses, ranges and classes: "404", "500-503", "5xx".
	Status []string
	// Retried is for requests that were tried again after a failure.
	Retried bool
	// MinDuration is for requests that took as long or longer; 0 is none.
	MinDuration time.Duration
}

// filter is a Filter that was checked.
type filter struct {
	statuses    []statusRange
	retried     bool
	minDuration time.Duration
}

type statusRange struct{ from, to int }

func (f Filter) compile() (filter, error) {
	compiled := filter{retried: f.Retried, minDuration: f.MinDuration}
	if f.MinDuration < 0 {
		return compiled, fmt.Errorf("filter: min_duration cannot be negative (%v)", f.MinDuration)
	}
	for _, text := range f.Status {
		r, err := parseStatus(text)
		if err != nil {
			return compiled, err
		}
		compiled.statuses = append(compiled.statuses, r)
	}
	return compiled, nil
}

func parseStatus(text string) (statusRange, error) {
	from, to, isRange := strings.Cut(strings.TrimSpace(text), "-")
	if class, ok := strings.CutSuffix(strings.ToLower(from), "xx"); ok && !isRange {
		from, to = class+"00", class+"99"
	} else if !isRange {
		to = from
	}
	low, lowErr := strconv.Atoi(from)
	high, highErr := strconv.Atoi(to)
	if lowErr != nil || highErr != nil || low < 100 || high > 999 || low > high {
		return statusRange{}, fmt.Errorf(`filter: %q is not a status such as "404", "500-503" or "5xx"`, text)
	}
	return statusRange{low, high}, nil
}

func (f *filter) lets(e *Entry) bool {
	if len(f.statuses) == 0 && !f.retried && f.minDuration == 0 {
		return true
	}
	for _, r := range f.statuses {
		if r.from <= e.Status && e.Status <= r.to {
			return true
		}
	}
	return f.retried && e.Retries > 0 || f.minDuration > 0 && e.Duration >= f.minDuration
}
