package file

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/hcl/ast"
	"github.com/hashicorp/hcl/hcl/parser"
	"github.com/hashicorp/hcl/hcl/token"
)

func parseHCL(name, text string) (value, *Fault) {
	// Repeated blocks are a list in HCL; repeated settings are found later.
	tree, err := parser.ParseDontErrorOnDuplicateKeys([]byte(text))
	if err != nil {
		fault := &Fault{Path: name, Err: fmt.Errorf("parsing HCL: %w", err)}
		if at, ok := errors.AsType[*parser.PosError](err); ok {
			fault.Line, fault.Err = at.Pos.Line, fmt.Errorf("parsing HCL: %w", at.Err)
		}
		return value{}, fault
	}
	r := hclReader{name: name}
	v := r.value(tree.Node)
	v.line = 1
	return v, r.fault
}

// hclReader turns a syntax tree into a value.
type hclReader struct {
	name  string
	fault *Fault // the first
}

func (r *hclReader) value(node ast.Node) value {
	switch n := node.(type) {
	case *ast.ObjectList:
		return value{0, r.object(n)}
	case *ast.ObjectType:
		return value{n.Lbrace.Line, r.object(n.List)}
	case *ast.ListType:
		list := make([]value, 0, len(n.List))
		for _, item := range n.List {
			list = append(list, r.value(item))
		}
		return value{n.Lbrack.Line, list}
	case *ast.LiteralType:
		return r.literal(n.Token)
	}
	return value{}
}

func (r *hclReader) object(list *ast.ObjectList) object {
	members := object{}
	for _, item := range list.Items {
		members = append(members, r.member(item.Keys, item.Val))
	}
	return members
}

// member reads `a "b" { … }` as {a: {b: {…}}}, as HCL does.
func (r *hclReader) member(keys []*ast.ObjectKey, node ast.Node) member {
	line := keys[0].Token.Pos.Line
	key, _ := r.literal(keys[0].Token).data.(string)
	if len(keys) == 1 {
		return member{key, line, r.value(node)}
	}
	return member{key, line, value{line, object{r.member(keys[1:], node)}}}
}

func (r *hclReader) literal(t token.Token) (v value) {
	v.line = t.Pos.Line
	if t.Type == token.NUMBER || t.Type == token.FLOAT {
		v.data = number(t.Text)
		return v
	}
	// The library panics on a quoted string it scanned but cannot unquote.
	defer func() {
		if recover() != nil {
			v.data = ""
			if r.fault == nil {
				r.fault = &Fault{Path: r.name, Line: v.line, Err: errors.New("parsing HCL: malformed string")}
			}
		}
	}()
	v.data = t.Value()
	return v
}
