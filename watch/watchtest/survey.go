package watchtest

import (
	"context"
	"sync"

	"github.com/sluiceproxy/sluice/watch"
)

// survey is one running Survey. News are collected until it tells them.
type survey struct {
	scope watch.Scope

	mu    sync.Mutex
	names map[string]struct{} // nil if any may have changed
	news  bool
	err   error
	wake  chan struct{}
}

// Survey implements [watch.Surveyor].
func (s *Source) Survey(ctx context.Context, scope watch.Scope, changed func(map[string]struct{})) error {
	v, err := s.beginSurvey(scope)
	defer s.endSurvey(v)
	if err != nil {
		return err
	}
	if err := s.travel(ctx); err != nil {
		return err
	}
	for {
		names, news, err := v.take()
		if err != nil {
			return err
		}
		if news {
			changed(names)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-v.wake:
		}
	}
}

// SetSurveyErr ends all surveys with err and lets no new one start while it is
// not nil.
func (s *Source) SetSurveyErr(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.surveyErr = err
	if err != nil {
		s.endSurveys(err)
	}
}

// Signal tells the surveys that the named services may have changed; with no
// names, that any may have.
func (s *Source) Signal(services ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := range s.surveys {
		if len(services) == 0 {
			v.tell("", false)
		}
		for _, name := range services {
			v.tell(name, true)
		}
	}
}

// Surveys counts the surveys that run now.
func (s *Source) Surveys() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.surveys)
}

func (s *Source) beginSurvey(scope watch.Scope) (*survey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &survey{scope: scope, news: true, wake: make(chan struct{}, 1)}
	s.surveys[v] = struct{}{}
	s.opened(watch.MaxSurveyRequests)
	if s.outage != nil {
		return v, s.outage
	}
	return v, s.surveyErr
}

func (s *Source) endSurvey(v *survey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.surveys, v)
	s.open -= watch.MaxSurveyRequests
}

func (s *Source) tellSurveys(q watch.Query, named bool) {
	h, ok := q.(watch.Health)
	if !ok {
		return
	}
	for v := range s.surveys {
		if v.scope == h.Scope {
			v.tell(h.Service, named)
		}
	}
}

func (s *Source) endSurveys(err error) {
	for v := range s.surveys {
		v.fail(err)
	}
}

func (v *survey) tell(name string, named bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case !named:
		v.names = nil
	case !v.news:
		v.names = map[string]struct{}{name: {}}
	case v.names != nil:
		v.names[name] = struct{}{}
	}
	v.news = true
	v.signal()
}

func (v *survey) fail(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = err
	v.signal()
}

func (v *survey) signal() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

func (v *survey) take() (names map[string]struct{}, news bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	names, news, err = v.names, v.news, v.err
	v.names, v.news = nil, false
	return names, news, err
}
