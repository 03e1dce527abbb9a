package render

import (
	"fmt"

	"github.com/sluiceproxy/sluice/watch"
)

// guard is why a complete text must not replace the file, or nil. What an
// outage elsewhere or a slip of somebody leaves of a service is data like any
// other; but whoever set a guard wants to keep the old file then.
func (t Template) guard(e Execution, s *watch.Snapshot) error {
	const held = "the new text is held back and the file stays as it is: "
	if n := len(e.Text); n < t.MinBytes {
		return fmt.Errorf(held+"it has %d bytes, and min_bytes is %d", n, t.MinBytes)
	}
	if t.MinInstances > 0 {
		if n := instances(e.Used, s); n < t.MinInstances {
			return fmt.Errorf(held+"its services have %d instances, and min_instances is %d", n, t.MinInstances)
		}
	}
	if t.MaxShrink == 0 || t.Destination == "" || t.Destination == stream {
		return nil
	}
	old, err := t.file().Content()
	if err != nil {
		return err
	}
	if lost := len(old) - len(e.Text); lost*100 > len(old)*t.MaxShrink {
		return fmt.Errorf(held+"it has %d bytes less than %d, and max_shrink is %d%% (to accept it, remove %s and reload)",
			lost, len(old), t.MaxShrink, t.Destination)
	}
	return nil
}

// instances counts what the service queries among those used have found.
func instances(used []watch.Query, s *watch.Snapshot) int {
	n := 0
	for _, q := range used {
		switch q := q.(type) {
		case watch.Health:
			found, _ := watch.Get(s, q)
			n += len(found)
		case watch.PreparedQuery:
			found, _ := watch.Get(s, q)
			n += len(found)
		}
	}
	return n
}
