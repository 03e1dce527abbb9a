package admin

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed index.html
var indexHTML string

var indexTemplate = template.Must(template.New("index").Parse(indexHTML))

// index is the front page: links to the other endpoints.
func (h *handler) index(w http.ResponseWriter, _ *http.Request) {
	type link struct{ Path, Title string }
	var links []link
	for _, e := range h.endpoints[1:] {
		if e.changes {
			continue // nothing to look at
		}
		links = append(links, link{e.path, e.title})
	}
	var page bytes.Buffer
	err := indexTemplate.Execute(&page, struct {
		Version string
		Links   []link
	}{h.version, links})
	if err != nil {
		writeProblem(w, problem{Status: http.StatusInternalServerError, Detail: err.Error()})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page.Bytes())
}
