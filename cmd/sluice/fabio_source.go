package main

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

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/watch"
)

// fabioSource stands in for Consul: it knows no service, and of keys the one
// with the routes of a custom registry, if that is what it stands for.
type fabioSource struct {
	registry config.FabioRegistry
	client   *http.Client // nil: there is none
}

func newFabioSource(r config.FabioRegistry) *fabioSource {
	s := &fabioSource{registry: r}
	if r.Backend == "custom" {
		transport := &http.Transport{
			TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: r.SkipVerify},
			DisableKeepAlives: true, // between two polls they would only die
		}
		s.client = &http.Client{Timeout: r.Timeout, Transport: transport}
	}
	return s
}

// origin says where routes come from, for people.
func (s *fabioSource) origin() string {
	if s.client == nil {
		return "the configured routes"
	}
	u, err := url.Parse(s.registry.URL)
	if err != nil {
		return "a custom registry" // cannot be: it was checked
	}
	return u.Scheme + "://" + u.Host // the rest may be secret
}

// Answers implements [watch.Source].
func (s *fabioSource) Answers(q watch.Query) bool {
	switch q := q.(type) {
	case watch.Services:
		return true
	case watch.Prefix:
		return s.client != nil && q.Path == config.CustomRoutesKey
	}
	return false
}

// Fetch implements [watch.Source].
func (s *fabioSource) Fetch(ctx context.Context, r watch.Request) (watch.Reply, error) {
	if _, ok := r.Query.(watch.Services); ok {
		const never = 24 * time.Hour
		return watch.Reply{Value: []watch.ServiceTags{}, Poll: never}, nil
	}
	routes, err := s.routes(ctx)
	if err != nil {
		return watch.Reply{}, fmt.Errorf("reading routes: %w", err)
	}
	return watch.Reply{Value: []watch.Pair{{Key: config.CustomRoutesKey, Value: routes}}, Poll: s.registry.Poll}, nil
}

// routes are those of the registry, as commands.
func (s *fabioSource) routes(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.registry.URL, nil)
	if err != nil {
		return "", err
	}
	resp, err := s.client.Do(req)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = fmt.Errorf("%s: %w", s.origin(), e.Err) // there may be a token in the URL
	}
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", s.origin(), resp.Status)
	}
	var all []fabioRouteDefinition
	if err := json.NewDecoder(io.LimitReader(resp.Body, config.MaxRoutes)).Decode(&all); err != nil {
		return "", fmt.Errorf("%s: %w", s.origin(), err)
	}
	var text strings.Builder
	for _, d := range all {
		text.WriteString(d.command() + "\n")
	}
	return text.String(), nil
}

// fabioRouteDefinition is a command of Fabio's language in JSON.
type fabioRouteDefinition struct {
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
func (d fabioRouteDefinition) command() string {
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
