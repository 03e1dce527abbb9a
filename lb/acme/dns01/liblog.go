package dns01

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/go-acme/lego/v4/log"
)

// logOnce is of the process, as the library's log is: the first stanza's has what
// all providers say.
var logOnce sync.Once

// quieten has what providers say go where only those look who ask for it: a program
// of the operator's may print anything.
func quieten(to *slog.Logger) { logOnce.Do(func() { log.Logger = liblog{to} }) }

type liblog struct{ to *slog.Logger }

func (l liblog) say(text string) {
	l.to.Debug("the DNS provider says", "text", scrub(strings.TrimSpace(text), os.Environ()))
}

func (l liblog) Print(args ...any)                 { l.say(fmt.Sprint(args...)) }
func (l liblog) Println(args ...any)               { l.say(fmt.Sprintln(args...)) }
func (l liblog) Printf(format string, args ...any) { l.say(fmt.Sprintf(format, args...)) }

// Fatal and its kin do not end the program: that is not for a library to decide.
func (l liblog) Fatal(args ...any)                 { l.Print(args...) }
func (l liblog) Fatalln(args ...any)               { l.Println(args...) }
func (l liblog) Fatalf(format string, args ...any) { l.Printf(format, args...) }
