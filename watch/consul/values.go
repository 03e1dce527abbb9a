package consul

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// Values keeps values below one prefix of Consul's KV store, for all who use the
// same. They are read as the leader has them, one by one and not often: what is to
// be followed is a query of a [Source]. Its methods may be called from any
// goroutine, and its errors hold no value.
type Values struct {
	locker *Locker
	prefix string
}

// valueConnections are enough for several locks and what is done meanwhile.
const valueConnections = 32

// NewValues returns those below a prefix, in the datacenter of c or the agent's
// own. It opens no connection.
func NewValues(c Config, prefix string) (*Values, error) {
	prefix = strings.Trim(prefix, "/")
	if prefix == "" {
		return nil, errors.New("values in Consul's KV store need a prefix")
	}
	// Every lock that is waited for takes a connection.
	c.MaxConnections = max(c.MaxConnections, valueConnections)
	l, err := NewLocker(c)
	if err != nil {
		return nil, err
	}
	l.datacenter = c.Datacenter
	return &Values{l, prefix + "/"}, nil
}

// Close drops idle connections.
func (v *Values) Close() { v.locker.Close() }

// Load returns a value; without one, the error is [fs.ErrNotExist].
func (v *Values) Load(ctx context.Context, name string) ([]byte, error) {
	got, err := v.call(ctx, http.MethodGet, name, "read", url.Values{"raw": {""}}, "")
	switch {
	case err != nil:
		return nil, err
	case got.status == http.StatusNotFound:
		return nil, fmt.Errorf("key %s: %w", v.prefix+name, fs.ErrNotExist)
	}
	return got.body, nil
}

// Store sets a value.
func (v *Values) Store(ctx context.Context, name string, value []byte) error {
	got, err := v.call(ctx, http.MethodPut, name, "write", nil, string(value))
	if err == nil && strings.TrimSpace(string(got.body)) != "true" {
		err = fmt.Errorf("key %s was not written", v.prefix+name)
	}
	return err
}

// Delete removes a value and all below it, if there are any.
func (v *Values) Delete(ctx context.Context, name string) error {
	_, below := v.call(ctx, http.MethodDelete, name+"/", "write", url.Values{"recurse": {""}}, "")
	_, own := v.call(ctx, http.MethodDelete, name, "write", nil, "")
	return errors.Join(below, own)
}

// List names the values below a name, at whatever depth.
func (v *Values) List(ctx context.Context, name string) ([]string, error) {
	below := strings.Trim(name, "/") + "/"
	if below == "/" {
		below = ""
	}
	got, err := v.call(ctx, http.MethodGet, below, "list", url.Values{"keys": {""}}, "")
	if err != nil || got.status == http.StatusNotFound {
		return nil, err
	}
	names, err := decode[[]string](got.body)
	if err != nil {
		return nil, fmt.Errorf("keys below %s: %w", v.prefix+below, err)
	}
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], v.prefix)
	}
	return names, nil
}

// Lock waits for the lock of that name, which one at a time has. See
// [Locker.Lock].
func (v *Values) Lock(ctx context.Context, name string) (held context.Context, release func(), err error) {
	return v.locker.Lock(ctx, v.prefix+"locks/"+name, 1, func(why string) {
		v.locker.log.Debug("waiting for a lock", "lock", v.prefix+"locks/"+name, "reason", why)
	})
}

func (v *Values) call(ctx context.Context, method, name, right string, p url.Values, body string) (answer, error) {
	key := v.prefix + name
	q := v.locker.call(method, kv(key, watch.Scope{}, nil, nil).path, p, body)
	q.absent = method == http.MethodGet
	q.needs = fmt.Sprintf("key:%s on %q", right, key)
	return v.locker.client.get(ctx, q)
}
