package admin

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

// touchy is a body that nobody should read.
type touchy struct{ t *testing.T }

func (b touchy) Read([]byte) (int, error) {
	b.t.Error("the body is read")
	return 0, io.EOF
}

// Nothing here asks by a body: one that is sent along is not read, as forms would be,
// to memory and to disk, however long it is.
func TestBodiesAreNotRead(t *testing.T) {
	o := everything()
	o.Draining = func() bool { return false }
	o.ReleaseGuard = func() bool { return true }
	h := newHandler(o, slog.New(slog.DiscardHandler))
	for _, e := range h.endpoints {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, kind := range []string{"multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/json"} {
				r := httptest.NewRequest(method, e.path, touchy{t})
				r.Header.Set("Content-Type", kind)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code == http.StatusNotFound {
					t.Errorf("%s %s: %d", method, e.path, w.Code)
				}
			}
		}
	}
}
