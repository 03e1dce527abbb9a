package middleware

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
)

// An expression, of circuit breakers and of retries, is a condition in Go's
// syntax over functions: `NetworkErrorRatio() > 0.5 && Attempts() <= 2`. It is
// checked whole when it is compiled and cannot fail afterwards.

// function is one that expressions may call with so many numbers as arguments.
type function[E any] struct {
	arguments int
	// One of these is set, by what it returns.
	number  func(env E, arguments []float64) float64
	text    func(env E) string
	boolean func(env E) bool
}

// maxExpression bounds an expression's length in bytes.
const maxExpression = 1024

// compile makes a condition of a text.
func compile[E any](text string, functions map[string]function[E]) (func(E) bool, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("the expression has more than %d bytes", maxExpression)
	}
	tree, err := parser.ParseExpr(text)
	if err != nil {
		return nil, fmt.Errorf("the expression %q: %w", text, err)
	}
	condition, err := compiler[E](functions).condition(tree)
	if err != nil {
		return nil, fmt.Errorf("the expression %q: %w", text, err)
	}
	return condition, nil
}

type compiler[E any] map[string]function[E]

func (c compiler[E]) condition(n ast.Expr) (func(E) bool, error) {
	switch n := n.(type) {
	case *ast.ParenExpr:
		return c.condition(n.X)
	case *ast.UnaryExpr:
		inner, err := c.condition(n.X)
		if n.Op != token.NOT || err != nil {
			return nil, errors.Join(errors.New("only ! can stand before a condition"), err)
		}
		return func(env E) bool { return !inner(env) }, nil
	case *ast.BinaryExpr:
		if n.Op == token.LAND || n.Op == token.LOR {
			return c.both(n)
		}
		return c.comparison(n)
	case *ast.CallExpr:
		f, _, err := c.function(n)
		if err != nil {
			return nil, err
		}
		if f.boolean == nil {
			return nil, errors.New("a function's value must be compared with something")
		}
		return f.boolean, nil
	}
	return nil, errors.New("it holds what is no condition")
}

func (c compiler[E]) both(n *ast.BinaryExpr) (func(E) bool, error) {
	left, err1 := c.condition(n.X)
	right, err2 := c.condition(n.Y)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if n.Op == token.LAND {
		return func(env E) bool { return left(env) && right(env) }, nil
	}
	return func(env E) bool { return left(env) || right(env) }, nil
}

// comparison compares a function with a literal.
func (c compiler[E]) comparison(n *ast.BinaryExpr) (func(E) bool, error) {
	call, ok1 := n.X.(*ast.CallExpr)
	literal, ok2 := n.Y.(*ast.BasicLit)
	if !ok1 || !ok2 {
		return nil, errors.New("a comparison is of a function on the left and a number or text on the right")
	}
	f, arguments, err := c.function(call)
	if err != nil {
		return nil, err
	}
	if f.text != nil {
		return compareText(f, n.Op, literal)
	}
	if f.number == nil {
		return nil, errors.New("a condition is compared with something")
	}
	limit, err := number(literal)
	if err != nil {
		return nil, err
	}
	holds, err := comparison(n.Op)
	if err != nil {
		return nil, err
	}
	return func(env E) bool { return holds(f.number(env, arguments), limit) }, nil
}

func compareText[E any](f function[E], op token.Token, literal *ast.BasicLit) (func(E) bool, error) {
	want, err := strconv.Unquote(literal.Value)
	if err != nil || literal.Kind != token.STRING || op != token.EQL && op != token.NEQ {
		return nil, errors.New("a text is compared with a quoted text, by == or !=")
	}
	return func(env E) bool { return (f.text(env) == want) == (op == token.EQL) }, nil
}

func comparison(op token.Token) (func(a, b float64) bool, error) {
	switch op {
	case token.GTR:
		return func(a, b float64) bool { return a > b }, nil
	case token.GEQ:
		return func(a, b float64) bool { return a >= b }, nil
	case token.LSS:
		return func(a, b float64) bool { return a < b }, nil
	case token.LEQ:
		return func(a, b float64) bool { return a <= b }, nil
	case token.EQL:
		return func(a, b float64) bool { return a == b }, nil
	case token.NEQ:
		return func(a, b float64) bool { return a != b }, nil
	}
	return nil, fmt.Errorf("%s is no comparison", op)
}

// function finds the function of a call, and its arguments.
func (c compiler[E]) function(n *ast.CallExpr) (f function[E], arguments []float64, err error) {
	name, ok := n.Fun.(*ast.Ident)
	if !ok {
		return f, nil, errors.New("it calls what has no name")
	}
	f, ok = c[name.Name]
	if !ok {
		return f, nil, fmt.Errorf("there is no function %s", name.Name)
	}
	if len(n.Args) != f.arguments {
		return f, nil, fmt.Errorf("%s takes %d arguments, not %d", name.Name, f.arguments, len(n.Args))
	}
	for _, a := range n.Args {
		literal, ok := a.(*ast.BasicLit)
		if !ok {
			return f, nil, fmt.Errorf("the arguments of %s are numbers", name.Name)
		}
		value, err := number(literal)
		if err != nil {
			return f, nil, err
		}
		arguments = append(arguments, value)
	}
	return f, arguments, nil
}

func number(literal *ast.BasicLit) (float64, error) {
	value, err := strconv.ParseFloat(literal.Value, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is no number", literal.Value)
	}
	return value, nil
}
