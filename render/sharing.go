package render

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/shared"
)

// Sharing lets one of all hosts that render a template ask for its data, and the
// others take the answers from there. The zero value is off.
type Sharing struct {
	Board Board
	// Prefix is that of the keys on the board, with its slash.
	Prefix string
}

// Board is where answers are posted for other hosts, who read them by
// [watch.Key].
type Board interface {
	// Put writes to a key, unless another host has claimed it, and reports whether
	// it is ours then. An error wraps [shared.ErrTooLarge] if a smaller value might
	// be taken, and [watch.ErrDenied] if a right is missing.
	Put(ctx context.Context, key string, value []byte) (own bool, err error)
	// Owns reports whether keys with that session have been claimed by us.
	Owns(session string) bool
}

// role is a template's part in the sharing of its answers.
type role string

const (
	apart     role = ""          // asks for itself
	undecided role = "candidate" // nobody is known to ask for others
	follower  role = "follower"  // takes the answers of another host
	leader    role = "leader"    // asks for others
)

// share is how a template shares answers. It belongs to the goroutine of Run,
// but for its poster.
type share struct {
	key   watch.Key
	board Board
	post  *poster

	role     role
	entry    watch.Entry // of the key, as last seen
	bundle   shared.Bundle
	versions map[watch.Query]uint64 // of the bundle's answers
	broken   error                  // why what is posted cannot be read
	limit    int                    // a size that is too large to be posted

	posted   []byte // what was last handed to the poster, nil if nothing is to be
	postedAt uint64 // the version of the key's entry then
}

// newShare returns nil if nothing is to be shared. Hosts share if source, text
// and destination are the same.
func newShare(s Sharing, t Template, p *Program) *share {
	if s.Board == nil || p == nil {
		return nil
	}
	hash := sha256.New()
	for i, part := range []string{t.Source, p.text, t.Destination} {
		if i > 0 {
			hash.Write([]byte{0})
		}
		hash.Write([]byte(part))
	}
	path := s.Prefix + hex.EncodeToString(hash.Sum(nil)) + "/data"
	return &share{key: watch.Key{Path: path}, board: s.Board, role: undecided, post: &poster{board: s.Board, key: path, next: make(chan []byte, 1)}}
}

// observe takes note of what the key says in s. It reports whether that is news.
func (m *share) observe(s *watch.Snapshot) (news bool) {
	e, _ := s.Entry(m.key)
	role, fresh := m.role, versionOf(s, m.key) != version{m.entry.Known, m.entry.Version}
	limit := m.limit
	m.entry, m.limit = e, m.post.limit()
	pair, _ := e.Value.(*watch.Pair)
	failure := m.post.failure()
	switch {
	case !e.Known && errors.Is(e.Err, watch.ErrDenied), errors.Is(failure, watch.ErrDenied):
		m.role = apart
	case pair == nil || pair.Session == "":
		m.role = undecided
		if failure != nil && len(m.versions) == 0 {
			m.role = apart // until it can be decided
		}
	case m.board.Owns(pair.Session):
		m.role = leader
	default:
		m.role = follower
		if fresh {
			m.read(pair.Value, e.Version)
		}
		if m.broken != nil || m.bundle.Apart {
			m.role = apart
		}
	}
	return fresh || role != m.role || limit != m.limit
}

// read takes over what another host has posted.
func (m *share) read(text string, version uint64) {
	var b shared.Bundle
	if b, m.broken = shared.Decode(text, m.bundle); m.broken != nil {
		return
	}
	versions := make(map[watch.Query]uint64)
	for q, a := range b.All {
		versions[q] = version
		if old, listed := m.bundle.Answer(q); listed && old.Same(a) {
			versions[q] = m.versions[q]
		}
	}
	m.bundle, m.versions = b, versions
}

// foreign marks versions of answers that are not the Watcher's own, so that none
// is equal to one of those.
const foreign = 1 << 63

