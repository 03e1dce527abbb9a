package haproxy

import (
	"fmt"
	"slices"
	"strings"
)

// plan is what has to be done to a running HAProxy.
type plan struct {
	add      []key
	replaced map[key]bool // of add: an old one of that name is in the way, in maintenance
	adjust   []change
	retire   []key // takes no more traffic, and is removed when nothing uses it
	leftover []key // retired before
}

// change of a server that stays.
type change struct {
	key                    key
	address, weight, state bool
}

// plan compares. What is the same in both configurations is left alone: whoever
// drains a server by hand does not want it back because another one is new.
func (r *Runtime) plan(was, is config, now map[key]running) (plan, error) {
	p := plan{replaced: map[key]bool{}}
	for _, k := range is.order {
		wanted := is.servers[k]
		old, listed := was.servers[k]
		found, exists := now[k]
		if listed && exists && old.equal(wanted) {
			continue
		}
		if !wanted.plain {
			return p, fmt.Errorf("server %s: not an IP address with a port and plain words", k)
		}
		if !listed {
			old, listed = r.retired[k]
		}
		switch {
		case !exists:
			p.add = append(p.add, k)
		case listed && slices.Equal(old.options, wanted.options):
			_, retired := r.retired[k]
			toggled := old.disabled != wanted.disabled && found.inMaintenance() != wanted.disabled
			p.adjust = append(p.adjust, change{
				key:     k,
				address: found.at != wanted.at,
				weight:  found.weight != wanted.weight,
				state:   retired || toggled,
			})
		case !listed && found.inMaintenance():
			p.add = append(p.add, k)
			p.replaced[k] = true
		case !listed:
			return p, fmt.Errorf("server %s is in traffic already", k)
		default:
			return p, fmt.Errorf("server %s: its options differ", k)
		}
	}
	for _, k := range sorted(now) {
		if _, stays := is.servers[k]; stays {
			continue
		}
		switch _, listed := was.servers[k]; {
		case listed:
			p.retire = append(p.retire, k)
		case now[k].inMaintenance():
			p.leftover = append(p.leftover, k)
		default:
			return p, fmt.Errorf("server %s is in traffic, and in neither file", k)
		}
	}
	return p, nil
}

// verify compares what HAProxy has with what was wanted.
func verify(p plan, is config, now map[key]running) error {
	for _, k := range is.order {
		wanted := is.servers[k]
		found, exists := now[k]
		if !exists {
			return fmt.Errorf("server %s is missing afterwards", k)
		}
		if wanted.at.IsValid() && found.at != wanted.at {
			return fmt.Errorf("server %s is at %s afterwards, not %s", k, found.at, wanted.at)
		}
	}
	for _, k := range p.add {
		if err := verifyServer(k, is.servers[k], now[k], true); err != nil {
			return err
		}
	}
	for _, c := range p.adjust {
		if err := verifyServer(c.key, is.servers[c.key], now[c.key], c.state); err != nil {
			return err
		}
	}
	for _, k := range p.retire {
		if found, exists := now[k]; exists && !found.inMaintenance() {
			return fmt.Errorf("server %s still gets traffic afterwards", k)
		}
	}
	return nil
}

func verifyServer(k key, wanted server, found running, state bool) error {
	if found.weight != wanted.weight {
		return fmt.Errorf("server %s has the weight %d afterwards, not %d", k, found.weight, wanted.weight)
	}
	if state && found.inMaintenance() != wanted.disabled {
		return fmt.Errorf("server %s: in maintenance is %t afterwards", k, found.inMaintenance())
	}
	return nil
}

func sorted(servers map[key]running) []key {
	keys := make([]key, 0, len(servers))
	for k := range servers {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int { return strings.Compare(a.String(), b.String()) })
	return keys
}
