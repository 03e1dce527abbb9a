package config

import (
	"encoding"
	"fmt"
	"strconv"
	"time"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// Assign reads the text of a flag, a variable or a property into what target points at,
// a setting of a [Config].
func Assign(target any, value string) (err error) {
	switch t := target.(type) {
	case hcl.Slotted:
		return Assign(t.Slot(), value)
	case encoding.TextUnmarshaler:
		return t.UnmarshalText([]byte(value))
	case *string:
		*t = value
	case *dial.Secret:
		*t = dial.Secret(value)
	case *bool:
		if *t, err = strconv.ParseBool(value); err != nil {
			return fmt.Errorf("%q is not true or false", value)
		}
	case *[]string:
		*t = append(*t, value)
	case *int:
		if *t, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
	case *time.Duration:
		if *t, err = time.ParseDuration(value); err != nil {
			return fmt.Errorf("%q is not a duration such as 250ms or 1m30s", value)
		}
	default:
		return fmt.Errorf("no flag can set a %T", target)
	}
	return nil
}
