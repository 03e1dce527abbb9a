package config

// FabioUI is what Fabio was told of its administration, and all that it was told.
type FabioUI struct {
	Listen   string // what ui.addr says
	ReadOnly bool   // ui.access=ro: manual routes are neither shown nor changed
	Title    string
	Path     string // below which all but /health is: empty, or with a slash in front
	Links    FabioLinks

	Given map[string]string // properties, by the names of [fabioKeys]
}

// NewFabioUI is what Fabio has without another word.
func NewFabioUI() *FabioUI {
	return &FabioUI{Links: FabioLinks{NewTab: true, Scheme: "http"}, Given: map[string]string{}}
}

// FabioLinks make links of the sources of routes.
type FabioLinks struct {
	On, NewTab         bool
	Scheme, Host, Port string
}
