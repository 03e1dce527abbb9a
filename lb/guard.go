package lb

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Guard says when the loss of instances is not believed. A Consul that was
// restarted empty, a token that lost its rights or a partition look as if most
// instances were gone, while they go on serving. What is lost then is kept.
//
// The zero value believes everything.
type Guard struct {
	// MaxLoss is the share of all serving instances, from 0 to 1, above which a
	// loss is not believed; 1 believes everything.
	MaxLoss float64
	// MinInstances is how many there must be at least among the lost. They must be
	// of two services, too: one may be stopped as a whole. Neither is asked of what
	// is missing after an outage of the catalog.
	MinInstances int
	// Window is the time within which losses are added up, and for which the
	// losses after an outage wait for those of other services.
	Window time.Duration
	// Hold is how long the lost instances are kept, unless they come back.
	Hold time.Duration
}

// DefaultGuard are the values used when the operator says nothing.
func DefaultGuard() Guard {
	return Guard{MaxLoss: 0.5, MinInstances: 3, Window: 10 * time.Second, Hold: 5 * time.Minute}
}

// Validate reports everything that is wrong.
func (o Guard) Validate() error {
	var errs []error
	if o.MaxLoss <= 0 || o.MaxLoss > 1 {
		errs = append(errs, fmt.Errorf("the loss that is believed is a share above 0 and up to 1, not %v", o.MaxLoss))
	}
	if o.MinInstances < 1 {
		errs = append(errs, fmt.Errorf("a guard needs 1 instance or more, not %d", o.MinInstances))
	}
	if o.Window <= 0 || o.Hold <= 0 {
		errs = append(errs, fmt.Errorf("window and hold of a guard must be above 0, not %v and %v", o.Window, o.Hold))
	}
	return errors.Join(errs...)
}

func (o Guard) isOn() bool { return o.MaxLoss > 0 && o.MaxLoss < 1 }

// guard watches over the instances of all services for a [Builder].
type guard struct {
	Guard
	serves   func(*watch.Instance) bool
	services map[string]*kept
	serving  int // that the catalog tells of
	// missing are the services with losses, and so those that changed when the
	// guard begins to hold or lets go.
	missing map[string]*kept
	doubted map[string]bool // whose answer could not be had for a while
	unsure  bool            // so it was with the list of services

	since, until time.Time // while it holds
	absorbed     time.Time // the last loss while it holds
	trips        uint64
	changed      map[string]bool // to be read again
}

// kept is what a guard knows of one service.
type kept struct {
	serving []watch.Instance // as the catalog says
	before  int              // how many there were before the losses
	losses  []loss
}

// loss is an instance that served and is gone, or does not any more.
type loss struct {
	watch.Instance
	at time.Time
	// doubtful is one that was noticed after an outage. It is kept for the window.
	doubtful bool
	held     bool
}

func newGuard(o Guard, serves func(*watch.Instance) bool) *guard {
	return &guard{
		Guard: o, serves: serves, services: map[string]*kept{}, missing: map[string]*kept{},
		doubted: map[string]bool{}, changed: map[string]bool{},
	}
}

// hear is told whether the answer for a service can be had at the moment.
func (g *guard) hear(service string, err error) {
	switch {
	case err != nil && g.isOn():
		g.doubted[service] = true
	case err == nil && len(g.doubted) > 0:
		delete(g.doubted, service)
	}
}

// view is told all instances of a service as the catalog has them, and adds those
// that are kept.
func (g *guard) view(service string, all []watch.Instance, now time.Time) []watch.Instance {
	if !g.isOn() {
		return all
	}
	g.tick(now)
	known := g.services[service]
	if known == nil {
		known = &kept{}
		g.services[service] = known
	}
	g.compare(service, known, all, now)
	if len(known.losses) > 0 {
		g.missing[service] = known
		g.judge(now)
	} else {
		delete(g.missing, service)
	}
	if len(known.serving)+len(known.losses) == 0 {
		delete(g.services, service)
	}
	return known.shown(all)
}

// compare finds out what is lost, and what is not any more.
func (g *guard) compare(service string, known *kept, all []watch.Instance, now time.Time) {
	doubtful := g.doubted[service]
	delete(g.doubted, service)
	wanted := make(map[instanceKey]bool, len(all)) // as it is
	var serving []watch.Instance
	for i := range all {
		serves := g.serves(&all[i])
		wanted[keyOfInstance(&all[i])] = serves || all[i].Status() == watch.Maintenance
		if serves && all[i].Service.Kind == "" {
			serving = append(serving, all[i])
		}
	}
	if len(known.losses) == 0 {
		known.before = len(known.serving)
	}
	held := !g.until.IsZero() && now.Sub(g.absorbed) <= g.Window
	for _, was := range known.serving {
		if wanted[keyOfInstance(&was)] {
			continue
		}
		known.losses = append(known.losses, loss{was, now, doubtful, held})
		if held {
			g.absorbed = now
		}
	}
	g.serving += len(serving) - len(known.serving)
	known.serving = serving
	known.losses = slices.DeleteFunc(known.losses, func(l loss) bool {
		return wanted[keyOfInstance(&l.Instance)]
	})
	// Others may have come in their place.
	if missing := max(0, known.before-len(serving)); len(known.losses) > missing {
		known.losses = known.losses[len(known.losses)-missing:]
	}
}

