// Package fabio stands in for Consul where Fabio has its routes from elsewhere.
package fabio

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// RoutesKey is the key under which there is what was told. No other source is asked for
// keys then.
const RoutesKey = "registry.custom"

// MaxRoutes bounds a list of routes, in bytes.
const MaxRoutes = 64 << 20

// Options are where routes come from.
type Options struct {
	// URL of a list of routes in JSON; empty if there is none.
	URL        string
	Timeout    time.Duration
	Poll       time.Duration // the pause between two requests
	SkipVerify bool
}

// Source stands in for Consul: it knows no service, and of keys the one
// with the routes of a custom registry, if that is what it stands for.
type Source struct {
	o      Options
	client *http.Client // nil: there is none
}

// New asks nothing yet.
func New(o Options) *Source {
	s := &Source{o: o}
	if o.URL != "" {
		transport := &http.Transport{
			TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.SkipVerify},
			DisableKeepAlives: true, // between two polls they would only die
		}
		s.client = &http.Client{Timeout: o.Timeout, Transport: transport}
	}
	return s
}

// Origin says where routes come from, for people.
func (s *Source) Origin() string {
	if s.client == nil {
		return "the configured routes"
	}
	u, err := url.Parse(s.o.URL)
	if err != nil {
		return "a custom registry" // cannot be: it was checked
	}
	return u.Scheme + "://" + u.Host // the rest may be secret
}

// Answers implements [watch.Source].
func (s *Source) Answers(q watch.Query) bool {
	switch q := q.(type) {
	case watch.Services:
		return true
	case watch.Prefix:
		return s.client != nil && q.Path == RoutesKey
	}
	return false
}

// Fetch implements [watch.Source].
func (s *Source) Fetch(ctx context.Context, r watch.Request) (watch.Reply, error) {
	if _, ok := r.Query.(watch.Services); ok {
		const never = 24 * time.Hour
		return watch.Reply{Value: []watch.ServiceTags{}, Poll: never}, nil
	}
	routes, err := s.routes(ctx)
	if err != nil {
		return watch.Reply{}, fmt.Errorf("reading routes: %w", err)
	}
	return watch.Reply{Value: []watch.Pair{{Key: RoutesKey, Value: routes}}, Poll: s.o.Poll}, nil
}

// routes are those of the registry, as commands.
func (s *Source) routes(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.o.URL, nil)
	if err != nil {
		return "", err
	}
	resp, err := s.client.Do(req)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = fmt.Errorf("%s: %w", s.Origin(), e.Err) // there may be a token in the URL
	}
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", s.Origin(), resp.Status)
	}
	var all []definition
	if err := json.NewDecoder(io.LimitReader(resp.Body, MaxRoutes)).Decode(&all); err != nil {
		return "", fmt.Errorf("%s: %w", s.Origin(), err)
	}
	var text strings.Builder
	for _, d := range all {
		text.WriteString(d.command() + "\n")
	}
	return text.String(), nil
}

// definition is a command of Fabio's language in JSON.
type definition struct {
	Command string            `json:"cmd"`
	Service string            `json:"service"`
	Source  string            `json:"src"`
	Target  string            `json:"dst"`
	Weight  float64           `json:"weight"`
	Tags    []string          `json:"tags"`
	Options map[string]string `json:"opts"`
}

// command is its text. What has a blank or a quote where none can be makes a
// line that is none, which is told of as such.
func (d definition) command() string {
	words := []string{cmp.Or(d.Command, "route add"), d.Service, d.Source, d.Target}
	if d.Weight != 0 {
		words = append(words, "weight", strconv.FormatFloat(d.Weight, 'f', -1, 64))
	}
	if len(d.Tags) > 0 {
		words = append(words, `tags "`+strings.Join(d.Tags, ",")+`"`)
	}
	if len(d.Options) > 0 {
		var options []string
		for _, key := range slices.Sorted(maps.Keys(d.Options)) {
			options = append(options, key+"="+d.Options[key])
		}
		words = append(words, `opts "`+strings.Join(options, " ")+`"`)
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}
