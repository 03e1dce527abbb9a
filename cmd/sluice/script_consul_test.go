package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sluiceproxy/sluice/internal/parts"
)

// consul [CONFIG…]            starts an agent, with more configuration in JSON, and
//
//	sets CONSUL_HTTP_ADDR
//
// consul kill, consul start   ends it as a crash would; starts it again, empty
// consul register FILE        registers the service described in FILE
// consul deregister ID
// consul PUT PATH JSON        sends a request
// consul DELETE PATH          the same
// consul check ID STATUS      sets the TTL check ID to passing, warning or critical.
//
// consul node NAME            starts a further agent, of the first one's datacenter
// consul in DC [VERB …]       does it to the agent of another datacenter; without a verb
//
//	starts that, known to the first agent.
func consulCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	if len(args) > 2 && args[0] == "in" {
		consulVerb(ts, s.remote[args[1]], args[2:])
		return
	}
	if len(args) == 2 && args[0] == "in" {
		s.remote[args[1]] = startRemote(ts, s.agent, args[1])
		return
	}
	if len(args) == 2 && args[0] == "node" {
		s.remote[args[1]] = s.agent.Join(scriptTB{ts: ts}, args[1])
		return
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "{") {
		s.agent = parts.StartConsul(scriptTB{ts: ts}, args...)
		ts.Setenv("CONSUL_HTTP_ADDR", s.agent.Addr)
		return
	}
	consulVerb(ts, s.agent, args)
}

// startRemote starts an agent of another datacenter and waits until the first one
// can ask it.
func startRemote(ts *testscript.TestScript, first *parts.Consul, datacenter string) *parts.Consul {
	remote := parts.StartConsul(scriptTB{ts: ts}, fmt.Sprintf(`{"datacenter": %q, "retry_join_wan": [%q]}`, datacenter, first.IP))
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		answer, err := http.Get("http://" + first.Addr + "/v1/catalog/nodes?dc=" + datacenter)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return remote
			}
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s is not known to the first agent", datacenter)
		}
	}
}

func consulVerb(ts *testscript.TestScript, agent *parts.Consul, args []string) {
	switch verb, args := args[0], args[1:]; {
	case agent == nil:
		ts.Fatalf("consul: no agent was started")
	case verb == "kill" && len(args) == 0:
		agent.Kill()
	case verb == "start" && len(args) == 0:
		agent.Start()
	case verb == "register" && len(args) == 1:
		agent.Register(os.Expand(ts.ReadFile(args[0]), ts.Getenv))
	case verb == "deregister" && len(args) == 1:
		agent.Deregister(args[0])
	case verb == "PUT" && len(args) == 2:
		agent.Do(verb, args[0], args[1])
	case verb == "DELETE" && len(args) == 1:
		agent.Do(verb, args[0], "")
	case verb == "check" && len(args) == 2:
		agent.Do("PUT", "/v1/agent/check/update/"+args[0], `{"Status": "`+args[1]+`"}`)
	default:
		ts.Fatalf("consul: unknown or incomplete: %s", verb)
	}
}

// kv KEY VALUE stores a value with the agent; kv KEY deletes it.
func kv(ts *testscript.TestScript, _ bool, args []string) {
	switch len(args) {
	case 1:
		of(ts).agent.Do("DELETE", "/v1/kv/"+args[0], "")
	case 2:
		of(ts).agent.PutKey(args[0], args[1])
	default:
		ts.Fatalf("usage: kv KEY [VALUE]")
	}
}
