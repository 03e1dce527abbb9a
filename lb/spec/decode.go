package spec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Draft is a middleware that is being read, an option at a time.
type Draft struct {
	kind  string
	value reflect.Value // of a pointer to the struct
	set   bool
}

// kinds are the middlewares that tags may name, with the values of what is not
// said. Redirect and AccessRules are not among them: they are options of
// Fabio's.
func kinds() map[string]any {
	return map[string]any{
		"addprefix": &AddPrefix{}, "stripprefix": &StripPrefix{}, "stripprefixregex": &StripPrefixRegex{},
		"replacepath": &ReplacePath{}, "replacepathregex": &ReplacePathRegex{},
		"redirectscheme": &RedirectScheme{}, "redirectregex": &RedirectRegex{}, "chain": &Chain{},
		"headers": &Headers{}, "basicauth": &BasicAuth{}, "digestauth": &DigestAuth{},
		"forwardauth": DefaultForwardAuth(), "ipallowlist": &IPAllowList{}, "ipwhitelist": &IPAllowList{},
		"ratelimit": &RateLimit{}, "inflightreq": &InFlight{}, "buffering": &Buffering{}, "retry": &Retry{},
		"circuitbreaker": &CircuitBreaker{}, "compress": &Compress{}, "contenttype": &ContentType{},
		"errors": &Errors{}, "encodedcharacters": &EncodedCharacters{}, "passtlsclientcert": &PassTLSClientCert{},
		"grpcweb": &GRPCWeb{}, "jwt": DefaultJWT(),
	}
}

// Kinds are the names of all kinds that tags may name, sorted.
func Kinds() []string {
	var names []string
	for name := range kinds() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// NewDraft begins a middleware of a kind, in lower case. It is not ok if there
// is no such kind.
func NewDraft(kind string) (d *Draft, ok bool) {
	empty, ok := kinds()[kind]
	return &Draft{kind: kind, value: reflect.ValueOf(empty)}, ok
}

// Kind is the kind the draft was begun with.
func (d *Draft) Kind() string { return d.kind }

// Target points to the struct that is being read, for readers that know of more
// than text.
func (d *Draft) Target() any { return d.value.Interface() }

// ErrUnknown says that there is no option of that name.
var ErrUnknown = errors.New("unknown option")

// Set reads an option. Its path are the words of its name, in any case; that of
// an entry of a map ends with the entry's key, which may be of several words.
// The error is ErrUnknown, or tells what is wrong with the value.
//
// Without a path the value is as [ParseSwitch] has it, of what needs no option.
func (d *Draft) Set(path []string, value string) error {
	d.set = true
	if len(path) > 0 {
		return set(d.value.Elem(), path, value)
	}
	if d.kind != "compress" && d.kind != "contenttype" && d.kind != "encodedcharacters" {
		return ErrUnknown
	}
	on, err := ParseSwitch(value)
	d.set = on
	return err
}

// Middleware is what was read.
func (d *Draft) Middleware() Middleware {
	if m, ok := reflect.TypeAssert[Middleware](d.value.Elem()); ok {
		return m
	}
	return d.value.Interface().(Middleware) //nolint:errcheck,forcetypeassert // all kinds are
}

// Decode reads an option into the struct target points to, by the tag "key" of
// its fields. Path and error are as those of [Draft.Set].
func Decode(target any, path []string, value string) error {
	if len(path) == 0 {
		return ErrUnknown
	}
	return set(reflect.ValueOf(target).Elem(), path, value)
}

// Keys are the first words of the options of a struct, in their order.
func Keys(of any) (keys []string) {
	for field := range reflect.TypeOf(of).Fields() {
		if key := field.Tag.Get("key"); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// set reads an option of a struct.
func set(s reflect.Value, path []string, value string) error {
	word, index, isElement := element(path[0])
	for i := range s.NumField() {
		key := s.Type().Field(i).Tag.Get("key")
		if key == "" || !strings.EqualFold(key, word) {
			continue
		}
		if isStructs := s.Field(i).Kind() == reflect.Slice && s.Field(i).Type().Elem().Kind() == reflect.Struct; isElement != isStructs {
			return ErrUnknown
		}
		if isElement {
			return setElement(s.Field(i), index, path[1:], value)
		}
		return setField(s.Field(i), path[1:], value)
	}
	return ErrUnknown
}

// maxElements bounds lists of structures.
const maxElements = 64

// element takes "services[2]" apart.
func element(text string) (word string, index int, ok bool) {
	word, rest, _ := strings.Cut(text, "[")
	digits, closed := strings.CutSuffix(rest, "]")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !closed || err != nil {
		return text, 0, false
	}
	return word, int(n), true
}

// setElement reads an option of one structure of a list.
func setElement(list reflect.Value, index int, rest []string, value string) error {
	if index >= maxElements {
		return fmt.Errorf("there may be %d elements, counted from 0", maxElements)
	}
	if len(rest) == 0 {
		return ErrUnknown
	}
	for list.Len() <= index {
		list.Set(reflect.Append(list, New(list.Type().Elem()).Elem()))
	}
	return set(list.Index(index), rest, value)
}

// New points to a structure of a type of this package, with the values of what is
// not said.
func New(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if d, ok := reflect.TypeAssert[interface{ setDefaults() }](v); ok {
		d.setDefaults()
	}
	return v
}

func setField(f reflect.Value, rest []string, value string) error {
	switch {
	case f.Kind() == reflect.Map:
		if len(rest) == 0 {
			return ErrUnknown
		}
		if f.IsNil() {
			f.Set(reflect.MakeMap(f.Type()))
		}
		f.SetMapIndex(reflect.ValueOf(strings.Join(rest, ".")), reflect.ValueOf(value))
		return nil
	case f.Kind() == reflect.Pointer:
		return setStruct(f, rest, value)
	case len(rest) > 0:
		return ErrUnknown
	}
	return setScalar(f, value)
}

// setStruct reads an option of a structure that may be left out, or switches it
// on.
func setStruct(f reflect.Value, rest []string, value string) error {
	on := true
	if len(rest) == 0 {
		var err error
		if on, err = ParseSwitch(value); err != nil {
			return err
		}
	}
	if f.IsNil() && on {
		f.Set(New(f.Type().Elem()))
	}
	if len(rest) == 0 {
		return nil
	}
	return set(f.Elem(), rest, value)
}

func setScalar(f reflect.Value, value string) error {
	switch f.Interface().(type) {
	case string:
		f.SetString(value)
	case bool:
		on, err := parseBool(value)
		f.SetBool(on)
		return err
	case time.Duration:
		d, err := ParseDuration(value)
		f.SetInt(int64(d))
		return err
	case []string:
		f.Set(reflect.ValueOf(List(value)))
	default: // whole numbers
		n, err := strconv.ParseInt(value, 10, f.Type().Bits())
		if err != nil {
			return errors.New("not a whole number")
		}
		f.SetInt(n)
	}
	return nil
}

func parseBool(value string) (bool, error) {
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, errors.New("not a boolean")
	}
	return on, nil
}

// ParseSwitch reads whether a structure is there that needs no option of its own:
// a boolean, or nothing, which is true.
func ParseSwitch(value string) (on bool, err error) {
	if value == "" {
		return true, nil
	}
	return parseBool(value)
}

// ParseDuration reads Go's form of a duration, or a bare number of seconds.
func ParseDuration(text string) (time.Duration, error) {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New("not a duration, such as 30s or 1m30s")
	}
	return d, nil
}

// List splits a value at commas and drops empty pieces and blanks around them.
func List(text string) []string {
	var words []string
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}
