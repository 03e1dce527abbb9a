package main

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
func parseHCL(file string, src []byte) (object, error) {
	tree, err := parser.ParseDontErrorOnDuplicateKeys(src)
	if err != nil {
		if at, ok := errors.AsType[*parser.PosError](err); ok {
			return nil, &fault{position{file, at.Pos.Line, at.Pos.Column}, "syntax error: " + at.Err.Error()}
		}
		return nil, &fault{position{file: file}, "syntax error: " + err.Error()}
	}
	list, ok := tree.Node.(*ast.ObjectList)
	if !ok {
		return nil, &fault{position{file: file}, "syntax error: not a list of settings"}
	}
	return hclReader{file}.object(list, 0)
}

type hclReader struct{ file string }

func (r hclReader) fault(at token.Pos, format string, args ...any) error {
	return &fault{r.position(at), fmt.Sprintf(format, args...)}
}

func (r hclReader) position(at token.Pos) position { return position{r.file, at.Line, at.Column} }

func (r hclReader) object(list *ast.ObjectList, depth int) (object, error) {
	if depth > maxConfigDepth {
		return nil, r.fault(list.Pos(), "stanzas are nested more than %d deep", maxConfigDepth)
	}
	var o object
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
func (r hclReader) member(keys []*ast.ObjectKey, value node) (member, error) {
	if len(keys) == 0 {
		return member{}, &fault{value.pos, "syntax error: a value without a key"}
	}
	var m member
	for i, key := range slices.Backward(keys) {
		name, err := r.name(key.Token)
		if err != nil {
			return member{}, err
		}
		if i < len(keys)-1 {
			value = node{m.pos, object{m}}
		}
		m = member{name, r.position(key.Token.Pos), value}
	}
	return m, nil
}

func (r hclReader) name(t token.Token) (string, error) {
	if t.Type != token.STRING {
		return t.Text, nil
	}
	return r.unquote(t)
}

func (r hclReader) value(n ast.Node, depth int) (node, error) {
	switch n := n.(type) {
	case *ast.ObjectType:
		o, err := r.object(n.List, depth+1)
		return node{r.position(n.Pos()), o}, err
	case *ast.ListType:
		if depth > maxConfigDepth {
			return node{}, r.fault(n.Pos(), "lists are nested more than %d deep", maxConfigDepth)
		}
		list := make([]node, len(n.List))
		for i, element := range n.List {
			var err error
			if list[i], err = r.value(element, depth+1); err != nil {
				return node{}, err
			}
		}
		return node{r.position(n.Pos()), list}, nil
	case *ast.LiteralType:
		v, err := r.literal(n.Token)
		return node{r.position(n.Pos()), v}, err
	}
	return node{}, fmt.Errorf("%s: syntax error: unexpected %T", r.file, n)
}

// literal is Token.Value with faults in place of its panics.
func (r hclReader) literal(t token.Token) (any, error) {
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

func (r hclReader) unquote(t token.Token) (string, error) {
	s, err := hclstrconv.Unquote(t.Text)
	if err != nil {
		// The text is not shown: it may be a password.
		return "", r.fault(t.Pos, "this is not a valid string: look for a wrong escape or an open ${")
	}
	return s, nil
}
