package accesslog

import "testing"

func TestArePlain(t *testing.T) {
	if text := []byte("GET /~az"); !arePlain(string(text)) {
		t.Errorf("%q is found not to be plain", text)
	}
	for at := range 8 {
		for c := range 256 {
			text := []byte("abcdefgh")
			if text[at] = byte(c); arePlain(string(text)) != plainText[c] {
				t.Errorf("%q: found plain: %v, want %v", text, !plainText[c], plainText[c])
			}
		}
	}
}
