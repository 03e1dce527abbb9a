package spec

// Switch is on, off, or as somebody else says, which is its zero value.
type Switch int8

// The positions of a [Switch].
const (
	Unset Switch = iota
	On
	Off
)

// SwitchTo is a switch that is on or off.
func SwitchTo(on bool) Switch {
	if on {
		return On
	}
	return Off
}

// Or reports whether the switch is on; one that is not set is as otherwise says.
func (s Switch) Or(otherwise bool) bool {
	if s == Unset {
		return otherwise
	}
	return s == On
}

// String is the position as a word.
func (s Switch) String() string {
	switch s {
	case On:
		return "on"
	case Off:
		return "off"
	}
	return "unset"
}
