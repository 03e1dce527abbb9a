package h1

import "testing"

// The buffer of a head never gets longer than what may be read of it.
func TestBufferOfAHeadKeepsToTheLimit(t *testing.T) {
	for _, most := range []int{largeBuffer, 2 * largeBuffer, 1 << 20} {
		rd := reader{buf: getSmall()}
		for len(rd.buf) < most {
			rd.w = len(rd.buf)
			if rd.grow(most); len(rd.buf) <= rd.w || len(rd.buf) > most {
				t.Fatalf("from %d bytes it grows to %d, where %d are allowed", rd.w, len(rd.buf), most)
			}
		}
		rd.drop()
	}
}
