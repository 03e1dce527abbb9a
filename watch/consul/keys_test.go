package consul

import (
	"errors"
	"testing"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
)

func testKeys(t *testing.T, c Config) *Keys {
	t.Helper()
	c.Logger = quiet
	k, err := NewKeys(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func TestKeysCompareAndSet(t *testing.T) {
	agent := parts.StartConsul(t)
	keys := testKeys(t, web(agent))
	set := func(key, value string, index uint64) bool {
		t.Helper()
		ok, err := keys.CompareAndSet(t.Context(), key, value, index)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	tree := func(key string) []watch.Pair {
		t.Helper()
		pairs, err := keys.Tree(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return pairs
	}
	if got := tree("app/routes"); len(got) != 0 {
		t.Errorf("before: %v", got)
	}
	if !set("app/routes", "one", 0) || set("app/routes", "two", 0) {
		t.Error("a key is to be made once")
	}
	first := tree("/app/routes/")[0]
	if !set("app/routes", "two", first.ModifyIndex) || set("app/routes", "three", first.ModifyIndex) {
		t.Error("a key is to be changed by who knows its index")
	}
	if !set("app/routes/a b?", "below", 0) || !set("app/routes2", "beside", 0) {
		t.Error("other keys are not to be in the way")
	}
	got := tree("app/routes")
	if len(got) != 2 || got[0].Value != "two" || got[1].Key != "app/routes/a b?" || got[1].Value != "below" {
		t.Errorf("after: %v", got)
	}
}

func TestKeysDenied(t *testing.T) {
	c := startClosedCluster(t)
	c.token(reader, readerPolicy)
	keys := testKeys(t, Config{Address: c.Addr, Token: reader})
	if pairs, err := keys.Tree(t.Context(), "app"); err != nil || len(pairs) != 1 {
		t.Errorf("%v, %v", pairs, err)
	}
	if _, err := keys.CompareAndSet(t.Context(), "app/a", "", 0); !errors.Is(err, watch.ErrDenied) {
		t.Errorf("%v", err)
	}
}
