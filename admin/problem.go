package admin

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// problem is an error as RFC 9457 writes it. Its type is always "about:blank":
// the status says all a program needs.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Paths are those that exist, beside a 404.
	Paths []string `json:"paths,omitempty"`
}

func writeProblem(w http.ResponseWriter, p problem) {
	p.Title = http.StatusText(p.Status)
	writeJSON(w, p.Status, "application/problem+json", p)
}

// writeJSON writes v indented. It is encoded in full first: an error must not
// come behind a status that says all is well.
func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		writeProblem(w, problem{Status: http.StatusInternalServerError, Detail: "encoding the answer: " + err.Error()})
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that went away is no concern
}
