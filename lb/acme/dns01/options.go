package dns01

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/internal/nearest"
)

// Options say by whom records are written, and how to find out that everybody sees
// them. They hold no secrets: those are in the provider's environment variables, or
// in files that NAME_FILE variables name.
type Options struct {
	// Provider is one of [Providers].
	Provider string
	// Resolvers are DNS servers, "HOST" or "HOST:PORT", by which zones and their
	// servers are found. None stands for those of the system.
	Resolvers []string
	// Delay is waited before anything is checked, for at most 10 minutes.
	Delay time.Duration
	// DisableChecks has the authority look as soon as the delay is over.
	DisableChecks bool
	// DisableServers leaves out that all servers of the zone have to have a record.
	DisableServers bool
	// RequireResolvers asks that all resolvers have it too.
	RequireResolvers bool
}

const maxDelay = 10 * time.Minute

// Faults are what is wrong with the options. They are found without the environment,
// which may be another one where a configuration is checked.
func (o *Options) Faults() (errs []error) {
	if o.Provider == "" {
		errs = append(errs, errors.New("provider is missing: who writes records of your zone"))
	} else if providerOf(o.Provider) == nil {
		errs = append(errs, fmt.Errorf(`provider: %q is none of %s%s; for all others, "exec" runs a program of yours and "httpreq" asks a server of yours`,
			o.Provider, strings.Join(Providers(), ", "), nearest.Hint(o.Provider, "", eachProvider)))
	}
	for _, r := range o.Resolvers {
		if host, port, err := net.SplitHostPort(withPort(r)); err != nil || host == "" || port == "" {
			errs = append(errs, fmt.Errorf("resolvers: %q is neither HOST nor HOST:PORT", r))
		}
	}
	if o.Delay < 0 || o.Delay > maxDelay {
		errs = append(errs, fmt.Errorf("delay_before_checks is from 0 to %v, not %v", maxDelay, o.Delay))
	}
	return errs
}

// withPort is a server's address with the port of DNS, if it has none of its own.
func withPort(server string) string {
	if _, _, err := net.SplitHostPort(server); err == nil {
		return server
	}
	return net.JoinHostPort(strings.Trim(server, "[]"), "53")
}
