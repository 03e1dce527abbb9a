package fabioapi

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pageTemplates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// basePage is what all pages show.
type basePage struct {
	Title, Program, Path string
	// Editable says that there is a page for manual routes.
	Editable bool
}

func (a *API) page() basePage {
	return basePage{Title: cmp.Or(a.ui.Title, "sluice"), Program: a.version, Path: a.ui.Path, Editable: !a.ui.ReadOnly}
}

// linkedTarget has no link if none is wanted.
type linkedTarget struct {
	routeTarget

	Link string
}

func (a *API) routesPage(w http.ResponseWriter, r *http.Request) {
	page := struct {
		basePage

		Targets []linkedTarget
		NewTab  bool
	}{basePage: a.page(), NewTab: a.ui.Links.NewTab}
	for _, t := range a.routes.targets() {
		linked := linkedTarget{routeTarget: t}
		if a.ui.Links.On && strings.Contains(t.Src, "/") {
			linked.Link = linkTo(a.ui.Links, t, r.Host)
		}
		page.Targets = append(page.Targets, linked)
	}
	writePage(w, http.StatusOK, "routes.html", page)
}

// manualView is the page of one key.
type manualView struct {
	basePage
	manualText

	Sub     string
	Subs    []string
	Error   string
	Theirs  string // what the key has become meanwhile
	Changed bool
}

// manualPage shows a key, or takes what it should become from a form.
func (a *API) manualPage(w http.ResponseWriter, r *http.Request, sub string) {
	view, status := manualView{basePage: a.page(), Sub: sub}, http.StatusOK
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if !isFromHere(w, r) {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxManual)
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		// Forms send lines as RFC 9110 never would.
		view.Value, view.Version = strings.ReplaceAll(r.PostForm.Get("value"), "\r\n", "\n"), r.PostForm.Get("version")
		err := a.routes.write(r.Context(), sub, view.manualText)
		if err == nil {
			http.Redirect(w, r, r.URL.EscapedPath(), http.StatusSeeOther)
			return
		}
		status, view.Error, view.Changed = statusOf(err), err.Error(), statusOf(err) == http.StatusConflict
	default:
		notAllowed(w, "GET, HEAD, POST")
		return
	}
	if err := view.load(r, &a.routes); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writePage(w, status, "manual.html", view)
}

// load fills in what the store has. What could not be written stays to be edited;
// who is shown what somebody else has written may write over it.
func (v *manualView) load(r *http.Request, routes *routeSet) error {
	pairs, err := routes.kept(r.Context())
	now := routes.manual(pairs, v.Sub)
	v.Subs = routes.subs(pairs)
	switch {
	case v.Changed:
		v.Theirs, v.Version = now.Value, now.Version
	case v.Error == "":
		v.manualText = now
	}
	return err
}

func writePage(w http.ResponseWriter, status int, name string, view any) {
	var text bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&text, name, view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// Without a referrer a browser would not tell where a form comes from.
	w.Header().Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes())
}
