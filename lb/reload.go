package lb

import "errors"

// errHolding is why tables cannot be built by other options now.
var errHolding = errors.New("the guard holds lost instances, which would be given up: try again when it has let go, or have it let go (POST /api/guard/release)")

// Reload has tables built by other options from now on, as a server with them
// would build its first. What is in force stays until then. Listeners and their
// connections, targets and what is known of them are left alone, as is what
// middlewares count that do not change. What concerns the listeners (Entrypoints
// and what goes with them, TLSOptions) and Middlewares are as in New, whatever o
// says.
//
// It is refused while the guard holds anything.
func (s *Server) Reload(o Options) error {
	if s.GuardState().Holding {
		return errHolding
	}
	all := s.options
	tlsOptions, middlewares := all.Table.TLSOptions, all.Table.Middlewares
	all.Table = o
	all.Table.TLSOptions, all.Table.Middlewares = tlsOptions, middlewares
	select {
	case <-s.rebuild: // newer ones take their place
	default:
	}
	s.rebuild <- all.TableOptions()
	return nil
}

// rebuildBy begins with a builder that has seen nothing yet; pools are the same
// by their names.
func (s *Server) rebuildBy(o Options) {
	s.builder = NewBuilder(o, s.targets)
	s.tableOptions.Store(&o)
	s.build = s.builder.Build
}
