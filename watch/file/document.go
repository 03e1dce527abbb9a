package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// value is a piece of a JSON or HCL document that remembers where it stood.
type value struct {
	line int
	data any // string, number, bool, nil, []value or object
}

// number keeps the digits as they were written.
type number string

// object keeps its members in order. HCL may repeat a key, JSON may not.
type object []member

type member struct {
	key  string
	line int
	value
}

// kind names what v is, for messages.
func (v value) kind() string {
	switch v.data.(type) {
	case string:
		return "a string"
	case number:
		return "a number"
	case bool:
		return "a boolean"
	case []value:
		return "a list"
	case object:
		return "an object"
	}
	return "null"
}

// parseDocument reads a JSON or HCL 1 text. JSON is also accepted under the
// name *.hcl, as Consul does.
func parseDocument(name, text string) (value, *Fault) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		// Most likely an editor is between truncating and writing.
		return value{}, &Fault{Path: name, Err: errors.New("the file is empty")}
	}
	if strings.HasSuffix(name, ".hcl") && trimmed[0] != '{' {
		return parseHCL(name, text)
	}
	return parseJSON(name, text)
}

func parseJSON(name, text string) (value, *Fault) {
	// One pass to validate, which also bounds the nesting; the second can then
	// take every token for granted.
	var raw json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		fault := &Fault{Path: name, Err: fmt.Errorf("parsing JSON: %w", err)}
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			fault.Line = 1 + strings.Count(text[:syntax.Offset], "\n")
		}
		return value{}, fault
	}
	r := jsonReader{name: name, text: []byte(text), line: 1}
	r.decoder = json.NewDecoder(bytes.NewReader(r.text))
	r.decoder.UseNumber()
	v := r.value()
	return v, r.fault
}

// jsonReader turns a valid JSON text into a value.
type jsonReader struct {
	name    string
	text    []byte
	decoder *json.Decoder
	offset  int // up to where lines are counted
	line    int
	fault   *Fault // the first
}

// next returns a token and sets line to its own; no token spans lines.
func (r *jsonReader) next() json.Token {
	token, err := r.decoder.Token()
	if err != nil && r.fault == nil {
		r.fault = &Fault{Path: r.name, Line: r.line, Err: fmt.Errorf("parsing JSON: %w", err)}
	}
	end := int(r.decoder.InputOffset())
	r.line += bytes.Count(r.text[r.offset:end], []byte("\n"))
	r.offset = end
	return token
}

func (r *jsonReader) value() value {
	token := r.next()
	v := value{line: r.line, data: token}
	switch t := token.(type) {
	case json.Number:
		v.data = number(t)
	case json.Delim:
		if t == '{' {
			v.data = r.object()
		} else {
			v.data = r.list()
		}
	}
	return v
}

func (r *jsonReader) list() []value {
	list := []value{}
	for r.fault == nil && r.decoder.More() {
		list = append(list, r.value())
	}
	r.next()
	return list
}

func (r *jsonReader) object() object {
	members := object{}
	seen := map[string]int{}
	for r.fault == nil && r.decoder.More() {
		key, _ := r.next().(string)
		line := r.line
		if first, twice := seen[key]; twice && r.fault == nil {
			r.fault = &Fault{Path: r.name, Line: line, Err: fmt.Errorf("key %q is set twice; first at line %d", key, first)}
		}
		seen[key] = line
		members = append(members, member{key, line, r.value()})
	}
	r.next()
	return members
}
