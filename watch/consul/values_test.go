package consul

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
)

func testValues(t *testing.T, c Config, prefix string) *Values {
	t.Helper()
	c.Logger = quiet
	v, err := NewValues(c, prefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func TestValues(t *testing.T) {
	agent := parts.StartConsul(t)
	v := testValues(t, web(agent), "/sluice/acme/")
	ctx := t.Context()
	if _, err := v.Load(ctx, "a/b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("loading what is not there: %v", err)
	}
	binary := string([]byte{0, 255, '\n', '"'})
	for name, value := range map[string]string{"a/b": binary, "a/c/d e?f": "2", "ab": "3", "a": "4"} {
		if err := v.Store(ctx, name, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := v.Load(ctx, "a/b"); err != nil || string(got) != binary {
		t.Errorf("loaded %q, %v", got, err)
	}
	if raw := agent.Do("GET", "/v1/kv/sluice/acme/ab?raw", ""); raw != "3" {
		t.Errorf("the key holds %q", raw)
	}
	for below, want := range map[string][]string{
		"a": {"a/b", "a/c/d e?f"}, "": {"a", "a/b", "a/c/d e?f", "ab"}, "x": nil,
	} {
		if got, err := v.List(ctx, below); err != nil || !slices.Equal(got, want) {
			t.Errorf("below %q there are %q, %v; want %q", below, got, err, want)
		}
	}
	if err := v.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if got, err := v.List(ctx, ""); err != nil || !slices.Equal(got, []string{"ab"}) {
		t.Errorf("after the deletion there are %q, %v", got, err)
	}
	if err := v.Delete(ctx, "a"); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
}

func TestValuesLock(t *testing.T) {
	agent := parts.StartConsul(t)
	first, second := testValues(t, web(agent), "sluice/acme"), testValues(t, web(agent), "sluice/acme")
	held, release, err := first.Lock(t.Context(), "issue_a")
	if err != nil {
		t.Fatal(err)
	}
	taken := make(chan error)
	go func() {
		_, release, err := second.Lock(t.Context(), "issue_a")
		if err == nil {
			release()
		}
		taken <- err
	}()
	eventually(t, "the lock is below the prefix", func() bool {
		names, err := first.List(t.Context(), "locks")
		return err == nil && slices.Contains(names, "locks/issue_a/1")
	})
	select {
	case err := <-taken:
		t.Fatalf("both have it (%v)", err)
	default:
	}
	if held.Err() != nil {
		t.Error("it was lost")
	}
	release()
	if err := <-taken; err != nil {
		t.Error(err)
	}
}

func TestValuesRefused(t *testing.T) {
	if _, err := NewValues(Config{}, "/"); err == nil {
		t.Error("the whole store is accepted")
	}
	cluster := startClosedCluster(t)
	cluster.token(reader, readerPolicy)
	v := testValues(t, Config{Address: cluster.Addr, Token: reader}, "sluice/acme")
	err := v.Store(t.Context(), "a", []byte("hidden value"))
	if !errors.Is(err, watch.ErrDenied) || !strings.Contains(err.Error(), `key:write on "sluice/acme/a"`) || strings.Contains(err.Error(), "hidden") {
		t.Errorf("error %v", err)
	}
	if _, err := v.Load(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a reader reads %v", err)
	}
}

// The rights that docs/acme.md names are enough.
func TestValuesRights(t *testing.T) {
	cluster := startClosedCluster(t)
	cluster.put("/v1/acl/policy", `{"Name":"acme","Rules":"key_prefix \"sluice/acme/\" { policy = \"write\" } session_prefix \"\" { policy = \"write\" }"}`)
	cluster.token(powerless, `[{"Name":"acme"}]`)
	v, ctx := testValues(t, Config{Address: cluster.Addr, Token: powerless}, "sluice/acme"), t.Context()
	_, release, err := v.Lock(ctx, "issue_a")
	if err != nil {
		t.Fatal(err)
	}
	release()
	if err := v.Store(ctx, "a/b", []byte("1")); err != nil {
		t.Error(err)
	}
	if value, err := v.Load(ctx, "a/b"); err != nil || string(value) != "1" {
		t.Errorf("loaded %q, %v", value, err)
	}
	if names, err := v.List(ctx, "a"); err != nil || !slices.Equal(names, []string{"a/b"}) {
		t.Errorf("listed %q, %v", names, err)
	}
	if err := v.Delete(ctx, "a"); err != nil {
		t.Error(err)
	}
}
