// Package guard keeps instances that a catalog has lost all at once. It holds
// instances, not tables: what registers anew counts at once, beside what is kept.
package guard

import (
	"errors"
	"fmt"
	"time"
)

// Options say when the loss of instances is not believed. A Consul that was
// restarted empty, a token that lost its rights or a partition look as if most
// instances were gone, while they go on serving. What is lost then is kept.
//
// The zero value believes everything.
type Options struct {
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

// DefaultOptions are the values used when the operator says nothing.
func DefaultOptions() Options {
	return Options{MaxLoss: 0.5, MinInstances: 3, Window: 10 * time.Second, Hold: 5 * time.Minute}
}

// Validate reports everything that is wrong.
func (o Options) Validate() error {
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

// IsOn reports whether there are losses that are not believed.
func (o Options) IsOn() bool { return o.MaxLoss > 0 && o.MaxLoss < 1 }
