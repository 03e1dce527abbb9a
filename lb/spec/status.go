package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// Statuses are ranges of statuses, ends included.
type Statuses []struct{ From, To int }

// ParseStatuses reads statuses and ranges: "404", "500-599".
func ParseStatuses(texts []string) (Statuses, error) {
	var all Statuses
	for _, text := range texts {
		low, high, isRange := strings.Cut(text, "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.Atoi(strings.TrimSpace(low))
		to, err2 := strconv.Atoi(strings.TrimSpace(high))
		if err1 != nil || err2 != nil || from < 100 || to > 999 || from > to {
			return nil, fmt.Errorf("%q is no status or range of statuses, such as 404 or 500-599", text)
		}
		all = append(all, struct{ From, To int }{from, to})
	}
	return all, nil
}

// checkAnswer checks the option that says with which status something is answered;
// 0 is the default one.
func checkAnswer(option string, status int) error {
	if status != 0 && (status < 200 || status > 599) {
		return fmt.Errorf("%d is no status to answer with: %s is from 200 to 599", status, option)
	}
	return nil
}

// Contain reports whether a status is in one of the ranges.
func (s Statuses) Contain(status int) bool {
	for _, r := range s {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return false
}

// Count is how many statuses are in the ranges.
func (s Statuses) Count() (n int) {
	for _, r := range s {
		n += r.To - r.From + 1
	}
	return n
}
