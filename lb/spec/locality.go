package spec

import (
	"cmp"
	"fmt"
	"strings"
)

// Locality prefers servers that are near the load balancer.
type Locality struct {
	// Prefer is what servers have to share with it to be near, the nearest first:
	// node, zone, or both.
	Prefer []string `key:"prefer"`
	// Healthy is how many of those that are near have to be well, in percent, for them
	// to get all requests.
	Healthy int `key:"healthy"` // 0: 70
}

// defaultHealthy leaves each of the near servers at most half as much again as it has
// when all are well.
const defaultHealthy = 70

// Enough is Healthy or its default.
func (l *Locality) Enough() int { return cmp.Or(l.Healthy, defaultHealthy) }

func (l *Locality) validate() error {
	switch strings.Join(l.Prefer, ",") {
	case "node", "zone", "node,zone":
	default:
		return fmt.Errorf("locality.prefer is node, zone, or node,zone, not %q", l.Prefer)
	}
	if l.Healthy < 0 || l.Healthy > 100 {
		return fmt.Errorf("locality.healthy is from 1 to 100 percent, not %d", l.Healthy)
	}
	return nil
}