// view is what the template sees: the answers of s to the queries it used, and
// those of another host in place of what s does not know.
func (m *share) view(s *watch.Snapshot, used []watch.Query) *watch.Snapshot {
	if len(m.versions) == 0 {
		return s
	}
	entries := make(map[watch.Query]watch.Entry, len(used)+len(m.versions))
	for _, q := range used {
		if e, wanted := s.Entry(q); wanted {
			entries[q] = e
		}
	}
	complete := true // nothing of the other host's is needed
	for q, a := range m.bundle.All {
		own, _ := s.Entry(q)
		if settled := own.Known || errors.Is(own.Err, watch.ErrDenied); settled && m.role != follower {
			continue
		}
		complete = false
		if a.Known {
			entries[q] = watch.Entry{
				Value: a.Value, Known: true, Version: m.versions[q] | foreign,
				Err: m.entry.Err, Confirmed: m.entry.Confirmed,
			}
		}
	}
	if complete && (m.role == leader || m.role == apart) {
		m.bundle, m.versions = shared.Bundle{}, nil // needed no more
		return s
	}
	return watch.NewSnapshot(s.Generation(), entries)
}

// wants is what has to be asked here: the key, and of used what no other host
// asks. As long as that is not known, nothing is that another could.
func (m *share) wants(used []watch.Query) []watch.Query {
	all := []watch.Query{m.key}
	for _, q := range used {
		elsewhere := false
		if m.role == undecided || m.role == follower {
			_, elsewhere = m.bundle.Answer(q)
			elsewhere = elsewhere || len(m.versions) == 0 && shared.Shareable(q)
		}
		if !elsewhere {
			all = append(all, q)
		}
	}
	return all
}

// publish posts what is known of the used queries, for whom it concerns.
func (m *share) publish(used []watch.Query, view *watch.Snapshot) error {
	if m.role != leader && !m.free() {
		if m.posted != nil {
			m.posted = nil
			m.post.send(nil)
		}
		return nil
	}
	text, err := shared.Encode(used, view)
	if err == nil && m.limit > 0 && len(text) >= m.limit {
		text, err = shared.Apart()
	}
	if err != nil {
		return err
	}
	pair, _ := m.entry.Value.(*watch.Pair)
	isPosted := m.role == leader && pair.Value == string(text)
	isPosting := bytes.Equal(m.posted, text) && m.postedAt == m.entry.Version
	if !isPosted && !isPosting {
		m.posted, m.postedAt = text, m.entry.Version
		m.post.send(text)
	}
	return nil
}

// free reports whether nobody has claimed the key.
func (m *share) free() bool {
	pair, _ := m.entry.Value.(*watch.Pair)
	return m.entry.Known && (pair == nil || pair.Session == "")
}

// reason is why the template asks for itself; nil if that is as it should be.
func (m *share) reason() error {
	switch {
	case m.role != apart:
		return nil
	case m.broken != nil:
		return m.broken
	case !m.entry.Known && m.entry.Err != nil:
		return m.entry.Err
	case m.bundle.Apart:
		return shared.ErrTooLarge
	}
	return m.post.failure()
}

// startSharing posts answers until ctx ends, and returns what waits for that.
func (r *Renderer) startSharing(ctx context.Context) *sync.WaitGroup {
	var posting sync.WaitGroup
	for _, t := range r.tasks {
		if t.share != nil {
			posting.Go(func() { t.share.post.run(ctx, func() { signal(r.shared) }) })
		}
	}
	return &posting
}

// look makes the task's view of a snapshot, and reports whether its share of
// answers has changed.
func (r *Renderer) look(t *task, s *watch.Snapshot) (news bool) {
	t.view = s
	if t.share == nil {
		return false
	}
	before := t.share.role
	news = t.share.observe(s)
	t.view = t.share.view(s, t.used)
	if role := t.share.role; role != before {
		t.status.Sharing = string(role)
		if err := t.share.reason(); err != nil {
			r.options.Logger.Warn("a template shares no answers, and asks for itself", "template", t.template.Name(), "err", err)
		} else {
			r.options.Logger.Info("a template shares answers", "template", t.template.Name(), "as", string(role))
		}
	}
	return news
}

// publishAnswers tells other hosts what is known.
func (r *Renderer) publishAnswers(t *task) {
	if err := t.share.publish(t.used, t.view); err != nil {
		r.report(t, "answers cannot be shared", err)
	}
}
