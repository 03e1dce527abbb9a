package install

import (
	"encoding/binary"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A rename outlives a crash of the machine only if its folder is synced after
// it, for which the folder has to be opened.
func TestInstallSyncsTheFolderAtTheEnd(t *testing.T) {
	for name, f := range map[string]File{
		"plain":        {},
		"with command": {Applies: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			f.Path = filepath.Join(dir, "conf")
			events := watchFolder(t, dir)
			mustInstall(t, f, "text")
			renamed, opened := false, false
			for _, mask := range events() {
				switch {
				case mask&unix.IN_MOVED_TO != 0:
					renamed, opened = true, false
				case mask&unix.IN_OPEN != 0 && mask&unix.IN_ISDIR != 0:
					opened = true
				}
			}
			if !renamed || !opened {
				t.Errorf("renamed: %v, then synced: %v", renamed, opened)
			}
		})
	}
}

// watchFolder returns what has happened in the folder up to each call.
func watchFolder(t *testing.T, dir string) (events func() []uint32) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MOVED_TO|unix.IN_OPEN); err != nil {
		t.Fatal(err)
	}
	return func() (masks []uint32) {
		buf := make([]byte, 64<<10)
		n, err := unix.Read(fd, buf)
		if err != nil {
			t.Fatal(err)
		}
		for buf = buf[:n]; len(buf) > 0; {
			masks = append(masks, binary.NativeEndian.Uint32(buf[4:]))
			buf = buf[unix.SizeofInotifyEvent+binary.NativeEndian.Uint32(buf[12:]):]
		}
		return masks
	}
}
