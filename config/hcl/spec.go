package hcl

import (
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// DecodeSpec sets the fields of a struct of package spec, by the keys tags know
// them by; in a configuration they may be written with underscores. The error
// is the first fault, with its place.
func DecodeSpec(o Object, target any, path string) error {
	s := reflect.ValueOf(target).Elem()
	fields := map[string]reflect.Value{}
	for i := range s.NumField() {
		if key := s.Type().Field(i).Tag.Get("key"); key != "" {
			fields[key] = s.Field(i)
		}
	}
	for _, m := range o {
		field, ok := fields[PlainKey(m.Key)]
		if !ok {
			return &Fault{m.Pos, fmt.Sprintf("unknown key %q%s%s", m.Key, inside(path), nearest.Hint(m.Key, "", maps.Keys(fields)))}
		}
		if err := decodeSpecField(m, field, target, Join(path, m.Key)); err != nil {
			return err
		}
	}
	return nil
}

func decodeSpecField(m Member, field reflect.Value, target any, path string) error {
	inner, isStanza := m.Value.Value.(Object)
	switch {
	case field.Kind() == reflect.Map && isStanza:
		return decodeSpecMap(inner, field, path)
	case field.Kind() == reflect.Pointer && isStanza:
		if field.IsNil() {
			if err := spec.Decode(target, []string{PlainKey(m.Key)}, "true"); err != nil {
				return &Fault{m.Value.Pos, path + ": " + err.Error()}
			}
			if health, ok := reflect.TypeAssert[*spec.HealthCheck](field); ok {
				*health = *spec.DefaultHealthCheck()
			}
		}
		return DecodeSpec(inner, field.Interface(), path)
	}
	if field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct {
		return decodeSpecList(m.Value, field, path)
	}
	if list, ok := m.Value.Value.([]Node); ok && field.Kind() == reflect.Slice {
		texts := make([]string, len(list))
		for i, n := range list {
			if texts[i], ok = n.Value.(string); !ok {
				return &Fault{n.Pos, fmt.Sprintf("%s must hold strings, not %s", path, n.Describe())}
			}
		}
		field.Set(reflect.ValueOf(texts))
		return nil
	}
	text, err := scalarText(m.Value)
	if err == nil && (field.Kind() == reflect.Map || field.Kind() == reflect.Pointer) {
		err = fmt.Errorf("must be a stanza, not %s", m.Value.Describe())
	}
	if err == nil {
		err = spec.Decode(target, []string{PlainKey(m.Key)}, text)
	}
	if err != nil {
		return &Fault{m.Value.Pos, path + ": " + err.Error()}
	}
	return nil
}

// decodeSpecList adds structures to a list: one for a stanza, or those of a list of
// them.
func decodeSpecList(n Node, field reflect.Value, path string) error {
	switch value := n.Value.(type) {
	case []Node:
		for _, element := range value {
			if _, ok := element.Value.(Object); !ok {
				return &Fault{element.Pos, fmt.Sprintf("%s must hold stanzas, not %s", path, element.Describe())}
			}
			if err := decodeSpecList(element, field, path); err != nil {
				return err
			}
		}
		return nil
	case Object:
		element := spec.New(field.Type().Elem())
		err := DecodeSpec(value, element.Interface(), path)
		field.Set(reflect.Append(field, element.Elem()))
		return err
	}
	return &Fault{n.Pos, fmt.Sprintf("%s must be stanzas, not %s", path, n.Describe())}
}

func decodeSpecMap(o Object, field reflect.Value, path string) error {
	if field.IsNil() {
		field.Set(reflect.MakeMap(field.Type()))
	}
	for _, m := range o {
		text, err := scalarText(m.Value)
		if err != nil {
			return &Fault{m.Value.Pos, Join(path, m.Key) + ": " + err.Error()}
		}
		field.SetMapIndex(reflect.ValueOf(m.Key), reflect.ValueOf(text))
	}
	return nil
}

// scalarText is a value as a tag would have it.
func scalarText(n Node) (string, error) {
	switch value := n.Value.(type) {
	case string:
		return value, nil
	case bool:
		return strconv.FormatBool(value), nil
	case int64:
		return strconv.FormatInt(value, 10), nil
	}
	return "", fmt.Errorf("must be a single value, not %s", n.Describe())
}

// PlainKey is a key as package spec has it: Traefik's, without a separator
// between words.
func PlainKey(key string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(key))
}
