package fabio

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
)

func TestFabioRuntime(t *testing.T) {
	garbage, threads := debug.SetGCPercent(100), runtime.GOMAXPROCS(0)
	t.Cleanup(func() {
		debug.SetGCPercent(garbage)
		runtime.GOMAXPROCS(threads)
	})
	var c config.Config
	settings := Settings{Path: "fabio.properties"}
	if err := settings.Take(&c, "runtime.gogc = 150\nruntime.gomaxprocs = 3\n", configtest.NoEnv); err != nil {
		t.Fatal(err)
	}
	c.Runtime.Set()
	if got := [2]int{debug.SetGCPercent(100), runtime.GOMAXPROCS(0)}; got != [2]int{150, 3} {
		t.Errorf("%v", got)
	}
	config.Runtime{Garbage: 100, Threads: -1}.Set() // Fabio's own defaults
	if got := [2]int{debug.SetGCPercent(100), runtime.GOMAXPROCS(0)}; got != [2]int{100, 3} {
		t.Errorf("%v", got)
	}
}
