package install

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFailedCandidateIsRemoved(t *testing.T) {
	dir := t.TempDir()
	f := File{Path: filepath.Join(dir, "f"), User: "no-such-user-here"}
	if _, err := f.Install(t.Context(), &Runner{}, []byte("x")); err == nil {
		t.Fatal("an unknown user is taken")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("%v is left behind (%v)", entries, err)
	}
}
