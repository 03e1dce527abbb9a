package config

import (
	"fmt"
	"log/syslog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/internal/nearest"
)

// LogFile is a copy of the log in files that are changed for new ones in time.
type LogFile struct {
	// Path is that of the files without what tells them apart; empty is none.
	Path string `hcl:"path"`
	// RotateBytes and RotateDuration are how large and how old a file gets; 0 is
	// unlimited.
	RotateBytes    int           `hcl:"log_rotate_bytes"`
	RotateDuration time.Duration `hcl:"log_rotate_duration"`
	// RotateMaxFiles is how many older files are kept; 0 is all, -1 none.
	RotateMaxFiles int `hcl:"log_rotate_max_files"`
}

// Syslog is a copy of the log for the system's own, on as soon as any of its
// settings is given.
type Syslog struct {
	Enabled  Optional[bool]     `hcl:"enabled"`
	Facility Optional[Facility] `hcl:"facility"`
	// Name is what it is logged under; empty is the program's.
	Name string `hcl:"name"`
}

// Facility is a facility of syslog by its name, LOCAL0, in any case.
type Facility syslog.Priority

// DefaultFacility is what counts if none is set.
const DefaultFacility = Facility(syslog.LOG_LOCAL0)

var facilities = map[string]syslog.Priority{
	"KERN": syslog.LOG_KERN, "USER": syslog.LOG_USER, "MAIL": syslog.LOG_MAIL, "DAEMON": syslog.LOG_DAEMON,
	"AUTH": syslog.LOG_AUTH, "SYSLOG": syslog.LOG_SYSLOG, "LPR": syslog.LOG_LPR, "NEWS": syslog.LOG_NEWS,
	"UUCP": syslog.LOG_UUCP, "CRON": syslog.LOG_CRON, "AUTHPRIV": syslog.LOG_AUTHPRIV, "FTP": syslog.LOG_FTP,
	"LOCAL0": syslog.LOG_LOCAL0, "LOCAL1": syslog.LOG_LOCAL1, "LOCAL2": syslog.LOG_LOCAL2, "LOCAL3": syslog.LOG_LOCAL3,
	"LOCAL4": syslog.LOG_LOCAL4, "LOCAL5": syslog.LOG_LOCAL5, "LOCAL6": syslog.LOG_LOCAL6, "LOCAL7": syslog.LOG_LOCAL7,
}

// UnmarshalText takes the name of a facility.
func (f *Facility) UnmarshalText(text []byte) error {
	priority, ok := facilities[strings.ToUpper(string(text))]
	if !ok {
		names := slices.Sorted(maps.Keys(facilities))
		return fmt.Errorf("%q is not a facility of syslog such as LOCAL0%s", text, nearest.Hint(string(text), "", slices.Values(names)))
	}
	*f = Facility(priority)
	return nil
}

func (f Facility) String() string {
	for name, priority := range facilities {
		if priority == syslog.Priority(f) {
			return name
		}
	}
	return strconv.Itoa(int(f))
}

// Expects implements [hcl.Expecting].
func (*Facility) Expects() string { return `a facility of syslog such as "LOCAL0"` }
