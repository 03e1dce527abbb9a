package spec

import (
	"strings"
	"testing"
)

// A check that no server could be asked would fail for ever, as if it were down.
func TestHealthChecksThatCannotBeSent(t *testing.T) {
	for name, change := range map[string]func(h *HealthCheck){
		"path":        func(h *HealthCheck) { h.Path = "/a\x00" },
		"method":      func(h *HealthCheck) { h.Method = "GET /evil" },
		"hostname":    func(h *HealthCheck) { h.Hostname = "a\r\nb" },
		"field":       func(h *HealthCheck) { h.Headers = map[string]string{"X-A": "a\r\nX-B: b"} },
		"field name":  func(h *HealthCheck) { h.Headers = map[string]string{"X A": "a"} },
		"host itself": func(h *HealthCheck) { h.Headers = map[string]string{"Host": "a\nb"} },
	} {
		h := DefaultHealthCheck()
		h.Path, h.Hostname, h.Headers = "/up?a=b", "shop.test:80", map[string]string{"X-A": "a b"}
		if err := h.validate(); err != nil {
			t.Fatal(err)
		}
		change(h)
		if err := h.validate(); err == nil || !strings.Contains(err.Error(), "cannot be sent") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
