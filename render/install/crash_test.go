package install

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// crashDirVariable makes the test binary a program that installs files into
// that folder until it is killed.
const crashDirVariable = "SLUICE_TEST_CRASH_DIR"

// version n is large enough for a kill to hit the middle of a write.
func version(n int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "version %08d\n", n), 20_000)
}

func isWhole(content []byte) bool {
	line, _, _ := bytes.Cut(content, []byte("\n"))
	var n int
	if _, err := fmt.Sscanf(string(line), "version %d", &n); err != nil {
		return false
	}
	return bytes.Equal(content, version(n))
}

func installForEver(dir string) {
	file := File{Path: filepath.Join(dir, "conf"), Backup: true, Applies: true}
	run := &Runner{}
	fmt.Println("ready")
	for n := rand.IntN(1000); ; n++ {
		outcome, err := file.Install(context.Background(), run, version(n%1000))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		if outcome.Owed {
			// What a reload would do: take the file as it is now into use.
			content, _ := os.ReadFile(file.Path)
			applied := filepath.Join(dir, "applied")
			os.WriteFile(applied+".new", content, 0o600)
			os.Rename(applied+".new", applied)
			file.Applied()
		}
	}
}

// A kill at any instant leaves the old or the new content, whole, and never a
// file that was not applied and is not marked so.
func TestKilledWhileInstalling(t *testing.T) {
	dir := t.TempDir()
	file := File{Path: filepath.Join(dir, "conf"), Applies: true}
	leftovers, marked := 0, 0
	// Kills that come too early for what they are meant to hit, as on a busy machine,
	// are followed by later ones.
	for round := time.Duration(0); round < 120 || leftovers == 0 || marked == 0; round++ {
		if round == 1000 {
			t.Fatalf("%d leftovers and %d markers after %d kills; want some of both", leftovers, marked, round)
		}
		killInstaller(t, dir, rand.N(15*time.Millisecond*(1+round/60)))
		content, err := os.ReadFile(file.Path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err == nil && !isWhole(content) {
			t.Fatalf("the file is torn: %d bytes, begins %.40q", len(content), content)
		}
		owed, err := file.isMarked()
		if err != nil {
			t.Fatal(err)
		}
		applied, _ := os.ReadFile(filepath.Join(dir, "applied"))
		if !owed && !bytes.Equal(applied, content) {
			t.Fatal("the file is not what was applied, and not marked")
		}
		if owed {
			marked++
		}
		leftovers += countLeftovers(t, dir)
		if err := file.RemoveLeftovers(); err != nil {
			t.Fatal(err)
		}
		if n := countLeftovers(t, dir); n > 0 {
			t.Fatalf("%d leftovers after they were removed", n)
		}
	}
}

// killInstaller kills one after that time. It waits for nothing: the point is to
// hit a random instant.
func killInstaller(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDirVariable+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	time.Sleep(after)
	cmd.Process.Kill()
	waitErr := cmd.Wait()
	if err != nil || line != "ready\n" || waitErr == nil || !strings.Contains(waitErr.Error(), "killed") {
		t.Fatalf("the installer said %q (%v) and ended with %v", line, err, waitErr)
	}
}

func countLeftovers(t *testing.T, dir string) int {
	t.Helper()
	return len(slices.DeleteFunc(names(t, dir), func(name string) bool { return !strings.HasSuffix(name, candidateSuffix) }))
}
