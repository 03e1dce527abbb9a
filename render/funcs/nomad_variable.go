package funcs

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// NomadVarMeta is what Nomad tells of a variable besides its items. It prints
// as the path.
type NomadVarMeta struct {
	Namespace, Path          string
	CreateIndex, ModifyIndex uint64
	CreateTime, ModifyTime   NanoTime
}

func (m NomadVarMeta) String() string { return m.Path }

// NanoTime is a time as Nomad stores it: nanoseconds since 1970.
type NanoTime int64

func (t NanoTime) String() string { return t.Time().String() }

// Time is the time in the local zone.
func (t NanoTime) Time() time.Time { return time.Unix(0, int64(t)) }

// NomadVariable is a whole variable.
type NomadVariable struct {
	Namespace, Path          string
	CreateIndex, ModifyIndex uint64
	CreateTime, ModifyTime   NanoTime
	Items                    NomadVarItems
}

// Metadata is all but the items.
func (v *NomadVariable) Metadata() *NomadVarMeta {
	return &NomadVarMeta{
		Namespace:   v.Namespace,
		Path:        v.Path,
		CreateIndex: v.CreateIndex,
		ModifyIndex: v.ModifyIndex,
		CreateTime:  v.CreateTime,
		ModifyTime:  v.ModifyTime,
	}
}

// NomadVarItem is one item of a variable. It prints as its value.
type NomadVarItem struct {
	Key, Value string
	parent     *NomadVariable
}

func (i NomadVarItem) String() string { return i.Value }

// Metadata is that of the item's variable.
func (i NomadVarItem) Metadata() *NomadVarMeta { return i.parent.Metadata() }

// Parent is the item's variable.
func (i NomadVarItem) Parent() *NomadVariable { return i.parent }

// MarshalJSON gives the value alone.
func (i NomadVarItem) MarshalJSON() ([]byte, error) { return json.Marshal(i.Value) }

// NomadVarItems are the items of a variable by key.
type NomadVarItems map[string]NomadVarItem

// Keys are in order.
func (v NomadVarItems) Keys() []string { return append([]string{}, slices.Sorted(maps.Keys(v))...) }

// Values are in the order of their keys.
func (v NomadVarItems) Values() []string {
	values := make([]string, 0, len(v))
	for _, key := range v.Keys() {
		values = append(values, v[key].Value)
	}
	return values
}

// Tuples are keys and values in the order of the keys.
func (v NomadVarItems) Tuples() []struct{ K, V string } {
	tuples := make([]struct{ K, V string }, 0, len(v))
	for _, key := range v.Keys() {
		tuples = append(tuples, struct{ K, V string }{key, v[key].Value})
	}
	return tuples
}

// Parent is the variable; nil if it has no item.
func (v NomadVarItems) Parent() *NomadVariable {
	for _, item := range v {
		return item.parent
	}
	return nil
}

// Metadata is the variable's; nil if it has no item.
func (v NomadVarItems) Metadata() *NomadVarMeta {
	if parent := v.Parent(); parent != nil {
		return parent.Metadata()
	}
	return nil
}

// ItemsMap is a plain map of the values; nil if there is none.
func (v NomadVarItems) ItemsMap() map[string]any {
	if len(v) == 0 {
		return nil
	}
	plain := make(map[string]any, len(v))
	for key, item := range v {
		plain[key] = item.Value
	}
	return plain
}

func newNomadVariable(v *watch.NomadVariableItems) *NomadVariable {
	out := &NomadVariable{
		Namespace:   v.Namespace,
		Path:        v.Path,
		CreateIndex: v.CreateIndex,
		ModifyIndex: v.ModifyIndex,
		CreateTime:  NanoTime(v.CreateTime),
		ModifyTime:  NanoTime(v.ModifyTime),
		Items:       make(NomadVarItems, len(v.Items)),
	}
	for key, value := range v.Items {
		out.Items[key] = NomadVarItem{Key: key, Value: value, parent: out}
	}
	return out
}
