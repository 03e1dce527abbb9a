package lb

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/internal/capture"
)

// What changes all the time, by whose fault ever, does not fill the log: there is so
// much of it at once, and little after that, which says that there is more.
func TestLogIsNotFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rounds, bad = 600, 50
		log := &capture.Buffer{}
		s := &Server{log: slog.New(slog.NewTextHandler(log, nil)), changes: newQuota(), problems: newQuota()}
		c := newCatalog()
		b := c.builder()
		before := b.Build(c.snapshot())
		for round := range rounds {
			tags := []string{fmt.Sprintf("urlprefix-/%d", round)}
			for i := range bad {
				tags = append(tags, fmt.Sprintf("urlprefix-/%d/%d weight=x", round, i))
			}
			c.set("web", at("10.0.0.1", tags...))
			table := b.Build(c.snapshot())
			s.logProblems(before, table)
			s.logRoutes(routeNamesOf(before.Routes(), nil), routeNamesOf(table.Routes(), nil), 1)
			before = table
			time.Sleep(100 * time.Millisecond)
		}
		const most = linesAtOnce + rounds/10
		for line, want := range map[string]int{`msg="problem in the catalog"`: most, `msg="routes changed"`: most, "not all are logged": rounds / 10} {
			if n := log.Count(line); n < want-2 || n > want+2 {
				t.Errorf("%s: %d times, want about %d", line, n, want)
			}
		}
		if told := fmt.Sprint("more_like_this=", 10*bad-1); log.Count(told) < rounds/10-10 {
			t.Errorf("%s is there %d times", told, log.Count(told))
		}
	})
}
