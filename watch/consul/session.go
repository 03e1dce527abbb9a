package consul

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// session is one of Consul's, which says that its owner is alive. What it has
// locked is free again when it ends.
type session struct {
	locker *Locker
	id     string
	// lost ends when the session can no longer be relied on, with the reason.
	lost context.Context
	fail context.CancelCauseFunc
}

var errSessionGone = errors.New("consul has ended the session")

// newSession opens a session. Somebody has to keep it, and to end it.
func (l *Locker) newSession(ctx context.Context, name string) (*session, error) {
	body, err := json.Marshal(map[string]string{
		"Name":      name,
		"TTL":       l.ttl.String(),
		"Behavior":  "delete",
		"LockDelay": l.delay.String(),
	})
	if err != nil {
		return nil, err
	}
	q := l.call(http.MethodPut, "/v1/session/create", nil, string(body))
	q.needs = "session:write on the agent's node"
	got, err := l.client.get(ctx, q)
	if err != nil {
		return nil, err
	}
	created, err := decode[struct{ ID string }](got.body)
	if err == nil && created.ID == "" {
		err = errors.New("the answer names no session")
	}
	if err != nil {
		return nil, fmt.Errorf("PUT %s%s: %w", l.client.address.shown, q.path, err)
	}
	s := &session{locker: l, id: created.ID}
	s.lost, s.fail = context.WithCancelCause(context.WithoutCancel(ctx))
	return s, nil
}

// keep renews the session until ctx ends or it is lost. When renewals fail for
// as long as the session lives without them, it counts as lost: Consul ends it
// no earlier, so that two never hold one lock. check looks at what it locked.
func (s *session) keep(ctx context.Context, check func(context.Context) error) {
	tick := time.NewTicker(s.locker.ttl / 3)
	defer tick.Stop()
	until := time.Now().Add(s.locker.ttl)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.lost.Done():
			return
		case <-tick.C:
		}
		asked := time.Now()
		limited, cancel := context.WithDeadline(ctx, until)
		err := s.renew(limited)
		if err == nil {
			until = asked.Add(s.locker.ttl)
			err = check(limited)
		}
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errSessionGone):
			s.fail(err)
		case err != nil && !time.Now().Before(until):
			s.fail(fmt.Errorf("the session could not be renewed for %v: %w", s.locker.ttl, err))
		}
	}
}

func (s *session) renew(ctx context.Context) error {
	q := s.locker.call(http.MethodPut, "/v1/session/renew/"+s.id, nil, "")
	q.absent = true
	got, err := s.locker.client.get(ctx, q)
	if err == nil && got.status == http.StatusNotFound {
		return errSessionGone
	}
	return err
}

// end gives the session back. Should that fail, Consul ends it when its time is
// up.
func (s *session) end(ctx context.Context) error {
	s.fail(context.Canceled)
	q := s.locker.call(http.MethodPut, "/v1/session/destroy/"+s.id, nil, "")
	_, err := s.locker.client.get(ctx, q)
	return err
}

// call is a request about sessions and locks. They are the business of the
// agent's own datacenter, which its node is part of, unless another is named.
func (l *Locker) call(method, path string, own url.Values, body string) call {
	p := maps.Clone(own)
	if p == nil {
		p = url.Values{}
	}
	if l.datacenter != "" {
		p.Set("dc", l.datacenter)
	}
	if l.namespace != "" {
		p.Set("ns", l.namespace)
	}
	if l.partition != "" {
		p.Set("partition", l.partition)
	}
	return call{method: method, path: path, params: p, body: body}
}
