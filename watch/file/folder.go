package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// content is what files say, whichever their format.
type content struct {
	services []definition
	checks   []looseCheck
	pairs    []pair
	lost     lost
}

// folder reads the catalog's files and remembers what each last said well.
// It belongs to one goroutine.
type folder struct {
	dir   string
	files map[string]*file // by path
	last  listing
}

// file is one file of the folder.
type file struct {
	text   string
	read   bool
	good   content
	faults []Fault
}

// listing is the files of a folder at one moment, sorted by path.
type listing struct {
	files  []listed
	dirs   []string // the folder and those of the kv tree
	err    error    // why the folder itself cannot be listed, or nil
	broken []string // folders and files that could not be looked at
	faults []Fault
}

type listed struct {
	path string
	key  string // of the KV store, for files of the kv tree
	info fs.FileInfo
}

// changed reports whether files came, went or changed since the last read, as
// far as their metadata tells.
func (f *folder) changed() bool {
	now := f.list()
	return !slices.EqualFunc(now.files, f.last.files, func(a, b listed) bool {
		return a.path == b.path && sameFile(a.info, b.info)
	}) || !slices.EqualFunc(now.faults, f.last.faults, func(a, b Fault) bool {
		return a.Error() == b.Error()
	})
}

func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode() == b.Mode()
}

// read reads all files; those whose text did not change are not parsed again.
// Texts are compared rather than times, which are too coarse to tell two quick
// writes apart.
func (f *folder) read() (content, []Fault) {
	f.last = f.list()
	listed := map[string]bool{}
	for _, l := range f.last.files {
		listed[l.path] = true
		if f.files[l.path] == nil {
			f.files[l.path] = &file{}
		}
		if !f.files[l.path].reread(l) {
			delete(f.files, l.path)
		}
	}
	for path := range f.files {
		if !listed[path] && !f.last.hides(path) {
			delete(f.files, path)
		}
	}
	return f.content()
}

// hides reports whether a file that is not listed may still be there.
func (l listing) hides(path string) bool {
	return slices.ContainsFunc(l.broken, func(at string) bool {
		return path == at || strings.HasPrefix(path, at+string(filepath.Separator))
	})
}

// content puts together what the files say. Definitions come before KV, and
// each in the order of the paths.
func (f *folder) content() (content, []Fault) {
	var all content
	faults := slices.Clone(f.last.faults)
	paths := make([]string, 0, len(f.files))
	for path := range f.files {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		file := f.files[path]
		all.services = append(all.services, file.good.services...)
		all.checks = append(all.checks, file.good.checks...)
		all.pairs = append(all.pairs, file.good.pairs...)
		faults = append(faults, file.faults...)
	}
	return all, faults
}

// reread brings f up to date. It returns false when the file is gone.
func (f *file) reread(l listed) bool {
	text, err := readRegular(l.path, l.info)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		f.read, f.faults = false, []Fault{{Path: l.path, Err: err}}
		return true
	}
	if f.read && f.text == text {
		return true
	}
	said, faults := parse(l, text)
	f.text, f.read, f.faults = text, true, faults
	f.good = said.over(f.good)
	return true
}

// readRegular reads a file, but nothing that could block or never end.
func readRegular(path string, info fs.FileInfo) (string, error) {
	if !info.Mode().IsRegular() {
		return "", errors.New("not a regular file")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", withoutPath(err)
	}
	return string(text), nil
}

// withoutPath is the cause of an error that will be reported with its path.
func withoutPath(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", at.Op, at.Err)
	}
	return err
}

// parse reads a text by what the file's name says it is. A text of keys with a
// fault says nothing.
func parse(l listed, text string) (said content, faults []Fault) {
	switch {
	case l.key != "":
		said, faults = parseValue(l.path, l.key, text)
	case filepath.Base(l.path) == "kv.json":
		said, faults = parseKVJSON(l.path, text)
	case filepath.Base(l.path) == "kv.yaml", filepath.Base(l.path) == "kv.yml":
		said, faults = parseKVYAML(l.path, text)
	default:
		return parseDefinitions(l.path, text)
	}
	if len(faults) > 0 {
		return content{lost: lost{all: true}}, faults
	}
	return said, nil
}

// list finds the files that count.
func (f *folder) list() listing {
	var l listing
	entries := l.enter(f.dir)
	if len(l.faults) > 0 {
		l.err = l.faults[0].Err
	}
	for _, entry := range entries {
		path := filepath.Join(f.dir, entry.Name())
		switch filepath.Ext(path) {
		case ".json", ".hcl":
			l.add(path, "")
		case ".yaml", ".yml":
			if entry.Name() == "kv.yaml" || entry.Name() == "kv.yml" {
				l.add(path, "")
			}
		}
	}
	kv := filepath.Join(f.dir, "kv")
	switch info, err := os.Stat(kv); {
	case err == nil && info.IsDir():
		l.tree(kv, "")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		l.failed(kv, err)
	}
	return l
}

// tree lists a folder of the KV store, whose key is prefix.
func (l *listing) tree(dir, prefix string) {
	for _, entry := range l.enter(dir) {
		path := filepath.Join(dir, entry.Name())
		if entry.IsDir() {
			l.tree(path, prefix+entry.Name()+"/")
			continue
		}
		l.add(path, prefix+entry.Name())
	}
}

// enter reads a folder's entries, without those that editors leave behind.
func (l *listing) enter(dir string) []fs.DirEntry {
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.failed(dir, err)
		return nil
	}
	l.dirs = append(l.dirs, dir)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), "~")
	})
}

// add lists a file. Symbolic links to files are followed, which is how
// mounted configuration is often laid out; links to folders could lead in
// circles.
func (l *listing) add(path, key string) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		l.failed(path, err)
	case info.IsDir() && key != "":
		l.faults = append(l.faults, Fault{Path: path, Err: errors.New("a symbolic link to a folder is not followed")})
	case info.IsDir():
		// A folder whose name looks like a file's is none of ours.
	default:
		l.files = append(l.files, listed{path, key, info})
	}
}

func (l *listing) failed(path string, err error) {
	l.broken = append(l.broken, path)
	l.faults = append(l.faults, Fault{Path: path, Err: withoutPath(err)})
}
