package transport

import (
	"fmt"
	"strings"
	"testing"
)

func TestIDs(t *testing.T) {
	a, b := Transport{Name: "a", Certificates: "secret"}, Transport{Name: "a", Certificates: "secret"}
	other := Transport{Name: "a", Certificates: "another"}
	if a.ID() != b.ID() || a.ID().Compare(b.ID()) != 0 || a.ID() == other.ID() || !a.ID().Equal(b.ID()) {
		t.Error("IDs are not equal as their transports are")
	}
	if x, y := a.ID().Compare(other.ID()), other.ID().Compare(a.ID()); x == 0 || x != -y {
		t.Errorf("two of one name compare as %d and %d", x, y)
	}
	if none := (ID{}); none.Config() != nil || none.String() != "" || none.Compare(a.ID()) >= 0 {
		t.Error("no transport is one")
	}
	held := struct{ Transport ID }{a.ID()}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(format, held); strings.Contains(text, "secret") {
			t.Errorf("%s shows the key: %s", format, text)
		}
	}
}
