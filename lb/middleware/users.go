package middleware

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

// users are the names of a spec and of its file. While the file cannot be read
// nobody is a user.
type users[T any] struct {
	*freshFile[userTable[T]]
	lost []error // why some of the spec let nobody in
}

// userTable is immutable.
type userTable[T any] struct {
	users map[string]T
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
	u := &users[T]{}
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
	u.freshFile = newFreshFile(path, cmp.Or(refresh, lookEvery), func(text []byte) (userTable[T], error) {
		table := userTable[T]{users: map[string]T{}}
		for _, line := range fixed {
			_ = table.add(line, parse) // what cannot be is among lost
		}
		table.addFile(string(text), parse)
		if len(table.users) > 0 {
			return table, nil
		}
		none := fmt.Errorf("there is no valid user%s", in(path))
		if len(u.lost) > 0 {
			none = fmt.Errorf("%w: %w", none, u.lost[0])
		}
		return userTable[T]{}, none
	})
	_, err := u.get()
	return u, err
}

func (t *userTable[T]) addFile(text string, parse func(string) (string, T, error)) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := t.add(line, parse); err != nil && !errors.Is(err, errOtherRealm) {
			t.bad = append(t.bad, number)
		}
	}
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
	table, err := u.get()
	if err != nil {
		return varies, fmt.Errorf("nobody is let in: %w", err)
	}
	var wrong []string
	for _, err := range u.lost {
		wrong = append(wrong, err.Error()+", who is not let in")
	}
	switch bad := table.bad; len(bad) {
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
