package config

import (
	"fmt"
	"io/fs"
	"strconv"
)

// Perms are the permission bits of a file. Zero keeps what the file has.
type Perms fs.FileMode

// UnmarshalText takes octal digits.
func (p *Perms) UnmarshalText(text []byte) error {
	bits, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil {
		return fmt.Errorf("%q is not an octal number such as \"0644\"", text)
	}
	return p.UnmarshalNumber(int64(bits))
}

// UnmarshalNumber implements [hcl.Numbered].
func (p *Perms) UnmarshalNumber(bits int64) error {
	if bits < 0 || bits > 0o7777 {
		return fmt.Errorf("%#o is not a file mode; write it in octal, as 0644 or \"0644\"", bits)
	}
	*p = Perms(bits)
	return nil
}

func (p Perms) String() string { return fmt.Sprintf("%#o", uint32(p)) }

// Expects implements [hcl.Expecting].
func (*Perms) Expects() string { return `a file mode such as 0644 or "0644"` }
