// Package transport says how connections to targets are made, beyond what their
// addresses say. It imports the standard library only.
package transport

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"time"
	"unique"
)

// Transport is what the operator declares and services ask for by name. It has
// the contents of files, not their names, so that two are the same only if
// connections made by them are.
type Transport struct {
	Name string
	// SkipVerify takes any certificate of a target; ServerName is what it must be
	// for, empty is the host of the target's address.
	SkipVerify bool
	ServerName string
	// PeerURI is a URI that a target's certificate must be for, of authorities that
	// are trusted even with SkipVerify; empty for any.
	PeerURI string
	// RootCAs are authorities in PEM, empty for those of the system.
	RootCAs string
	// Certificates are for targets that ask for them, in PEM, each with its key behind
	// it.
	Certificates string
	// MinVersion and MaxVersion are as in [tls.Config]; 0 is TLS 1.2, or the newest.
	MinVersion, MaxVersion uint16
	// Ciphers are names of suites up to TLS 1.2 with commas between them, empty for
	// those of package tls.
	Ciphers string
	Conns
}

// Conns is what holds for connections whether they have TLS or not.
type Conns struct {
	// Dial is how long connecting may take, Response how long the head of an answer
	// after the request, and Idle how long a connection is kept that nobody uses; 0 is
	// as with all targets.
	Dial, Response, Idle time.Duration
	// MaxIdle bounds the connections kept to each target; 0 is as with all.
	MaxIdle int
	// KeepAlive is how often a silent peer is asked whether it is there; 0 is as with
	// all targets, and below 0 never.
	KeepAlive time.Duration
	// Termination is how long the other direction may be silent after one has ended; 0
	// is as with all targets, and below 0 for as long as neither has.
	Termination time.Duration
	// ProxyProtocol is the version of the PROXY header that targets of connections are
	// sent; 0 is none.
	ProxyProtocol int
}

// ID stands for a transport: those of equal ones are equal. The zero ID is none.
// It shows nothing of the transport but its name.
type ID struct{ handle unique.Handle[Transport] }

// ID is the transport's.
func (t Transport) ID() ID { return ID{unique.Make(t)} }

// Conns are those of the transport, the zero value for none.
func (i ID) Conns() Conns { return i.transport().Conns }

// WithTermination is the transport with another [Conns.Termination].
func (i ID) WithTermination(d time.Duration) ID {
	t := i.transport()
	t.Termination = d
	return t.ID()
}

func (i ID) transport() Transport {
	if i == (ID{}) {
		return Transport{}
	}
	return i.handle.Value()
}

// String is the name, empty for none.
func (i ID) String() string { return i.transport().Name }

// GoString keeps the key out of what is printed for debugging.
func (i ID) GoString() string { return fmt.Sprintf("transport.ID(%q)", i.String()) }

// Equal reports whether both are the same.
func (i ID) Equal(other ID) bool { return i == other }

// Compare orders by name, and those of one name in some way that stays.
func (i ID) Compare(other ID) int {
	if i == other {
		return 0
	}
	if c := cmp.Compare(i.String(), other.String()); c != 0 || i == (ID{}) || other == (ID{}) {
		return c
	}
	a, b := i.handle.Value().digest(), other.handle.Value().digest()
	return cmp.Compare(string(a[:]), string(b[:]))
}

func (t Transport) digest() [sha256.Size]byte { return sha256.Sum256(fmt.Appendf(nil, "%#v", t)) }
