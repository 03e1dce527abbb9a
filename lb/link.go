package lb

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// link is the making of one route from its parts, as far as that is the same for
// requests and for connections; see [httpLink] and [tcpLink].
type link struct {
	*linker
	asked    *tags.Declaration // the definition that counts
	services int               // that it has come to, composed ones and their parts
	uses     []used
	problems []tags.Problem
}

// poolOf finds a pool of the route's dialect. That of a composed service is empty.
func (k *link) poolOf(service string) (*tags.Pool, *target.Pool, error) {
	b := k.backend(nameOf(k.asked.Dialect.Owner(service)))
	k.use(b)
	p := b.merge()
	switch {
	case p == nil && tags.IsInternal(service):
		return nil, nil, fmt.Errorf("service %s: %w", service, errInternal)
	case p == nil:
		return nil, nil, errors.New("there is no service " + plainPool(service))
	case p.Broken != "":
		return nil, nil, errors.New("service " + plainPool(service) + ": " + p.Broken)
	}
	if b.runtime == nil {
		b.runtime = k.runtime(p.Name, p.Dialect, p.Endpoints, k.balance(p))
	}
	return p, b.runtime, nil
}

// balance is how requests are spread over a pool.
func (k *link) balance(p *tags.Pool) *spec.LoadBalancer {
	return p.Policy.Around(p.Balance, p.Dialect).Over(k.Defaults.Balance)
}

// poolName is that of the runtime pool of one of the route's services. A route of
// Fabio has one, of the same name whatever its options: as those come and go, its
// pool goes on where it was.
func (k *link) poolName(service string, dialect tags.Dialect) string {
	if k.asked.Dialect == tags.Fabio {
		service = k.asked.Name
	}
	return service + "@" + string(dialect)
}

// maxParts bounds how many endings a route may come to by services that are parts
// of several others.
const maxParts = 256

// enter counts one more service that a route comes to. path are those that it is a
// part of; inner is the path to its own parts.
func (k *link) enter(service string, path []string) (inner []string, err error) {
	key := strings.ToLower(service)
	if slices.Contains(path, key) {
		return nil, fmt.Errorf("service %s is composed of itself", service)
	}
	if k.services++; k.services > maxParts {
		return nil, fmt.Errorf("service %s has more than %d parts, counting those of its parts", service, maxParts)
	}
	return append(slices.Clone(path), key), nil
}

// missing tells of a part that is not there, which takes no other with it.
func (k *link) missing(whole string, err error) {
	k.problems = append(k.problems, k.asked.Problem(fmt.Sprintf("service %s: %v", whole, err), "the other parts of the service go on"))
}

// letGo forgets the runtime pools a route has looked at that is not served after
// all, if no other route has them, nor those that are in use all the same: the
// registry forgets them too.
func (k *link) letGo(inUse []used) {
	for _, u := range k.uses {
		if b, ok := u.(*backend); ok && b.users.isEmpty() && !slices.Contains(inUse, u) {
			b.runtime = nil
		}
	}
}

// use remembers what the route depends on.
func (k *link) use(object used) {
	if !slices.Contains(k.uses, object) {
		k.uses = append(k.uses, object)
	}
}

// fail reports why the route is not served.
func (k *link) fail(reason, hint string) bool {
	k.problems = append(k.problems, k.asked.Problem(reason, hint))
	return false
}
