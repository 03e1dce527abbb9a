package hcl

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/hcl/ast"
	"github.com/hashicorp/hcl/hcl/parser"
	hclstrconv "github.com/hashicorp/hcl/hcl/strconv"
	"github.com/hashicorp/hcl/hcl/token"
)

// parseHCL turns HCL 1 into nodes. Keys given twice stay twice: what that
// means depends on the key.
func parseHCL(file string, src []byte) (Object, error) {
	tree, err := parser.ParseDontErrorOnDuplicateKeys(src)
	if err != nil {
		if at, ok := errors.AsType[*parser.PosError](err); ok {
			return nil, &Fault{Position{file, at.Pos.Line, at.Pos.Column}, "syntax error: " + at.Err.Error()}
		}
		return nil, &Fault{Position{File: file}, "syntax error: " + err.Error()}
	}
	list, ok := tree.Node.(*ast.ObjectList)
	if !ok {
		return nil, &Fault{Position{File: file}, "syntax error: not a list of settings"}
	}
	return reader{file}.object(list, 0)
}

type reader struct{ file string }

func (r reader) fault(at token.Pos, format string, args ...any) error {
	return &Fault{r.position(at), fmt.Sprintf(format, args...)}
}

func (r reader) position(at token.Pos) Position { return Position{r.file, at.Line, at.Column} }

func (r reader) object(list *ast.ObjectList, depth int) (Object, error) {
	if depth > maxDepth {
		return nil, r.fault(list.Pos(), "stanzas are nested more than %d deep", maxDepth)
	}
	var o Object
	for _, item := range list.Items {
		value, err := r.value(item.Val, depth)
		if err != nil {
			return nil, err
		}
		m, err := r.member(item.Keys, value)
		if err != nil {
			return nil, err
		}
		o = append(o, m)
	}
	return o, nil
}

// member makes `a "b" { … }` the member a of which b is the only member.
func (r reader) member(keys []*ast.ObjectKey, value Node) (Member, error) {
	if len(keys) == 0 {
		return Member{}, &Fault{value.Pos, "syntax error: a value without a key"}
	}
	var m Member
	for i, key := range slices.Backward(keys) {
		name, err := r.name(key.Token)
		if err != nil {
			return Member{}, err
		}
		if i < len(keys)-1 {
			value = Node{m.Pos, Object{m}}
		}
		m = Member{name, r.position(key.Token.Pos), value}
	}
	return m, nil
}

func (r reader) name(t token.Token) (string, error) {
	if t.Type != token.STRING {
		return t.Text, nil
	}
	return r.unquote(t)
}

func (r reader) value(n ast.Node, depth int) (Node, error) {
	switch n := n.(type) {
	case *ast.ObjectType:
		o, err := r.object(n.List, depth+1)
		return Node{r.position(n.Pos()), o}, err
	case *ast.ListType:
		if depth > maxDepth {
			return Node{}, r.fault(n.Pos(), "lists are nested more than %d deep", maxDepth)
		}
		list := make([]Node, len(n.List))
		for i, element := range n.List {
			var err error
			if list[i], err = r.value(element, depth+1); err != nil {
				return Node{}, err
			}
		}
		return Node{r.position(n.Pos()), list}, nil
	case *ast.LiteralType:
		v, err := r.literal(n.Token)
		return Node{r.position(n.Pos()), v}, err
	}
	return Node{}, fmt.Errorf("%s: syntax error: unexpected %T", r.file, n)
}

// literal is Token.Value with faults in place of its panics.
func (r reader) literal(t token.Token) (any, error) {
	switch t.Type {
	case token.STRING:
		return r.unquote(t)
	case token.HEREDOC:
		return t.Value(), nil
	case token.BOOL:
		return t.Text == "true", nil
	case token.NUMBER:
		i, err := strconv.ParseInt(t.Text, 0, 64)
		if err != nil {
			return nil, r.fault(t.Pos, "%s is not a number that can be used", t.Text)
		}
		return i, nil
	case token.FLOAT:
		f, err := strconv.ParseFloat(t.Text, 64)
		if err != nil {
			return nil, r.fault(t.Pos, "%s is not a number that can be used", t.Text)
		}
		return f, nil
	}
	return nil, r.fault(t.Pos, "syntax error: unexpected %q", t.Text)
}

func (r reader) unquote(t token.Token) (string, error) {
	s, err := hclstrconv.Unquote(t.Text)
	if err != nil {
		// The text is not shown: it may be a password.
		return "", r.fault(t.Pos, "this is not a valid string: look for a wrong escape or an open ${")
	}
	return s, nil
}
