package guard

import (
	"maps"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Guard watches over the instances of all services. It is for one goroutine.
type Guard struct {
	Options
	serves   func(*watch.Instance) bool
	services map[string]*kept
	serving  int // that the catalog tells of
	// missing are the services with losses, and so those that changed when the
	// guard begins to hold or lets go.
	missing map[string]*kept
	doubted map[string]bool // whose answer could not be had for a while

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

// New makes a guard. serves tells whether an instance gets traffic, as long as it is in
// the catalog.
func New(o Options, serves func(*watch.Instance) bool) *Guard {
	return &Guard{
		Options: o, serves: serves, services: map[string]*kept{}, missing: map[string]*kept{},
		doubted: map[string]bool{}, changed: map[string]bool{},
	}
}

// Hear is told whether the answer for a service can be had at the moment.
func (g *Guard) Hear(service string, err error) {
	switch {
	case err != nil && g.IsOn():
		g.doubted[service] = true
	case err == nil && len(g.doubted) > 0:
		delete(g.doubted, service)
	}
}

// HasDoubts reports whether the answer for any service cannot be had.
func (g *Guard) HasDoubts() bool { return len(g.doubted) > 0 }

// View is told all instances of a service as the catalog has them, and adds those
// that are kept.
func (g *Guard) View(service string, all []watch.Instance, now time.Time) []watch.Instance {
	if !g.IsOn() {
		return all
	}
	g.Tick(now)
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
func (g *Guard) compare(service string, known *kept, all []watch.Instance, now time.Time) {
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

// Of are the kept instances of a service that the catalog tells nothing of.
func (g *Guard) Of(service string) []watch.Instance {
	if known := g.services[service]; known != nil {
		return known.shown(nil)
	}
	return nil
}

// Forget is told that a service is to be routed no more.
func (g *Guard) Forget(service string) {
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
func (g *Guard) judge(now time.Time) {
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

// Tick lets go of what is over.
func (g *Guard) Tick(now time.Time) {
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
func (g *Guard) isHolding() bool {
	for _, known := range g.missing {
		if slices.ContainsFunc(known.losses, func(l loss) bool { return l.held }) {
			return true
		}
	}
	return false
}

// Release lets go now.
func (g *Guard) Release(now time.Time) {
	if !g.until.IsZero() {
		g.until = now
	}
}

// TakeChanged names the services whose view has changed by the guard alone.
func (g *Guard) TakeChanged() []string {
	names := slices.Sorted(maps.Keys(g.changed))
	clear(g.changed)
	return names
}

// due is when Tick has something to do, zero for never.
func (g *Guard) due() (due time.Time) {
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

// Rest is how long Tick has nothing to do.
func (g *Guard) Rest(now time.Time) time.Duration {
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
