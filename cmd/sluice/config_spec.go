package main

import (
	"fmt"
	"maps"
	"reflect"
	"strconv"

	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// decodeSpec sets the fields of a struct of package spec, by the keys tags know
// them by; in a configuration they may be written with underscores. The error
// is the first fault, with its place.
func decodeSpec(o object, target any, path string) error {
	s := reflect.ValueOf(target).Elem()
	fields := map[string]reflect.Value{}
	for i := range s.NumField() {
		if key := s.Type().Field(i).Tag.Get("key"); key != "" {
			fields[key] = s.Field(i)
		}
	}
	for _, m := range o {
		field, ok := fields[plainKey(m.key)]
		if !ok {
			return &fault{m.pos, fmt.Sprintf("unknown key %q%s%s", m.key, inside(path), nearest.Hint(m.key, "", maps.Keys(fields)))}
		}
		if err := decodeSpecField(m, field, target, join(path, m.key)); err != nil {
			return err
		}
	}
	return nil
}

func decodeSpecField(m member, field reflect.Value, target any, path string) error {
	inner, isStanza := m.value.value.(object)
	switch {
	case field.Kind() == reflect.Map && isStanza:
		return decodeSpecMap(inner, field, path)
	case field.Kind() == reflect.Pointer && isStanza:
		if field.IsNil() {
			if err := spec.Decode(target, []string{plainKey(m.key)}, "true"); err != nil {
				return &fault{m.value.pos, path + ": " + err.Error()}
			}
			if health, ok := reflect.TypeAssert[*spec.HealthCheck](field); ok {
				*health = *spec.DefaultHealthCheck()
			}
		}
		return decodeSpec(inner, field.Interface(), path)
	}
	if field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct {
		return decodeSpecList(m.value, field, path)
	}
	if list, ok := m.value.value.([]node); ok && field.Kind() == reflect.Slice {
		texts := make([]string, len(list))
		for i, n := range list {
			if texts[i], ok = n.value.(string); !ok {
				return &fault{n.pos, fmt.Sprintf("%s must hold strings, not %s", path, n.describe())}
			}
		}
		field.Set(reflect.ValueOf(texts))
		return nil
	}
	text, err := scalarText(m.value)
	if err == nil && (field.Kind() == reflect.Map || field.Kind() == reflect.Pointer) {
		err = fmt.Errorf("must be a stanza, not %s", m.value.describe())
	}
	if err == nil {
		err = spec.Decode(target, []string{plainKey(m.key)}, text)
	}
	if err != nil {
		return &fault{m.value.pos, path + ": " + err.Error()}
	}
	return nil
}

// decodeSpecList adds structures to a list: one for a stanza, or those of a list of
// them.
func decodeSpecList(n node, field reflect.Value, path string) error {
	switch value := n.value.(type) {
	case []node:
		for _, element := range value {
			if _, ok := element.value.(object); !ok {
				return &fault{element.pos, fmt.Sprintf("%s must hold stanzas, not %s", path, element.describe())}
			}
			if err := decodeSpecList(element, field, path); err != nil {
				return err
			}
		}
		return nil
	case object:
		element := spec.New(field.Type().Elem())
		err := decodeSpec(value, element.Interface(), path)
		field.Set(reflect.Append(field, element.Elem()))
		return err
	}
	return &fault{n.pos, fmt.Sprintf("%s must be stanzas, not %s", path, n.describe())}
}

func decodeSpecMap(o object, field reflect.Value, path string) error {
	if field.IsNil() {
		field.Set(reflect.MakeMap(field.Type()))
	}
	for _, m := range o {
		text, err := scalarText(m.value)
		if err != nil {
			return &fault{m.value.pos, join(path, m.key) + ": " + err.Error()}
		}
		field.SetMapIndex(reflect.ValueOf(m.key), reflect.ValueOf(text))
	}
	return nil
}

// scalarText is a value as a tag would have it.
func scalarText(n node) (string, error) {
	switch value := n.value.(type) {
	case string:
		return value, nil
	case bool:
		return strconv.FormatBool(value), nil
	case int64:
		return strconv.FormatInt(value, 10), nil
	}
	return "", fmt.Errorf("must be a single value, not %s", n.describe())
}
