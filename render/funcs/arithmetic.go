package funcs

import (
	"errors"
	"fmt"
	"reflect"
)

// The arithmetic functions take their left operand last, so that it can come
// from a pipe: {{ 10 | divide 2 }} is 5. Two unsigned operands give a uint64, a
// float on either side a float64, all else an int64.

var errDivisionByZero = errors.New("division by zero")

func add(b, a any) (any, error) {
	return calculate("add", b, a, operation{
		ints:   func(a, b int64) (int64, error) { return a + b, nil },
		uints:  func(a, b uint64) (uint64, error) { return a + b, nil },
		floats: func(a, b float64) (float64, error) { return a + b, nil },
	})
}

func subtract(b, a any) (any, error) {
	return calculate("subtract", b, a, operation{
		ints:   func(a, b int64) (int64, error) { return a - b, nil },
		uints:  func(a, b uint64) (uint64, error) { return a - b, nil },
		floats: func(a, b float64) (float64, error) { return a - b, nil },
	})
}

func multiply(b, a any) (any, error) {
	return calculate("multiply", b, a, operation{
		ints:   func(a, b int64) (int64, error) { return a * b, nil },
		uints:  func(a, b uint64) (uint64, error) { return a * b, nil },
		floats: func(a, b float64) (float64, error) { return a * b, nil },
	})
}

func divide(b, a any) (any, error) {
	return calculate("divide", b, a, operation{
		ints: func(a, b int64) (int64, error) {
			if b == 0 {
				return 0, errDivisionByZero
			}
			return a / b, nil
		},
		uints: func(a, b uint64) (uint64, error) {
			if b == 0 {
				return 0, errDivisionByZero
			}
			return a / b, nil
		},
		floats: func(a, b float64) (float64, error) { return a / b, nil },
	})
}

func modulo(b, a any) (any, error) {
	return calculate("modulo", b, a, operation{
		ints: func(a, b int64) (int64, error) {
			if b == 0 {
				return 0, errDivisionByZero
			}
			return a % b, nil
		},
		uints: func(a, b uint64) (uint64, error) {
			if b == 0 {
				return 0, errDivisionByZero
			}
			return a % b, nil
		},
		floats: func(_, _ float64) (float64, error) { return 0, errors.New("floats have no remainder") },
	})
}

// minimum and maximum give the winner in its own kind; the first on a tie.
func minimum(b, a any) (any, error) {
	less, err := lessThan("minimum", a, b)
	if err != nil {
		return nil, err
	}
	if less {
		return widen(a), nil
	}
	return widen(b), nil
}

func maximum(b, a any) (any, error) {
	less, err := lessThan("maximum", b, a)
	if err != nil {
		return nil, err
	}
	if less {
		return widen(a), nil
	}
	return widen(b), nil
}

type operation struct {
	ints   func(a, b int64) (int64, error)
	uints  func(a, b uint64) (uint64, error)
	floats func(a, b float64) (float64, error)
}

func calculate(name string, b, a any, op operation) (result any, err error) {
	left, right := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case !isNumber(left) || !isNumber(right):
		return nil, fmt.Errorf("%s: cannot calculate with %T and %T", name, a, b)
	case left.CanFloat() || right.CanFloat():
		result, err = op.floats(asFloat(left), asFloat(right))
	case left.CanUint() && right.CanUint():
		result, err = op.uints(left.Uint(), right.Uint())
	default:
		result, err = op.ints(asInt(left), asInt(right))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return result, nil
}

func lessThan(name string, a, b any) (bool, error) {
	left, right := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case !isNumber(left) || !isNumber(right):
		return false, fmt.Errorf("%s: cannot compare %T and %T", name, a, b)
	case left.CanFloat() || right.CanFloat():
		return asFloat(left) < asFloat(right), nil
	case left.CanUint() && right.CanUint():
		return left.Uint() < right.Uint(), nil
	}
	return asInt(left) < asInt(right), nil
}

func isNumber(v reflect.Value) bool {
	return v.IsValid() && (v.CanInt() || v.CanUint() || v.CanFloat())
}

func asInt(v reflect.Value) int64 {
	if v.CanUint() {
		return int64(v.Uint())
	}
	return v.Int()
}

func asFloat(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	}
	return v.Float()
}

// widen gives a number in the widest type of its kind.
func widen(x any) any {
	switch v := reflect.ValueOf(x); {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	default:
		return v.Float()
	}
}
