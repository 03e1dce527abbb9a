package middleware

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// claims are what a token says, as JSON has it; numbers are [json.Number].
type claims map[string]any

// valid checks the claims of RFC 7519 §4.1 that concern time, and who the token is of
// and for.
func (c claims) valid(s *spec.JWT, now time.Time) error {
	expiry, has, err := c.time("exp")
	switch {
	case err != nil:
		return err
	case !has && !s.WithoutExpiry:
		return errors.New("the token has no expiry")
	case has && !now.Before(expiry.Add(s.Leeway)):
		return errors.New("the token has expired")
	}
	begin, has, err := c.time("nbf")
	switch {
	case err != nil:
		return err
	case has && now.Add(s.Leeway).Before(begin):
		return errors.New("the token is not valid yet")
	}
	if issuer, _ := c["iss"].(string); len(s.Issuers) > 0 && !slices.Contains(s.Issuers, issuer) {
		return errors.New("the token is of another issuer")
	}
	if len(s.Audiences) > 0 && !slices.ContainsFunc(listOf(c["aud"]), func(a string) bool { return slices.Contains(s.Audiences, a) }) {
		return errors.New("the token is for others")
	}
	return nil
}

// maxSeconds bounds times in seconds since 1970: year 9999.
const maxSeconds = 253402300799

// time is the value of a NumericDate (RFC 7519 §2).
func (c claims) time(name string) (t time.Time, has bool, err error) {
	value, has := c[name]
	if !has {
		return t, false, nil
	}
	number, ok := value.(json.Number)
	seconds, err := number.Float64()
	if !ok || err != nil || seconds < 0 || seconds > maxSeconds {
		return t, true, fmt.Errorf("the claim %s is no time", name)
	}
	return time.Unix(int64(seconds), 0), true, nil
}

// find is the claim of that name, or one inside others: "realm_access.roles".
func (c claims) find(name string) any {
	if value, ok := c[name]; ok {
		return value
	}
	outer, inner, ok := strings.Cut(name, ".")
	if nested, isObject := c[outer].(map[string]any); ok && isObject {
		return claims(nested).find(inner)
	}
	return nil
}

// text is a claim as the value of a field: a list has commas, what has parts of
// its own is JSON. It is empty if there is no such claim.
func (c claims) text(name string) string {
	value := c.find(name)
	if object, ok := value.(map[string]any); ok {
		text, _ := json.Marshal(object) // it came from JSON
		return string(text)
	}
	return strings.Join(listOf(value), ",")
}

// listOf are the values of a claim that is one value or a list of them.
func listOf(value any) []string {
	switch value := value.(type) {
	case string:
		return []string{value}
	case json.Number:
		return []string{value.String()}
	case bool:
		return []string{fmt.Sprint(value)}
	case []any:
		var list []string
		for _, element := range value {
			if _, isList := element.([]any); !isList {
				list = append(list, listOf(element)...)
			}
		}
		return list
	}
	return nil
}

// requiredClaim has to be there, with one of the values if there are any.
type requiredClaim struct {
	name   string
	values []string
}

func requiredClaims(all map[string]string) (list []requiredClaim) {
	for name, values := range all {
		list = append(list, requiredClaim{name, spec.List(values)})
	}
	return list
}

// isMet reports whether a token says so. A scope is also any of its words (RFC 8693
// §4.2).
func (r requiredClaim) isMet(c claims) bool {
	found := listOf(c.find(r.name))
	if len(r.values) == 0 {
		return len(found) > 0
	}
	return slices.ContainsFunc(found, func(text string) bool {
		return slices.Contains(r.values, text) ||
			isScope(r.name) && slices.ContainsFunc(strings.Fields(text), func(word string) bool { return slices.Contains(r.values, word) })
	})
}

// isScope reports whether a claim is a list of words in one text.
func isScope(name string) bool { return name == "scope" || name == "scp" }
