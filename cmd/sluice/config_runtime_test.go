package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestFabioRuntime(t *testing.T) {
	garbage, threads := debug.SetGCPercent(100), runtime.GOMAXPROCS(0)
	t.Cleanup(func() {
		debug.SetGCPercent(garbage)
		runtime.GOMAXPROCS(threads)
	})
	var c Config
	settings := fabioSettings{path: "fabio.properties"}
	if err := settings.take(&c, "runtime.gogc = 150\nruntime.gomaxprocs = 3\n", noEnv); err != nil {
		t.Fatal(err)
	}
	c.runtime.set()
	if got := [2]int{debug.SetGCPercent(100), runtime.GOMAXPROCS(0)}; got != [2]int{150, 3} {
		t.Errorf("%v", got)
	}
	goRuntime{garbage: 100, threads: -1}.set() // Fabio's own defaults
	if got := [2]int{debug.SetGCPercent(100), runtime.GOMAXPROCS(0)}; got != [2]int{100, 3} {
		t.Errorf("%v", got)
	}
}
