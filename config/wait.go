package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Wait is how long data must be quiet before a template is rendered, and how
// long rendering can be put off by that. Both are zero when it is off.
type Wait struct {
	Min time.Duration `hcl:"min"`
	Max time.Duration `hcl:"max"`
	// Enabled turns the stanza off without taking it away. Consul-template's
	// own files spell it "bool".
	Enabled Optional[bool] `hcl:"enabled,alias=bool"`
}

// UnmarshalText takes MIN or MIN:MAX.
func (w *Wait) UnmarshalText(text []byte) error {
	first, second, both := strings.Cut(string(text), ":")
	var parsed Wait
	var err error
	if parsed.Min, err = time.ParseDuration(first); err == nil && both {
		parsed.Max, err = time.ParseDuration(second)
	}
	if err != nil {
		return fmt.Errorf("%q is not MIN or MIN:MAX, two durations such as \"5s:20s\"", text)
	}
	if err := parsed.validate(); err != nil {
		return err
	}
	*w = parsed.settled()
	return nil
}

// Expects implements [hcl.Expecting].
func (*Wait) Expects() string { return `"MIN:MAX" or a stanza` }

// settled fills in the default of Max, and zeroes what is off.
func (w Wait) settled() Wait {
	if !w.Enabled.Or(true) {
		return Wait{}
	}
	w.Enabled = Optional[bool]{}
	if w.Max == 0 {
		w.Max = 4 * w.Min
	}
	return w
}

func (w Wait) validate() error {
	switch {
	case w.Min < 0 || w.Max < 0:
		return errors.New("a wait cannot be negative")
	case w.Max != 0 && w.Max < w.Min:
		return fmt.Errorf("the maximum, %v, is less than the minimum, %v", w.Max, w.Min)
	}
	return nil
}
