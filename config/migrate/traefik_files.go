package migrate

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"github.com/Masterminds/sprig/v3"
)

// followFiles reads the files of Traefik's file provider, and has them followed if it
// is asked to. One that cannot be read is left out, and told of.
func (m *migration) followFiles() {
	t, at, follows := m.ofTraefik, "providers.file", true
	if t == nil {
		t, at, follows = m.ofTraefik1, "file", false
	}
	if !t.has(at) {
		return
	}
	file, folder := t.text(at+".filename"), t.text(at+".directory")
	if watch := t.text(at + ".watch"); watch != "" {
		follows = watch == "true"
	}
	var files []string
	switch {
	case folder != "":
		files = m.dynamicFiles(folder)
	case file != "" && !m.isStaticFile(file):
		files = []string{file}
	}
	if from := cmp.Or(folder, file); follows && from != "" {
		m.Followed = append(m.Followed, from)
	}
	for _, path := range files {
		if err := m.readDynamic(path, at == "file"); err != nil {
			m.Unread = append(m.Unread, err)
		}
	}
}

// isStaticFile reports whether the static configuration is in that file.
func (m *migration) isStaticFile(path string) bool {
	return slices.ContainsFunc(m.named, func(named string) bool { return filepath.Clean(named) == filepath.Clean(path) })
}

// dynamicFiles are the files of a folder, and of folders in it, that Traefik reads.
func (m *migration) dynamicFiles(folder string) (files []string) {
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && slices.Contains([]string{".toml", ".yaml", ".yml"}, filepath.Ext(path)) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		m.Unread = append(m.Unread, fmt.Errorf("reading the folder of Traefik's files: %w", err))
	}
	return files
}

// readDynamic reads a file of routers and services, which may be a template.
func (m *migration) readDynamic(path string, isOf1 bool) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading a file of Traefik: %w", err)
	}
	if bytes.Contains(src, []byte("{{")) {
		if src, err = filled(path, string(src)); err != nil {
			return err
		}
	}
	if len(bytes.TrimSpace(src)) == 0 {
		return nil
	}
	t, err := parseTree(path, src)
	if err != nil || len(t.values) == 0 {
		return err
	}
	if isOf1 {
		m.add(&m.ofTraefik1, t)
	} else {
		m.add(&m.ofTraefik, t)
	}
	return nil
}

// filled is a file with what its template asks for.
func filled(path, src string) ([]byte, error) {
	functions := sprig.TxtFuncMap()
	functions["normalize"] = normalized
	made, err := template.New(path).Funcs(functions).Parse(src)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := made.Execute(&b, nil); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// normalized has letters and digits, with a dash for anything between them.
func normalized(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	return strings.Join(words, "-")
}
