package spec

import (
	"errors"
	"fmt"
	"slices"
)

// Composition makes a service of other services, which it names. One of its
// kinds is set.
type Composition struct {
	Weighted  *Weighted         `key:"weighted"`
	Highest   *WeightedServices `key:"highestrandomweight" json:",omitzero"`
	Mirroring *Mirroring        `key:"mirroring"`
	Failover  *Failover         `key:"failover"`
}

// Weighted spreads requests over services.
type Weighted struct {
	Services []WeightedService `key:"services"`
	// Sticky has a client's requests go to the service its first one went to.
	Sticky *Sticky `key:"sticky"`
	// HealthCheck asks for what is done anyway: a service that has nobody to
	// answer is passed over.
	HealthCheck bool `key:"healthcheck"`
}

// WeightedServices are services of which each client has one, by its address: the
// same as long as that has anyone to answer. Connections and datagrams, which
// have nothing else, are spread over them by turns.
type WeightedServices struct {
	Services    []WeightedService `key:"services"`
	HealthCheck bool              `key:"healthcheck"` // as in [Weighted]
}

// WeightedService is one of the services.
type WeightedService struct {
	Name string `key:"name"`
	// Weight is its part of the requests relative to the others; 0 is none.
	Weight int `key:"weight"`
}

func (w *WeightedService) setDefaults() { w.Weight = 1 }

// Mirroring has one service answer, and sends others copies of the requests. What
// they answer is thrown away.
type Mirroring struct {
	Service string   `key:"service"`
	Mirrors []Mirror `key:"mirrors"`
	// MirrorBody copies the body as well.
	MirrorBody bool `key:"mirrorbody"`
	// MaxBodySize is how much of a body is kept for copies, in bytes: requests with
	// a larger one are not mirrored. -1 is as much as may be at all.
	MaxBodySize int64 `key:"maxbodysize"`
	HealthCheck bool  `key:"healthcheck"` // as in [Weighted]
}

// Mirror is a service that is sent copies.
type Mirror struct {
	Name string `key:"name"`
	// Percent is how many of a hundred requests are copied.
	Percent int `key:"percent"`
}

// Bounds of [Mirroring.MaxBodySize]: what holds if nothing is said, and the most
// there may be.
const (
	defaultMirrorBody = 1 << 20
	MaxMirrorBody     = 64 << 20
)

func (m *Mirroring) setDefaults() { m.MirrorBody, m.MaxBodySize = true, defaultMirrorBody }

// Failover has the fallback answer while the service has nobody to.
type Failover struct {
	Service  string `key:"service"`
	Fallback string `key:"fallback"`
	// Errors has the fallback asked also after certain answers of the service.
	Errors      *FailoverErrors `key:"errors"`
	HealthCheck bool            `key:"healthcheck"` // as in [Weighted]
}

// FailoverErrors says which answers.
type FailoverErrors struct {
	Status []string `key:"status"` // as "500-599" or "503"
	// MaxRequestBody is how much of a body is kept to be sent again, in bytes.
	MaxRequestBody int64 `key:"maxrequestbodybytes"`
}

func (e *FailoverErrors) setDefaults() { e.MaxRequestBody = 2 << 20 }

// Target points to the struct of its kind, for readers that know of more than
// text; nil if it has none.
func (c *Composition) Target() any {
	switch {
	case c.Weighted != nil:
		return c.Weighted
	case c.Highest != nil:
		return c.Highest
	case c.Mirroring != nil:
		return c.Mirroring
	case c.Failover != nil:
		return c.Failover
	}
	return nil
}

// Clone is a copy with names of its own.
func (c *Composition) Clone() *Composition {
	made := *c
	if w := c.Weighted; w != nil {
		made.Weighted = new(Weighted)
		*made.Weighted = *w
		made.Weighted.Services = slices.Clone(w.Services)
	}
	if h := c.Highest; h != nil {
		made.Highest = &WeightedServices{slices.Clone(h.Services), h.HealthCheck}
	}
	if m := c.Mirroring; m != nil {
		made.Mirroring = new(Mirroring)
		*made.Mirroring = *m
		made.Mirroring.Mirrors = slices.Clone(m.Mirrors)
	}
	if f := c.Failover; f != nil {
		made.Failover = new(Failover)
		*made.Failover = *f
	}
	return &made
}

