package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// change is a kind of change, made to one service.
type change string

const (
	// changeCheck makes the check of an instance fail, and pass with the next.
	changeCheck change = "check"
	// changeRegister adds an instance, and removes it with the next.
	changeRegister change = "register"
	// changePort moves an instance to another port, and changes nothing else.
	changePort change = "port"
)

var allChanges = []change{changeCheck, changeRegister, changePort}

func parseChanges(text string) (kinds []change, err error) {
	for field := range strings.SplitSeq(text, ",") {
		if !slices.Contains(allChanges, change(field)) {
			return nil, fmt.Errorf("unknown kind of change %q", field)
		}
		kinds = append(kinds, change(field))
	}
	return kinds, nil
}

// make makes the n-th change of its kind to a service. The file then holds text,
// or no longer does.
func (c change) make(a *agent, service, n, port int) (text string, holds bool, err error) {
	undo := n%2 == 1
	switch c {
	case changeCheck:
		status := "critical"
		if undo {
			status = "passing"
		}
		return "server " + instanceID(service, 0) + " ", undo, a.register(service, 0, 8000, status)
	case changeRegister:
		text = "server " + instanceID(service, instances) + " "
		if undo {
			return text, false, a.do(http.MethodPut, "/v1/catalog/deregister", map[string]any{
				"Node": a.nodeOf(service, instances), "ServiceID": instanceID(service, instances),
			}, nil)
		}
		return text, true, a.register(service, instances, 8000, "passing")
	default:
		return fmt.Sprintf(":%d\n", port+n), true, a.register(service, 1, port+n, "passing")
	}
}

// of returns which service the n-th of so many changes is made to: those that
// undo one follow it.
func (c change) of(n, changes, services int) int {
	if c != changePort {
		n -= n % 2
	}
	return n * services / changes
}
