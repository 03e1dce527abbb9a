package push

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Kind is what a receiver understands.
type Kind string

const (
	// Graphite is the plain text protocol of its Carbon: what counters counted in
	// the interval, gauges, and the 50th, 90th, 95th and 99th percentile of
	// durations in milliseconds.
	Graphite Kind = "graphite"
	// StatsD is the protocol of Etsy's: durations in milliseconds.
	StatsD Kind = "statsd"
	// DogStatsD is that with tags: durations are histograms in seconds.
	DogStatsD Kind = "dogstatsd"
	// Print prints the lines of StatsD.
	Print Kind = "stdout"
	// PrintTagged prints them with tags.
	PrintTagged Kind = "label"
)

// Kinds are all of them.
var Kinds = []Kind{Graphite, StatsD, DogStatsD, Print, PrintTagged}

func (k Kind) tagged() bool  { return k == DogStatsD || k == PrintTagged }
func (k Kind) printed() bool { return k == Print || k == PrintTagged }

// Validate says what is wrong with where metrics are to be sent.
func (o *Options) Validate() error {
	switch {
	case o.Interval <= 0:
		return fmt.Errorf("the interval %s is not above 0", o.Interval)
	case !o.Kind.printed():
		return o.Kind.checkAddress(o.Address)
	case o.Address != "":
		return fmt.Errorf("%s has no address", o.Kind)
	}
	return nil
}

func (k Kind) checkAddress(address string) error {
	network, at := k.place(address)
	if network == "unixgram" {
		if at == "" || k == Graphite {
			return fmt.Errorf("%q is no address of %s", address, k)
		}
		return nil
	}
	_, port, err := net.SplitHostPort(at)
	if n, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil || n == 0 {
		return fmt.Errorf("the address %q is not HOST:PORT", address)
	}
	return nil
}

// place is what an address stands for.
func (k Kind) place(address string) (network, at string) {
	for _, prefix := range []string{"unix://", "unixgram://"} {
		if at, ok := strings.CutPrefix(address, prefix); ok {
			return "unixgram", at
		}
	}
	if k == Graphite {
		return "tcp", address
	}
	return "udp", address
}
