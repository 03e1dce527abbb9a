// Package haproxy takes changes of servers to a running HAProxy through its
// runtime socket, so that it need not be reloaded and no connection ends.
//
// What can be changed so: servers that are added or removed, and the address,
// weight and "disabled" of those that stay. For anything else HAProxy has to be
// reloaded; that is the caller's to do, as it is when anything goes wrong here.
//
// The socket has to be of level admin:
//
//	stats socket /run/haproxy.sock mode 600 level admin
//
// Adding and removing takes HAProxy 2.6 and a backend whose "balance" is not
// static.
package haproxy

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Runtime is a running HAProxy. It may be used by one goroutine at a time.
type Runtime struct {
	socket string
	// retired are servers that were removed while connections still used them,
	// with what they were. HAProxy holds them in maintenance until they can go.
	retired map[key]server
}

// New is the HAProxy with the runtime socket at that path. It need not run yet.
func New(socket string) *Runtime {
	return &Runtime{socket: socket, retired: map[key]server{}}
}

// Apply makes an HAProxy that runs the configuration before, or is already
// somewhere on the way, do as the configuration after says. On nil it has been
// read back that it does. An error means that it has to be reloaded: with the
// reason, and with whatever was changed so far.
func (r *Runtime) Apply(ctx context.Context, before, after []byte) error {
	err := r.apply(ctx, before, after)
	if err != nil {
		clear(r.retired) // a reload forgets them too
		return fmt.Errorf("changing the servers of HAProxy at %s: %w", r.socket, err)
	}
	return nil
}

func (r *Runtime) apply(ctx context.Context, before, after []byte) error {
	was, err := parseConfig(before)
	if err != nil {
		return err
	}
	is, err := parseConfig(after)
	if err != nil {
		return err
	}
	if !slices.Equal(was.rest, is.rest) {
		return fmt.Errorf("other lines than those of servers differ")
	}
	now, err := r.state(ctx)
	if err != nil {
		return err
	}
	p, err := r.plan(was, is, now)
	if err != nil {
		return err
	}
	if err := r.carryOut(ctx, p, is); err != nil {
		return err
	}
	if now, err = r.state(ctx); err != nil {
		return err
	}
	if err := verify(p, is, now); err != nil {
		return err
	}
	r.remove(ctx, p, was, now)
	return nil
}

// carryOut makes room for nothing before it is no longer needed: new servers
// come first, old ones go last.
func (r *Runtime) carryOut(ctx context.Context, p plan, is config) error {
	for _, k := range p.add {
		if err := r.add(ctx, k, is.servers[k], p.replaced[k]); err != nil {
			return err
		}
	}
	for _, c := range p.adjust {
		if err := r.adjust(ctx, c, is.servers[c.key]); err != nil {
			return err
		}
	}
	for _, k := range p.retire {
		if err := r.tell(ctx, "", "set server %s state maint", k); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runtime) add(ctx context.Context, k key, s server, replaces bool) error {
	if replaces {
		if err := r.tell(ctx, "deleted", "del server %s", k); err != nil {
			return err
		}
	}
	words := append([]string{fmt.Sprintf("add server %s %s weight %d", k, s.address, s.weight)}, s.options...)
	line := strings.Join(words, " ")
	if err := r.tell(ctx, "New server registered", "%s", line); err != nil {
		return err
	}
	delete(r.retired, k)
	// It comes with its checks off, and in maintenance.
	if slices.Contains(s.options, "check") {
		if err := r.tell(ctx, "", "enable health %s", k); err != nil {
			return err
		}
	}
	if slices.Contains(s.options, "agent-check") {
		if err := r.tell(ctx, "", "enable agent %s", k); err != nil {
			return err
		}
	}
	if s.disabled {
		return nil
	}
	return r.tell(ctx, "", "set server %s state ready", k)
}

func (r *Runtime) adjust(ctx context.Context, c change, s server) error {
	if c.address {
		// Each of its answers is a sentence: verify has the last word.
		if _, err := r.ask(ctx, fmt.Sprintf("set server %s addr %s port %d", c.key, s.at.Addr(), s.at.Port())); err != nil {
			return err
		}
	}
	if c.weight {
		if err := r.tell(ctx, "", "set server %s weight %d", c.key, s.weight); err != nil {
			return err
		}
	}
	if !c.state {
		return nil
	}
	delete(r.retired, c.key)
	state := "ready"
	if s.disabled {
		state = "maint"
	}
	return r.tell(ctx, "", "set server %s state %s", c.key, state)
}

// remove deletes what is in maintenance and in no configuration. HAProxy keeps
// a server as long as connections use it: then a later change will do.
func (r *Runtime) remove(ctx context.Context, p plan, was config, now map[key]running) {
	for _, k := range slices.Concat(p.retire, p.leftover) {
		if _, exists := now[k]; !exists {
			continue
		}
		if err := r.tell(ctx, "deleted", "del server %s", k); err == nil {
			delete(r.retired, k)
		} else if s, ok := was.servers[k]; ok {
			r.retired[k] = s
		}
	}
}
