package hcl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// parseJSON turns JSON into nodes. It is used in place of HCL's own JSON
// parser, which passes over booleans in lists and whatever follows the last
// brace.
func parseJSON(file string, src []byte) (Object, error) {
	r := jsonReader{file: file, src: src, dec: json.NewDecoder(bytes.NewReader(src))}
	r.dec.UseNumber()
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	at := r.next()
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &Fault{at, "syntax error: more text behind the closing brace"}
	}
	return n.Value.(Object), nil
}

type jsonReader struct {
	file string
	src  []byte
	dec  *json.Decoder
}

// next is where the next token starts.
func (r jsonReader) next() Position {
	rest := r.src[r.dec.InputOffset():]
	return r.position(len(r.src) - len(bytes.TrimLeft(rest, " \t\r\n,:")))
}

func (r jsonReader) position(offset int) Position {
	before := r.src[:min(offset, len(r.src))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return Position{r.file, 1 + bytes.Count(before, []byte("\n")), 1 + len(before) - start}
}

func (r jsonReader) token() (json.Token, Position, error) {
	at := r.next()
	t, err := r.dec.Token()
	if err == nil {
		return t, at, nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return nil, at, &Fault{r.position(int(syntax.Offset) - 1), "syntax error: " + syntax.Error()}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, at, &Fault{r.position(len(r.src)), "syntax error: the text ends too early"}
	}
	return nil, at, &Fault{at, "syntax error: " + err.Error()}
}

func (r jsonReader) value(depth int) (Node, error) {
	t, at, err := r.token()
	if err != nil {
		return Node{}, err
	}
	if depth > maxDepth {
		return Node{}, &Fault{at, fmt.Sprintf("values are nested more than %d deep", maxDepth)}
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			o, err := r.object(depth)
			return Node{at, o}, err
		}
		list, err := r.list(depth)
		return Node{at, list}, err
	case json.Number:
		if i, err := strconv.ParseInt(t.String(), 10, 64); err == nil {
			return Node{at, i}, nil
		}
		f, err := t.Float64()
		if err != nil {
			return Node{}, &Fault{at, t.String() + " is not a number that can be used"}
		}
		return Node{at, f}, nil
	}
	return Node{at, t}, nil // string, bool, nil
}

func (r jsonReader) object(depth int) (Object, error) {
	var o Object
	for r.dec.More() {
		key, at, err := r.token()
		if err != nil {
			return nil, err
		}
		value, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		name, _ := key.(string) // the decoder lets nothing else be a key
		o = append(o, Member{name, at, value})
	}
	_, _, err := r.token() // the closing brace
	return o, err
}

func (r jsonReader) list(depth int) ([]Node, error) {
	list := []Node{}
	for r.dec.More() {
		value, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, _, err := r.token() // the closing bracket
	return list, err
}
