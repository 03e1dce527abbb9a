package main

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
	return p.unmarshalNumber(int64(n))
}

func (p *Percent) unmarshalNumber(n int64) error {
	if n < 0 || n > 100 {
		return fmt.Errorf("%d%% is not between 0%% and 100%%", n)
	}
	*p = Percent(n)
	return nil
}

func (p Percent) String() string { return strconv.Itoa(int(p)) + "%" }

func (*Percent) expects() string { return `a percentage such as "50%"` }
