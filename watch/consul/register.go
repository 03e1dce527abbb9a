package consul

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Registration is how a program is found among the services of Consul.
type Registration struct {
	Name string
	Tags []string
	// Address and Port are where it is reached; Host is part of the ID.
	Address string
	Port    int
	Host    string
	// HealthURL is asked every Interval, for Timeout at most; SkipVerify takes any
	// certificate.
	HealthURL         string
	Interval, Timeout time.Duration
	SkipVerify        bool
}

// Registrar keeps a program registered with the local agent, under its name and
// any number of others. What the agent has forgotten is registered again.
type Registrar struct {
	locker *Locker // for its connections
	base   Registration
	log    *slog.Logger

	mu      sync.Mutex
	names   []string // that should be registered
	changed chan struct{}

	known  map[string]bool // IDs that are registered, of Run alone
	failed bool            // the last round, so that it is told once
}

// An agent that hears nothing of a registration for registerTTL finds the check
// critical; it forgets the service a minute later.
const (
	registerTTL    = 15 * time.Second
	registerRound  = 10 * time.Second
	registerForget = time.Minute
)

// NewRegistrar returns a Registrar with the agent c describes, which registers
// nothing before Run.
func NewRegistrar(c Config, base Registration) (*Registrar, error) {
	l, err := NewLocker(c)
	if err != nil {
		return nil, err
	}
	return &Registrar{
		locker: l, base: base, log: l.log, changed: make(chan struct{}, 1), known: map[string]bool{},
	}, nil
}

// Set says under which names it should be registered. It may be called at any
// time.
func (r *Registrar) Set(names []string) {
	r.mu.Lock()
	same := slices.Equal(r.names, names)
	r.names = slices.Clone(names)
	r.mu.Unlock()
	if same {
		return
	}
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// Run registers until ctx ends, then deregisters everything and returns nil. An
// outage is no reason to return.
func (r *Registrar) Run(ctx context.Context) error {
	defer r.locker.Close()
	ticker := time.NewTicker(registerRound)
	defer ticker.Stop()
	for {
		r.round(ctx)
		select {
		case <-ctx.Done():
			r.deregisterAll(context.WithoutCancel(ctx))
			return nil
		case <-r.changed:
		case <-ticker.C:
		}
	}
}

// round brings the agent up to what should be registered.
func (r *Registrar) round(ctx context.Context) {
	r.mu.Lock()
	names := slices.Clone(r.names)
	r.mu.Unlock()
	err := r.bring(ctx, names)
	if err != nil && !r.failed && ctx.Err() == nil {
		r.log.Warn("registering with Consul has failed; it is tried again", "err", err)
	}
	r.failed = err != nil
}

// bring tries each name, whatever becomes of the others: one may be the wish of a
// tag, and refused.
func (r *Registrar) bring(ctx context.Context, names []string) error {
	var errs []error
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[r.id(name)] = true
		errs = append(errs, r.keep(ctx, name))
	}
	for id := range r.known {
		if !wanted[id] {
			errs = append(errs, r.deregister(ctx, id))
		}
	}
	return errors.Join(errs...)
}

// keep passes the check first: that it is not there tells that the agent has
// forgotten.
func (r *Registrar) keep(ctx context.Context, name string) error {
	id := r.id(name)
	if r.known[id] && r.put(ctx, "/v1/agent/check/pass/"+url.PathEscape(ttlCheck(id)), "") == nil {
		return nil
	}
	return r.register(ctx, id, name)
}

func (r *Registrar) id(name string) string {
	return name + "-" + r.base.Host + "-" + strconv.Itoa(r.base.Port)
}

func ttlCheck(id string) string { return id + "-ttl" }

type registeredService struct {
	ID      string
	Name    string
	Tags    []string
	Address string
	Port    int
	Checks  []registeredCheck
}

type registeredCheck struct {
	CheckID                        string
	Name                           string
	Status                         string `json:",omitempty"`
	TTL                            string `json:",omitempty"`
	HTTP                           string `json:",omitempty"`
	Interval                       string `json:",omitempty"`
	Timeout                        string `json:",omitempty"`
	TLSSkipVerify                  bool   `json:",omitempty"`
	DeregisterCriticalServiceAfter string
}

func (r *Registrar) register(ctx context.Context, id, name string) error {
	b := r.base
	body, err := json.Marshal(registeredService{
		ID: id, Name: name, Tags: b.Tags, Address: b.Address, Port: b.Port,
		Checks: []registeredCheck{
			{
				CheckID: id + "-http", Name: name + " answers", HTTP: b.HealthURL, Interval: b.Interval.String(), Timeout: b.Timeout.String(),
				TLSSkipVerify: b.SkipVerify, DeregisterCriticalServiceAfter: registerForget.String(),
			},
			{
				CheckID: ttlCheck(id), Name: name + " is running", TTL: registerTTL.String(), Status: watch.Passing,
				DeregisterCriticalServiceAfter: registerForget.String(),
			},
		},
	})
	if err != nil {
		return err
	}
	if err := r.put(ctx, "/v1/agent/service/register", string(body)); err != nil {
		return err
	}
	if !r.known[id] {
		r.log.Info("registered with Consul", "service", name, "id", id, "address", net.JoinHostPort(b.Address, strconv.Itoa(b.Port)))
	}
	r.known[id] = true
	return nil
}

func (r *Registrar) deregister(ctx context.Context, id string) error {
	q := r.locker.call(http.MethodPut, "/v1/agent/service/deregister/"+url.PathEscape(id), nil, "")
	q.absent = true // it is forgotten already
	if err := r.send(ctx, q); err != nil {
		return err
	}
	delete(r.known, id)
	r.log.Info("deregistered from Consul", "id", id)
	return nil
}

// deregisterAll is for the end: nobody waits for an agent that is gone.
func (r *Registrar) deregisterAll(ctx context.Context) {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for id := range r.known {
		if err := r.deregister(ctx, id); err != nil {
			r.log.Warn("deregistering from Consul has failed; it forgets by itself", "id", id, "after", registerForget, "err", err)
		}
	}
}

func (r *Registrar) put(ctx context.Context, path, body string) error {
	return r.send(ctx, r.locker.call(http.MethodPut, path, nil, body))
}

func (r *Registrar) send(ctx context.Context, q call) error {
	q.needs = "service:write"
	if _, err := r.locker.client.get(ctx, q); err != nil {
		return fmt.Errorf("registering: %w", err)
	}
	return nil
}
