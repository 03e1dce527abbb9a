package lb

import (
	"time"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// arrive takes in a service that is new in the catalog.
func (b *Builder) arrive(name string) {
	known := b.departed[name]
	if known == nil {
		known = &service{}
	}
	delete(b.departed, name)
	known.state, known.version = pending, 0
	b.services[name], b.unread[name] = known, known
	b.manual.moved = true
}

// depart gives up a service whose tags cannot route any more or, if it is not
// listed, that is not in the catalog any more; unless the guard keeps it.
func (b *Builder) depart(name string, listed bool) {
	known := b.services[name]
	delete(b.services, name)
	delete(b.unread, name)
	delete(b.abroad, name)
	delete(b.away, name)
	switch {
	case listed:
		b.guard.Forget(name)
	case b.guard.IsOn():
		if b.unsure != nil {
			b.guard.Hear(name, b.unsure)
		}
		b.guard.View(name, nil, time.Now())
	}
	b.departed[name] = known
	b.manual.moved = true
	b.keep(name)
}

// keep shows of a service that has departed what the guard keeps of it.
func (b *Builder) keep(name string) {
	known := b.departed[name]
	if known == nil {
		known = &service{}
	}
	kept := b.guard.Of(name)
	if len(kept) == 0 {
		delete(b.departed, name)
		b.settle(name, known, tags.Definition{})
		return
	}
	b.departed[name] = known
	b.settle(name, known, b.permitted(name, kept))
}

// review has the guard let go of what is over, and shows what it has changed.
func (b *Builder) review(s *watch.Snapshot) {
	b.guard.Tick(time.Now())
	for _, name := range b.guard.TakeChanged() {
		if known := b.services[name]; known != nil {
			known.version = 0
			b.read(s, name)
		} else {
			b.keep(name)
		}
	}
}
