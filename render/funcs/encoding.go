package funcs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

func base64Encode(text string) string    { return base64.StdEncoding.EncodeToString([]byte(text)) }
func base64URLEncode(text string) string { return base64.URLEncoding.EncodeToString([]byte(text)) }

func base64Decode(text string) (string, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("base64Decode: %w", err)
	}
	return string(decoded), nil
}

func base64URLDecode(text string) (string, error) {
	decoded, err := base64.URLEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("base64URLDecode: %w", err)
	}
	return string(decoded), nil
}

// Empty text parses to a zero value: before its data has come a key is empty,
// and a template has to survive that.

func parseBool(text string) (bool, error) {
	if text == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("parseBool: %w", err)
	}
	return b, nil
}

func parseInt(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("parseInt: %w", err)
	}
	return n, nil
}

func parseUint(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("parseUint: %w", err)
	}
	return n, nil
}

func parseFloat(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("parseFloat: %w", err)
	}
	return f, nil
}

func parseJSON(text string) (any, error) {
	if text == "" {
		return map[string]any{}, nil
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, fmt.Errorf("parseJSON: %w", err)
	}
	return value, nil
}

func toJSON(value any) (string, error)       { return encodeJSON("toJSON", value, "", true) }
func toJSONPretty(value any) (string, error) { return encodeJSON("toJSONPretty", value, "  ", true) }
func toUnescapedJSON(value any) (string, error) {
	return encodeJSON("toUnescapedJSON", value, "", false)
}
func toUnescapedJSONPretty(value any) (string, error) {
	return encodeJSON("toUnescapedJSONPretty", value, "  ", false)
}

func encodeJSON(function string, value any, indent string, escape bool) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", indent)
	e.SetEscapeHTML(escape)
	err := e.Encode(value)
	if _, unknown := errors.AsType[*json.UnsupportedTypeError](err); unknown {
		b.Reset()
		err = e.Encode(withTextKeys(value))
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", function, err)
	}
	return string(bytes.TrimSpace(b.Bytes())), nil
}