// Names points to the names of all services it is made of.
func (c *Composition) Names() []*string {
	var names []*string
	if w := c.Weighted; w != nil {
		for i := range w.Services {
			names = append(names, &w.Services[i].Name)
		}
	}
	if h := c.Highest; h != nil {
		for i := range h.Services {
			names = append(names, &h.Services[i].Name)
		}
	}
	if m := c.Mirroring; m != nil {
		names = append(names, &m.Service)
		for i := range m.Mirrors {
			names = append(names, &m.Mirrors[i].Name)
		}
	}
	if f := c.Failover; f != nil {
		names = append(names, &f.Service, &f.Fallback)
	}
	return names
}

// Validate reports everything that keeps the service from being built.
func (c *Composition) Validate() error {
	var errs []error
	kinds := 0
	if c.Weighted != nil {
		kinds++
		errs = append(errs, c.Weighted.validate())
	}
	if c.Highest != nil {
		kinds++
		errs = append(errs, validateServices("highestrandomweight", c.Highest.Services))
	}
	if c.Mirroring != nil {
		kinds++
		errs = append(errs, c.Mirroring.validate())
	}
	if c.Failover != nil {
		kinds++
		errs = append(errs, c.Failover.validate())
	}
	if kinds != 1 {
		errs = append(errs, errors.New("a service is of one kind: loadbalancer, weighted, highestrandomweight, mirroring or failover"))
	}
	return errors.Join(errs...)
}

func (w *Weighted) validate() error {
	err := validateServices("weighted", w.Services)
	if w.Sticky != nil && w.Sticky.Cookie != nil {
		err = errors.Join(err, w.Sticky.Cookie.validate())
	}
	return err
}

// Validate reports everything that keeps the service from being built of
// connections or of datagrams.
func (w *WeightedServices) Validate() error { return validateServices("weighted", w.Services) }

func validateServices(kind string, services []WeightedService) error {
	var errs []error
	if len(services) == 0 {
		errs = append(errs, fmt.Errorf("%s.services names no service", kind))
	}
	for i, s := range services {
		switch {
		case s.Name == "":
			errs = append(errs, fmt.Errorf("%s.services[%d] has no name", kind, i))
		case s.Weight < 0:
			errs = append(errs, fmt.Errorf("%s.services[%d]: a weight cannot be negative (%d)", kind, i, s.Weight))
		}
	}
	return errors.Join(errs...)
}

func (m *Mirroring) validate() error {
	var errs []error
	if m.Service == "" {
		errs = append(errs, errors.New("mirroring.service is missing"))
	}
	for i, to := range m.Mirrors {
		switch {
		case to.Name == "":
			errs = append(errs, fmt.Errorf("mirroring.mirrors[%d] has no name", i))
		case to.Percent < 0 || to.Percent > 100:
			errs = append(errs, fmt.Errorf("mirroring.mirrors[%d]: percent is from 0 to 100, not %d", i, to.Percent))
		}
	}
	if m.MaxBodySize < -1 || m.MaxBodySize > MaxMirrorBody {
		errs = append(errs, fmt.Errorf("mirroring.maxbodysize is from -1 to %d bytes, not %d", MaxMirrorBody, m.MaxBodySize))
	}
	return errors.Join(errs...)
}

func (f *Failover) validate() error {
	var errs []error
	if f.Service == "" {
		errs = append(errs, errors.New("failover.service is missing"))
	}
	if f.Fallback == "" {
		errs = append(errs, errors.New("failover.fallback is missing"))
	}
	if f.Errors != nil {
		if _, err := ParseStatuses(f.Errors.Status); err != nil {
			errs = append(errs, fmt.Errorf("failover.errors.status: %w", err))
		}
		if f.Errors.MaxRequestBody < 0 || f.Errors.MaxRequestBody > MaxMirrorBody {
			errs = append(errs, fmt.Errorf("failover.errors.maxrequestbodybytes is from 0 to %d, not %d", MaxMirrorBody, f.Errors.MaxRequestBody))
		}
	}
	return errors.Join(errs...)
}
