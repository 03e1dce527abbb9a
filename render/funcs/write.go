package funcs

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Write is a file a template asks for by "writeToFile", apart from its own. It
// takes place when the template's text does, not while data is still missing.
type Write struct {
	Path        string
	User, Group string // name or number; empty keeps what is
	Perms       fs.FileMode
	Append      bool
	Text        string
}

// writeToFile path user group mode [flags] text. The flags may contain the words
// "append" and "newline".
func (b *Binding) writeToFile(path, user, group, mode string, rest ...string) (string, error) {
	var flags, text string
	switch len(rest) {
	case 1:
		text = rest[0]
	case 2:
		flags, text = rest[0], rest[1]
	default:
		return "", fmt.Errorf("writeToFile: %d arguments given, want path, user, group, mode, flags if any, text", 4+len(rest))
	}
	perms, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		return "", fmt.Errorf("writeToFile %s: the mode %q is not an octal number", path, mode)
	}
	if strings.Contains(flags, "newline") {
		text += "\n"
	}
	b.writes = append(b.writes, Write{
		Path:   path,
		User:   user,
		Group:  group,
		Perms:  fs.FileMode(perms),
		Append: strings.Contains(flags, "append"),
		Text:   text,
	})
	return "", nil
}

// Writes are the files the execution has asked for, in order.
func (b *Binding) Writes() []Write { return b.writes }
