package install

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// owner is who a file belongs to.
type owner struct{ user, group int }

func ownerOf(info fs.FileInfo) owner {
	s := info.Sys().(*syscall.Stat_t)
	return owner{user: int(s.Uid), group: int(s.Gid)}
}

// owner is the one asked for; what is left open is as in like.
func (f File) owner(like fs.FileInfo) (owner, error) {
	o := ownerOf(like)
	var err error
	if f.User != "" {
		if o.user, err = userID(f.User); err != nil {
			return owner{}, err
		}
	}
	if f.Group != "" {
		if o.group, err = groupID(f.Group); err != nil {
			return owner{}, err
		}
	}
	return o, nil
}

func userID(name string) (int, error) {
	if id, err := strconv.Atoi(name); err == nil {
		return id, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("finding the user %q: %w", name, err)
	}
	return strconv.Atoi(u.Uid)
}

func groupID(name string) (int, error) {
	if id, err := strconv.Atoi(name); err == nil {
		return id, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("finding the group %q: %w", name, err)
	}
	return strconv.Atoi(g.Gid)
}

func give(file *os.File, want owner) error {
	info, err := file.Stat()
	if err != nil || ownerOf(info) == want {
		return err
	}
	if err := file.Chown(want.user, want.group); err != nil {
		return fmt.Errorf("changing the owner: %w", err)
	}
	return nil
}
