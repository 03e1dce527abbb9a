package funcs

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Runner runs a program with arguments, without a shell, and returns what it
// printed. The error tells what it printed when it failed.
type Runner func(program string, args []string) (stdout string, err error)

// plugin is the trimmed output of a program. Until all data asked for before
// has come it is not run, and its text is empty: what it would be told is not
// known yet. Arguments are trimmed, and blank ones dropped.
func (b *Binding) plugin(program string, args ...string) (string, error) {
	if program == "" {
		return "", nil
	}
	if b.inputs.Run == nil {
		return "", errors.New("plugin: programs may not be run here")
	}
	texts := make([]string, 0, len(args))
	for _, arg := range args {
		if text := strings.TrimSpace(arg); text != "" {
			texts = append(texts, text)
		}
	}
	if len(b.Missing()) > 0 {
		return "", nil
	}
	begin := time.Now()
	out, err := b.inputs.Run(program, texts)
	b.waited += time.Since(begin)
	if err != nil {
		return "", fmt.Errorf("plugin: %w", err)
	}
	return strings.TrimSpace(out), nil
}

// Waited is how long the execution has waited for programs.
func (b *Binding) Waited() time.Duration { return b.waited }
