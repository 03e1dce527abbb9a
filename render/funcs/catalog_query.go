package funcs

import (
	"fmt"

	"github.com/sluiceproxy/sluice/watch"
)

const (
	servicesGrammar = "?query@dc"
	nodesGrammar    = "?query@dc~near"
	nodeGrammar     = "name?query@dc"
)

// parseServicesQuery reads ?query@dc, the argument of "services".
func parseServicesQuery(text string) (watch.Services, error) {
	a, scope, err := parseScoped(text, "?@")
	if err == nil && a.name != "" {
		err = fmt.Errorf("%q is not understood", a.name)
	}
	if err != nil {
		return watch.Services{}, err
	}
	return watch.Services{Scope: scope}, nil
}

// parseNodesQuery reads ?query@dc~near, the argument of "nodes".
func parseNodesQuery(text string) (watch.Nodes, error) {
	a, scope, err := parseScoped(text, "?@~")
	if err == nil && a.name != "" {
		err = fmt.Errorf("%q is not understood", a.name)
	}
	if err != nil {
		return watch.Nodes{}, err
	}
	return watch.Nodes{Scope: scope, Near: a.near}, nil
}

// parseNodeQuery reads name?query@dc, the argument of "node"; nothing at all
// means the agent's own node.
func parseNodeQuery(text string) (watch.Node, error) {
	a, scope, err := parseScoped(text, "?@")
	if err == nil && text != "" && !consistsOf(a.name, ".-") {
		err = fmt.Errorf("the name %q may hold only letters, digits and _ . -", a.name)
	}
	if err != nil {
		return watch.Node{}, err
	}
	return watch.Node{Scope: scope, Name: a.name}, nil
}

func parseScoped(text, marks string) (argument, watch.Scope, error) {
	a, err := parseArgument(text, marks)
	if err != nil {
		return argument{}, watch.Scope{}, err
	}
	scope, err := a.scope()
	return a, scope, err
}
