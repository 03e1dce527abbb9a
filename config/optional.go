package config

// Optional is a setting for which "not given" and the zero value differ.
type Optional[T any] struct {
	Value T
	Set   bool
}

// Some is a setting that was given.
func Some[T any](v T) Optional[T] { return Optional[T]{Value: v, Set: true} }

// Or is the value that was given, or else fallback.
func (o Optional[T]) Or(fallback T) T {
	if o.Set {
		return o.Value
	}
	return fallback
}

// Slot implements [hcl.Slotted].
func (o *Optional[T]) Slot() any {
	o.Set = true
	return &o.Value
}
