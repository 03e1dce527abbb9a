package shared

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/sluiceproxy/sluice/watch"
)

// Bundle is what one process knows, for others. The zero value is empty.
type Bundle struct {
	// Apart says that everybody has to ask for himself.
	Apart   bool
	answers map[watch.Query]Answer
}

// Answer is one of a Bundle.
type Answer struct {
	// Value is meaningless unless Known.
	Value any
	Known bool
	text  json.RawMessage
}

// ErrTooLarge is reported for a bundle that does not fit where it is to go.
var ErrTooLarge = errors.New("the answers are too large to be shared")

// format of what is written. Who does not know it cannot use it.
const format = 1

// maxSize bounds what a bundle may grow to when it is read, in bytes: more than
// Consul's limit for a value can hold is not ours.
const maxSize = 256 << 20

type writtenBundle struct {
	Format  int
	Apart   bool            `json:",omitempty"`
	Answers []writtenAnswer `json:",omitempty"`
}

type writtenAnswer struct {
	Kind   string
	Query  json.RawMessage
	Known  bool
	Answer json.RawMessage `json:",omitempty"`
}

// Apart is a bundle, written down, that tells everybody to ask for himself.
func Apart() ([]byte, error) { return write(writtenBundle{Format: format, Apart: true}) }

// Encode writes down what the snapshot knows of the queries, as far as they are
// [Shareable]. A query that is refused is left out: others may have the right.
// Equal answers give equal bytes.
func Encode(queries []watch.Query, s *watch.Snapshot) ([]byte, error) {
	b := writtenBundle{Format: format}
	for _, q := range queries {
		e, _ := s.Entry(q)
		if !Shareable(q) || !e.Known && e.Err != nil {
			continue
		}
		a := writtenAnswer{Kind: reflect.TypeOf(q).Name(), Known: e.Known}
		var err error
		if a.Query, err = json.Marshal(q); err == nil && e.Known {
			a.Answer, err = kinds[a.Kind].pack(e.Value)
		}
		if err != nil {
			return nil, fmt.Errorf("sharing %s: %w", q, err)
		}
		b.Answers = append(b.Answers, a)
	}
	return write(b)
}

func write(b writtenBundle) ([]byte, error) {
	var out bytes.Buffer
	packer := gzip.NewWriter(&out)
	if err := json.NewEncoder(packer).Encode(b); err != nil {
		return nil, err
	}
	if err := packer.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Decode reads what Encode or Apart wrote. Answers that are those of before are
// taken from there.
func Decode(text string, before Bundle) (Bundle, error) {
	unpacker, err := gzip.NewReader(bytes.NewReader([]byte(text)))
	if err != nil {
		return Bundle{}, fmt.Errorf("reading shared answers: %w", err)
	}
	var w writtenBundle
	if err := json.NewDecoder(io.LimitReader(unpacker, maxSize)).Decode(&w); err != nil {
		return Bundle{}, fmt.Errorf("reading shared answers: %w", err)
	}
	if w.Format != format {
		return Bundle{}, fmt.Errorf("reading shared answers: their format is %d, and only %d is known here", w.Format, format)
	}
	b := Bundle{Apart: w.Apart, answers: make(map[watch.Query]Answer, len(w.Answers))}
	for _, a := range w.Answers {
		if err := b.add(a, before); err != nil {
			return Bundle{}, fmt.Errorf("reading shared answers: %s: %w", a.Kind, err)
		}
	}
	return b, nil
}

func (b *Bundle) add(w writtenAnswer, before Bundle) error {
	k, known := kinds[w.Kind]
	if !known {
		return errors.New("unknown kind of query")
	}
	q, err := k.query(w.Query)
	if err != nil {
		return err
	}
	a := Answer{Known: w.Known, text: w.Answer}
	switch old := before.answers[q]; {
	case !w.Known:
	case old.Known && bytes.Equal(old.text, w.Answer):
		a = old
	default:
		if a.Value, err = k.unpack(w.Answer); err != nil {
			return err
		}
	}
	b.answers[q] = a
	return nil
}

// Answer is what the bundle says of q, and whether q is in it at all.
func (b Bundle) Answer(q watch.Query) (Answer, bool) {
	a, listed := b.answers[q]
	return a, listed
}

// All calls yield for each query, in no order, until it returns false.
func (b Bundle) All(yield func(watch.Query, Answer) bool) {
	for q, a := range b.answers {
		if !yield(q, a) {
			return
		}
	}
}

// Same reports whether two answers are known to be equal.
func (a Answer) Same(other Answer) bool {
	return a.Known == other.Known && bytes.Equal(a.text, other.text)
}
