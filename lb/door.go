package lb

import (
	"maps"
	"slices"
)

// doors lead to one handler through the middlewares of the listener that a request has
// come to.
type doors struct {
	by    map[string]Handler // by the name of the listener
	inner Handler            // for the others
}

// Serve implements [Handler].
func (d *doors) Serve(x *Exchange) {
	if h := d.by[x.Request.Entrypoint]; h != nil {
		h.Serve(x)
		return
	}
	d.inner.Serve(x)
}

// doors puts the middlewares of listeners in front of the route's handler.
func (k *httpLink) doors() bool {
	made := &doors{by: map[string]Handler{}, inner: k.made.handler}
	for _, e := range slices.Sorted(maps.Keys(k.EntrypointMiddlewares)) {
		if len(k.made.Entrypoints) > 0 && !slices.Contains(k.made.Entrypoints, e) {
			continue
		}
		steps, err := k.named(nil, k.EntrypointMiddlewares[e], 0)
		if err == nil {
			made.by[e], err = k.chain(k.made.Name+"@"+e, steps, made.inner)
		}
		if err != nil {
			return k.fail("listener "+e+": "+err.Error(), notWithout)
		}
		if k.made.Doors == nil {
			k.made.Doors = map[string][]Step{}
		}
		k.made.Doors[e] = steps
	}
	if len(made.by) > 0 {
		k.made.handler = made
	}
	return true
}
