package vault

import (
	"context"
	"os"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// run keeps the token current until ctx ends.
func (s *session) run(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-s.opened:
	}
	switch {
	case s.config.TokenFile != "":
		s.follow(ctx)
	case s.config.Renew && s.api.Token() != "":
		s.keepAlive(ctx)
	default:
		<-ctx.Done()
	}
}

// follow reads the token file when it changes.
func (s *session) follow(ctx context.Context) {
	warned := false
	for watch.Sleep(ctx, fileEvery) {
		err := s.reread(ctx)
		if err != nil && !warned {
			s.config.Logger.Warn("the token file of vault gives no token; the last one stays in use", "err", err)
		}
		warned = err != nil
	}
}

func (s *session) reread(ctx context.Context) error {
	s.opening.Lock()
	defer s.opening.Unlock()
	info, err := os.Stat(s.config.TokenFile)
	if err != nil {
		return err
	}
	if (fileVersion{info.ModTime(), info.Size()}) == s.seen {
		return nil
	}
	return s.loginByFile(ctx)
}

// keepAlive renews the token each time most of its life is over. One that was
// got by a login is got again when it cannot be renewed.
func (s *session) keepAlive(ctx context.Context) {
	left, renewable, err := s.lookUp(ctx)
	warned := false
	for {
		switch {
		case err != nil:
			if !warned {
				s.config.Logger.Warn("the token of vault could not be renewed; trying again", "err", s.plain(err))
			}
			warned = true
			if !watch.Sleep(ctx, retryEvery) {
				return
			}
			left, renewable, err = s.lookUp(ctx)
			continue
		case left <= 0: // it does not end
			<-ctx.Done()
			return
		case !renewable && !s.logsIn():
			s.config.Logger.Warn("the token of vault cannot be renewed", "expires", time.Now().Add(left).Format(time.RFC3339))
			<-ctx.Done()
			return
		}
		warned = false
		if !watch.Sleep(ctx, part(left, renewAt, 0.05)) {
			return
		}
		left, renewable, err = s.prolong(ctx, left, renewable)
	}
}

func (s *session) logsIn() bool { return s.config.Token == "" && s.config.Kubernetes.Role != "" }

// lookUp tells how long the token lives; 0 for ever.
func (s *session) lookUp(ctx context.Context) (left time.Duration, renewable bool, err error) {
	answer, err := s.api.Auth().Token().LookupSelfWithContext(ctx)
	if err != nil {
		if isRefusal(err) && s.logsIn() {
			return s.again(ctx)
		}
		return 0, false, err
	}
	if left, err = answer.TokenTTL(); err != nil {
		return 0, false, err
	}
	renewable, err = answer.TokenIsRenewable()
	return left, renewable, err
}

// prolong renews the token. It is no longer renewable when little is granted.
func (s *session) prolong(ctx context.Context, had time.Duration, renewable bool) (left time.Duration, still bool, err error) {
	if !renewable {
		return s.again(ctx)
	}
	answer, err := s.api.Auth().Token().RenewSelfWithContext(ctx, 0)
	if err != nil {
		if isRefusal(err) && s.logsIn() {
			return s.again(ctx)
		}
		return 0, false, err
	}
	if answer.Auth == nil {
		return 0, false, nil
	}
	left = time.Duration(answer.Auth.LeaseDuration) * time.Second
	return left, answer.Auth.Renewable && left > had/4, nil
}

// again logs in once more.
func (s *session) again(ctx context.Context) (time.Duration, bool, error) {
	s.opening.Lock()
	err := s.login(ctx)
	s.opening.Unlock()
	if err != nil {
		return 0, false, err
	}
	answer, err := s.api.Auth().Token().LookupSelfWithContext(ctx)
	if err != nil {
		return 0, false, err
	}
	left, err := answer.TokenTTL()
	if err != nil {
		return 0, false, err
	}
	renewable, err := answer.TokenIsRenewable()
	return left, renewable, err
}
