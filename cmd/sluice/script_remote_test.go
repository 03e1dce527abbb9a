package main

import (
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sluiceproxy/sluice/internal/parts"
)

// vault                         starts a server and sets VAULT_ADDR and VAULT_TOKEN
// vault METHOD PATH [JSON]      sends a request with the root token
// vault token NAME POLICY       makes a token and sets NAME
// vault wrap NAME POLICY        the same, wrapped for an hour
// vault kill, vault start       ends it as a crash would; starts it again, empty.
func vaultCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	if len(args) == 0 {
		s.vault = parts.StartVault(scriptTB{ts: ts})
		ts.Setenv("VAULT_ADDR", s.vault.URL)
		ts.Setenv("VAULT_TOKEN", s.vault.Token)
		return
	}
	switch verb, args := args[0], args[1:]; {
	case s.vault == nil:
		ts.Fatalf("vault: no server was started")
	case verb == "token" && len(args) == 2:
		ts.Setenv(args[0], s.vault.Login(args[1], ""))
	case verb == "wrap" && len(args) == 2:
		ts.Setenv(args[0], s.vault.Login(args[1], "1h"))
	case verb == "kill" && len(args) == 0:
		s.vault.Kill()
	case verb == "start" && len(args) == 0:
		s.vault.Start()
	case verb == strings.ToUpper(verb) && (len(args) == 1 || len(args) == 2):
		s.vault.Do(verb, args[0], strings.Join(args[1:], ""))
	default:
		ts.Fatalf("vault: unknown or incomplete: %s", verb)
	}
}

// nomad [CONFIG…]               starts an agent, with more configuration in JSON, and
//
//	sets NOMAD_ADDR
//
// nomad METHOD PATH [JSON]      sends a request
// nomad var PATH JSON           stores a variable with these items
// nomad run JOB COUNT SERVICES  runs a job, so many instances of each service, a JSON
//
//	list of objects with Name and Tags
//
// nomad kill, nomad start       ends it as a crash would; starts it again, empty.
func nomadCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	if len(args) == 0 || strings.HasPrefix(args[0], "{") {
		s.nomad = parts.StartNomad(scriptTB{ts: ts}, args...)
		ts.Setenv("NOMAD_ADDR", s.nomad.URL)
		return
	}
	switch verb, args := args[0], args[1:]; {
	case s.nomad == nil:
		ts.Fatalf("nomad: no agent was started")
	case verb == "var" && len(args) == 2:
		s.nomad.PutVariable(args[0], args[1])
	case verb == "run" && len(args) == 3:
		count, err := strconv.Atoi(args[1])
		ts.Check(err)
		s.nomad.Run(args[0], count, args[2])
	case verb == "kill" && len(args) == 0:
		s.nomad.Kill()
	case verb == "start" && len(args) == 0:
		s.nomad.Start()
	case verb == strings.ToUpper(verb) && (len(args) == 1 || len(args) == 2):
		s.nomad.Do(verb, args[0], strings.Join(args[1:], ""))
	default:
		ts.Fatalf("nomad: unknown or incomplete: %s", verb)
	}
}
