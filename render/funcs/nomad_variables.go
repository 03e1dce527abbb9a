package funcs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

const nomadVariableGrammar = "path@namespace.region"

// nomadVar is the items of a variable, which must exist.
func (b *Binding) nomadVar(text string) (*NomadVarItems, error) {
	q, err := parseNomadVariable("nomadVar", text)
	if err != nil || text == "" {
		return nil, err
	}
	answer, known := recall(b, q)
	if answer == nil {
		if known {
			b.record(q, true)
		}
		return nil, nil
	}
	for _, value := range answer.Items {
		b.conceal(value)
	}
	return &newNomadVariable(answer).Items, nil
}

// nomadVarExists reports whether a variable exists, and does not wait for it.
func (b *Binding) nomadVarExists(text string) (bool, error) {
	q, err := parseNomadVariable("nomadVarExists", text)
	if err != nil || text == "" {
		return false, err
	}
	answer, _ := recall(b, q)
	return answer != nil, nil
}

// nomadVarList lists the variables below a prefix, or all.
func (b *Binding) nomadVarList(args ...string) ([]*NomadVarMeta, error) {
	return b.nomadVars("nomadVarList", args, false)
}

// nomadVarListSafe is nomadVarList that takes an empty answer for none.
func (b *Binding) nomadVarListSafe(args ...string) ([]*NomadVarMeta, error) {
	return b.nomadVars("nomadVarListSafe", args, true)
}

func (b *Binding) nomadVars(function string, args []string, safe bool) ([]*NomadVarMeta, error) {
	if len(args) > 1 {
		return nil, fmt.Errorf("%s: %d arguments given, want a prefix or nothing", function, len(args))
	}
	text := strings.Join(args, "")
	path, namespace, region, err := cutNomadPath(text, true)
	if err != nil {
		return nil, malformed(function, text, nomadVariableGrammar, err)
	}
	if strings.Trim(path, "/") == "" {
		path = ""
	}
	q := watch.NomadVariables{Region: region, Namespace: namespace, Prefix: path}
	answer, _ := recall(b, q)
	b.record(q, safe && len(answer) == 0)
	list := make([]*NomadVarMeta, 0, len(answer))
	for _, v := range answer {
		list = append(list, newNomadVariable(&watch.NomadVariableItems{NomadVariableInfo: v}).Metadata())
	}
	return list, nil
}

func parseNomadVariable(function, text string) (watch.NomadVariable, error) {
	path, namespace, region, err := cutNomadPath(text, false)
	if err == nil && path == "" && text != "" {
		err = errors.New("the path is empty")
	}
	if err != nil {
		return watch.NomadVariable{}, malformed(function, text, nomadVariableGrammar, err)
	}
	return watch.NomadVariable{Region: region, Namespace: namespace, Path: path}, nil
}

// cutNomadPath takes path@namespace.region apart; a leading slash means nothing.
// The namespace may be "*" where that is allowed.
func cutNomadPath(text string, all bool) (path, namespace, region string, err error) {
	path, place, placed := strings.Cut(text, "@")
	path = strings.TrimPrefix(path, "/")
	if !placed {
		return path, "", "", nil
	}
	namespace, region, hasRegion := strings.Cut(place, ".")
	switch {
	case !consistsOf(namespace, "-") && (!all || namespace != "*"):
		return "", "", "", fmt.Errorf("%q is not a namespace", namespace)
	case hasRegion && !consistsOf(region, "-"):
		return "", "", "", fmt.Errorf("%q is not a region", region)
	}
	return path, namespace, region, nil
}
