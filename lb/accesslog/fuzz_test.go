package accesslog

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzPattern: whatever is taken for a format makes lines that are one line,
// and what is not has an error.
func FuzzPattern(f *testing.F) {
	for _, format := range append(Formats(), commonPattern, combinedPattern, everything, jsonPattern, "$", "$header.", "a\n$request", `"$request`) {
		f.Add(format, attack)
	}
	f.Fuzz(func(t *testing.T, format, text string) {
		compiled, err := ParseFormat(format, Modes{}, Modes{})
		if err != nil {
			if err.Error() == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		checkLine(t, format, compiled.Append(nil, hostile(text)))
	})
}

// FuzzEscape: no text, wherever it stands, makes more than a line, or a line of
// JSON that is none; and JSON gives it back.
func FuzzEscape(f *testing.F) {
	for _, text := range []string{attack, "", " ", "\n", "\"", "\\", "\u2028", "\xc3", "é", "\\u000a", "-"} {
		f.Add(text)
	}
	all := Modes{Default: "keep"}
	var formats []*Format
	var names []string
	for _, text := range append(Formats(), everything) {
		formats, names = append(formats, mustFormat(f, text, Modes{}, all)), append(names, text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, format := range formats {
			line := format.Append(nil, hostile(text))
			checkLine(t, names[i], line)
			if names[i] != jsonLines || text == "" || len(text) > maxValue {
				continue
			}
			var decoded struct{ Host string }
			if err := json.Unmarshal(line, &decoded); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			if want := strings.ToValidUTF8(text, "\uFFFD"); utf8.ValidString(text) && decoded.Host != want {
				t.Errorf("%q came back as %q", text, decoded.Host)
			}
		}
	})
}

func checkLine(t *testing.T, format string, line []byte) {
	t.Helper()
	if !bytes.HasSuffix(line, []byte{'\n'}) {
		t.Fatalf("%s: %q has no end", format, line)
	}
	for _, r := range string(line[:len(line)-1]) {
		special := r < ' ' || 0x7f <= r && r < 0xa0 || r == '\u2028' || r == '\u2029' || !isJSON(format) && r > '~'
		if special && !strings.ContainsRune(format, r) {
			t.Fatalf("%s: %q holds %q", format, line, r)
		}
	}
	if (format == jsonLines || format == traefikJSON) && !json.Valid(line) {
		t.Fatalf("%s: %q is no JSON", format, line)
	}
}
