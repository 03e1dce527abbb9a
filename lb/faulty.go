package lb

import "strings"

// Faulty is what a [Middleware] may also be: one that depends on something which
// may break and be mended while it is in use, such as a file. It says whether that
// is so, and what is wrong at the moment. It does no harm meanwhile: who protects
// lets nobody in.
type Faulty interface {
	Fault() (varies bool, err error)
}

// faulty is such a middleware of a route, and what it said when the route was
// linked.
type faulty struct {
	step       string // of the route
	middleware Faulty
	said       string
}

// watchFault takes note of what is wrong with a middleware of the route.
func (k *httpLink) watchFault(step Step, m Middleware) {
	f, ok := m.(Faulty)
	if !ok {
		return
	}
	varies, err := f.Fault()
	if !varies {
		return
	}
	k.faulty = append(k.faulty, faulty{strings.TrimSpace(step.Spec.Kind() + " " + step.Name), f, textOf(err)})
}

// tellFaults makes problems of them. The route is served.
func (k *httpLink) tellFaults() {
	for _, f := range k.faulty {
		if f.said != "" {
			k.problems = append(k.problems, k.wanted.Problem(f.step+": "+f.said, "as soon as that is mended it counts; nothing has to be restarted"))
		}
	}
}

// recheck has those routes linked again of which something else is wrong than when
// they were. It reports whether there are any.
func (l *linker) recheck() (changed bool) {
	for w, all := range l.faulty {
		for _, f := range all {
			if _, err := f.middleware.Fault(); textOf(err) != f.said {
				l.mark(w)
				changed = true
			}
		}
	}
	return changed
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
