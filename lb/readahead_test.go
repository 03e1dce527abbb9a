package lb

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// firstRoom takes down how much room there is for a body of which nothing has come.
type firstRoom struct {
	from io.Reader
	room int
}

func (f *firstRoom) Read(p []byte) (int, error) {
	if f.room == 0 {
		f.room = len(p)
	}
	return f.from.Read(p)
}

// Whoever announces a body and does not send it costs next to nothing: clients may do
// that in thousands of requests at once.
func TestReadAheadMakesNoRoomInAdvance(t *testing.T) {
	text := strings.Repeat("x", maxReadAhead)
	body := &firstRoom{from: iotest.HalfReader(strings.NewReader(text + "behind it"))}
	x := &Exchange{Body: body, Length: maxReadAhead}
	if got, read, failed := x.ReadAhead(); string(got) != text || !read || failed {
		t.Errorf("%d bytes were read, failed %t", len(got), failed)
	}
	if again, err := io.ReadAll(x.Body); string(again) != text || err != nil {
		t.Errorf("%d bytes are there again, error %v", len(again), err)
	}
	if body.room > 4<<10 {
		t.Errorf("there was room for %d bytes before the first one came", body.room)
	}
}
