package main

import (
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/sluiceproxy/sluice/internal/parts"
)

// authority                starts an authority that speaks ACME, and looks for all names
//
//	at $IP; sets CA, its directory, CA_ROOT, a file, CA_DNS,
//	the server it asks, and CA_NAMES, where that takes records
//
// authority kill, start    ends it as a crash would; starts it again, empty
// authority root FILE      writes the root of what it issues
// authority orders N       checks how many orders it was ever given.
func authorityCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch {
	case len(args) == 0 && s.authority == nil:
		s.authority = parts.StartPebble(scriptTB{ts: ts}, ts.Getenv("IP"), 0)
		ts.Setenv("CA", s.authority.Directory)
		ts.Setenv("CA_ROOT", s.authority.RootFile)
		ts.Setenv("CA_DNS", s.authority.DNS)
		ts.Setenv("CA_NAMES", s.authority.Names)
	case len(args) == 1 && args[0] == "kill":
		s.authority.Kill()
	case len(args) == 1 && args[0] == "start":
		s.authority.Start()
	case len(args) == 2 && args[0] == "root":
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), s.authority.Root(), 0o600))
	case len(args) == 2 && args[0] == "orders":
		if n := strconv.Itoa(s.authority.Orders()); n != args[1] {
			ts.Fatalf("there were %s orders, not %s", n, args[1])
		}
	default:
		ts.Fatalf("usage: authority [kill|start|root FILE|orders N]")
	}
}
