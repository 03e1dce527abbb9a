package funcs

import (
	"bytes"
	"fmt"

	"github.com/BurntSushi/toml"
	"go.yaml.in/yaml/v2"
)

// parseYAML reads YAML 1.1. Its maps may have keys of any type.
func parseYAML(text string) (any, error) {
	if text == "" {
		return map[string]any{}, nil
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, fmt.Errorf("parseYAML: %w", err)
	}
	return value, nil
}

func toYAML(value any) (string, error) {
	text, err := yaml.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("toYAML: %w", err)
	}
	return string(bytes.TrimSpace(text)), nil
}

func toTOML(value any) (string, error) {
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(value); err != nil {
		return "", fmt.Errorf("toTOML: %w", err)
	}
	return string(bytes.TrimSpace(b.Bytes())), nil
}

// withTextKeys is value with the maps that parseYAML makes turned into such as
// JSON knows.
func withTextKeys(value any) any {
	switch value := value.(type) {
	case map[any]any:
		m := make(map[string]any, len(value))
		for k, v := range value {
			m[fmt.Sprint(k)] = withTextKeys(v)
		}
		return m
	case map[string]any:
		m := make(map[string]any, len(value))
		for k, v := range value {
			m[k] = withTextKeys(v)
		}
		return m
	case []any:
		list := make([]any, len(value))
		for i, v := range value {
			list[i] = withTextKeys(v)
		}
		return list
	}
	return value
}