// of are the kept instances of a service that the catalog tells nothing of.
func (g *guard) of(service string) []watch.Instance {
	if known := g.services[service]; known != nil {
		return known.shown(nil)
	}
	return nil
}

// forget is told that a service is to be routed no more.
func (g *guard) forget(service string) {
	if known := g.services[service]; known != nil {
		g.serving -= len(known.serving)
		delete(g.services, service)
		delete(g.missing, service)
	}
	delete(g.doubted, service)
}

// shown are all instances with those that are kept.
func (k *kept) shown(all []watch.Instance) []watch.Instance {
	shown := all
	for _, l := range k.losses {
		if !l.held && !l.doubtful {
			continue
		}
		key := keyOfInstance(&l.Instance)
		shown = slices.DeleteFunc(slices.Clone(shown), func(i watch.Instance) bool { return keyOfInstance(&i) == key })
		shown = append(shown, l.Instance)
	}
	return shown
}

// judge decides whether what was lost is to be believed.
func (g *guard) judge(now time.Time) {
	if !g.until.IsZero() {
		return
	}
	lost, doubtful := 0, 0
	for _, known := range g.missing {
		lost += len(known.losses)
		for _, l := range known.losses {
			doubtful += btoi(l.doubtful)
		}
	}
	bound := g.MaxLoss * float64(lost+g.serving)
	if float64(doubtful) <= bound && (float64(lost) <= bound || lost < g.MinInstances || len(g.missing) < 2) {
		return
	}
	g.trips++
	g.since, g.until, g.absorbed = now, now.Add(g.Hold), now
	for service, known := range g.missing {
		for i := range known.losses {
			known.losses[i].held = true
		}
		g.changed[service] = true
	}
}

// tick lets go of what is over.
func (g *guard) tick(now time.Time) {
	if !g.until.IsZero() && (!now.Before(g.until) || !g.isHolding()) {
		g.since, g.until = time.Time{}, time.Time{}
		for service, known := range g.missing {
			known.losses = nil
			g.changed[service] = true
		}
		clear(g.missing)
	}
	for service, known := range g.missing {
		known.losses = slices.DeleteFunc(known.losses, func(l loss) bool {
			over := !l.held && now.Sub(l.at) >= g.Window
			if over && l.doubtful {
				g.changed[service] = true
			}
			return over
		})
		if len(known.losses) == 0 {
			delete(g.missing, service)
		}
	}
}

// isHolding reports whether anything is held.
func (g *guard) isHolding() bool {
	for _, known := range g.missing {
		if slices.ContainsFunc(known.losses, func(l loss) bool { return l.held }) {
			return true
		}
	}
	return false
}

// release lets go now.
func (g *guard) release(now time.Time) {
	if !g.until.IsZero() {
		g.until = now
	}
}

// takeChanged names the services whose view has changed by the guard alone.
func (g *guard) takeChanged() []string {
	names := slices.Sorted(maps.Keys(g.changed))
	clear(g.changed)
	return names
}

// due is when tick has something to do, zero for never.
func (g *guard) due() (due time.Time) {
	sooner := func(t time.Time) {
		if due.IsZero() || t.Before(due) {
			due = t
		}
	}
	if !g.until.IsZero() {
		sooner(g.until)
	}
	for _, known := range g.missing {
		for _, l := range known.losses {
			if !l.held {
				sooner(l.at.Add(g.Window))
			}
		}
	}
	return due
}

// never is longer than any server runs.
const never = 1 << 62 * time.Nanosecond

// rest is how long tick has nothing to do.
func (g *guard) rest(now time.Time) time.Duration {
	due := g.due()
	if due.IsZero() {
		return never
	}
	return max(0, due.Sub(now))
}

// instanceKey tells the instances of a service apart.
type instanceKey struct{ node, id string }

func keyOfInstance(i *watch.Instance) instanceKey { return instanceKey{i.Node.Name, i.Service.ID} }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// GuardState is a moment's view of the guard.
type GuardState struct {
	// Holding is set while lost instances are kept, since Since and until Until
	// unless they come back.
	Holding      bool
	Since, Until time.Time
	// Held counts the kept ones by service; Instances is their sum.
	Held      map[string]int
	Instances int
	// Trips counts how often a loss was not believed.
	Trips uint64
}

func (g *guard) state() GuardState {
	s := GuardState{Holding: !g.until.IsZero(), Since: g.since, Until: g.until, Trips: g.trips, Held: map[string]int{}}
	for service, known := range g.missing {
		for _, l := range known.losses {
			if l.held {
				s.Held[service]++
				s.Instances++
			}
		}
	}
	return s
}
