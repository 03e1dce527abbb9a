package lb

import (
	"fmt"
	"testing"
)

// BenchmarkBuild is one change among many services.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{300, 5000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			c := newCatalog()
			for i := range n {
				name := fmt.Sprint("s", i)
				switch i % 3 {
				case 0:
					c.set(name, at(name, "urlprefix-"+name+".test/"), at(name+"b", "urlprefix-"+name+".test/"))
				case 1:
					c.set(name, at(name, "traefik.frontend.rule=PathPrefixStrip:/"+name+"/"))
				default:
					c.set(name, at(name, "traefik.http.routers."+name+".rule=Host(`"+name+".test`)"))
				}
			}
			builder := c.builder()
			builder.Build(c.snapshot())
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				c.set("s0", at("s0", fmt.Sprintf("urlprefix-s0.test/%d", i)))
				s := c.snapshot()
				b.StartTimer()
				builder.Build(s)
			}
		})
	}
}
