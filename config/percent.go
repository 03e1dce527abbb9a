package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Percent is a part of a whole, from 1 to 100; 0 is off.
type Percent int

// UnmarshalText takes "50%" or "50".
func (p *Percent) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(strings.TrimSuffix(string(text), "%"))
	if err != nil {
		return fmt.Errorf("%q is not a percentage such as \"50%%\"", text)
	}
	return p.UnmarshalNumber(int64(n))
}

// UnmarshalNumber implements [hcl.Numbered].
func (p *Percent) UnmarshalNumber(n int64) error {
	if n < 0 || n > 100 {
		return fmt.Errorf("%d%% is not between 0%% and 100%%", n)
	}
	*p = Percent(n)
	return nil
}

func (p Percent) String() string { return strconv.Itoa(int(p)) + "%" }

// Expects implements [hcl.Expecting].
func (*Percent) Expects() string { return `a percentage such as "50%"` }
