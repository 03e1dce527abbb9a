package middleware

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// users are the names of a spec and of its file, which is read again when it
// has changed. While the file cannot be read nobody is a user.
type users[T any] struct {
	fixed   []string
	path    string
	refresh time.Duration
	parse   func(line string) (name string, value T, err error)
	lost    []error // why some of fixed let nobody in

	table atomic.Pointer[userTable[T]]

	mu      sync.Mutex // for who looks at the file
	looked  time.Time
	changed time.Time // of the file as it was read, and:
	size    int64
}

// userTable is immutable.
type userTable[T any] struct {
	users map[string]T
	err   error // why there is none
	// bad are the lines of the file that are no users.
	bad []int
}

// What lines are told by that have the right form and let nobody in.
var (
	// errOtherRealm is of those that are not meant for us.
	errOtherRealm = errors.New("of another realm")
	errHash       = errors.New("of no known form")
)

// newUsers reads the users. A line of the spec that has not the form of one is an
// error; one that lets nobody in, and any of the file, costs that user alone. If
// the file cannot be read there are users beside the error: nobody, until it can.
func newUsers[T any](fixed []string, path string, refresh time.Duration, parse func(string) (string, T, error)) (*users[T], error) {
	if refresh == 0 {
		refresh = time.Second
	}
	u := &users[T]{fixed: fixed, path: path, refresh: refresh, parse: parse, looked: time.Now()}
	for i, line := range fixed {
		_, _, err := parse(line)
		if err == nil {
			continue
		}
		err = fmt.Errorf("user %d: %w", i+1, err)
		if !errors.Is(err, errOtherRealm) && !errors.Is(err, errHash) {
			return nil, err
		}
		u.lost = append(u.lost, err)
	}
	info, err := u.stat()
	if err == nil {
		err = u.read(info)
	}
	if err != nil {
		u.table.Store(&userTable[T]{err: err})
	}
	return u, err
}

// get returns the users there are now.
func (u *users[T]) get() (map[string]T, error) {
	if u.path != "" && u.mu.TryLock() {
		if now := time.Now(); now.Sub(u.looked) >= u.refresh {
			u.looked = now
			u.look()
		}
		u.mu.Unlock()
	}
	t := u.table.Load()
	return t.users, t.err
}

// look reads the file again if it has changed.
func (u *users[T]) look() {
	info, err := u.stat()
	if err == nil && info != nil && info.ModTime().Equal(u.changed) && info.Size() == u.size && u.table.Load().err == nil {
		return
	}
	if err == nil {
		err = u.read(info)
	}
	if err != nil {
		u.table.Store(&userTable[T]{err: err})
	}
}

func (u *users[T]) stat() (os.FileInfo, error) {
	if u.path == "" {
		return nil, nil //nolint:nilnil // there is no file
	}
	return os.Stat(u.path)
}

func (u *users[T]) read(info os.FileInfo) error {
	table := &userTable[T]{users: map[string]T{}}
	for _, line := range u.fixed {
		_ = table.add(line, u.parse) // what cannot be is among lost
	}
	if info != nil {
		text, err := readFile(u.path)
		if err != nil {
			return err
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			if err := table.add(line, u.parse); err != nil && !errors.Is(err, errOtherRealm) {
				table.bad = append(table.bad, number)
			}
		}
		u.changed, u.size = info.ModTime(), info.Size()
	}
	if len(table.users) == 0 {
		none := fmt.Errorf("there is no valid user%s", in(u.path))
		if len(u.lost) > 0 {
			return fmt.Errorf("%w: %w", none, u.lost[0])
		}
		return none
	}
	u.table.Store(table)
	return nil
}

func (t *userTable[T]) add(line string, parse func(string) (string, T, error)) error {
	name, value, err := parse(line)
	if err == nil {
		t.users[name] = value
	}
	return err
}

func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

// fault is what is wrong at the moment, and whether anything ever may be. It holds
// nothing of the hashes.
func (u *users[T]) fault() (varies bool, err error) {
	varies = u.path != "" || len(u.lost) > 0
	if _, err := u.get(); err != nil {
		return varies, fmt.Errorf("nobody is let in: %w", err)
	}
	var wrong []string
	for _, err := range u.lost {
		wrong = append(wrong, err.Error()+", who is not let in")
	}
	switch bad := u.table.Load().bad; len(bad) {
	case 0:
	case 1:
		wrong = append(wrong, fmt.Sprintf("line %d%s is no user, who is not let in", bad[0], in(u.path)))
	default:
		wrong = append(wrong, fmt.Sprintf("line %d%s and %d more are no users, who are not let in", bad[0], in(u.path), len(bad)-1))
	}
	if len(wrong) == 0 {
		return varies, nil
	}
	return varies, errors.New(strings.Join(wrong, "; "))
}
