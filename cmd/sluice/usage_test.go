package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluiceproxy/sluice/config/configtest"
	"github.com/sluiceproxy/sluice/config/flags"
)

func TestUsage(t *testing.T) {
	var b strings.Builder
	if err := flags.WriteUsage(&b, usageHead); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 79 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	configtest.Golden(t, "testdata/usage.golden", b.String())
}
