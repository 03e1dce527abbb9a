package tlsconf

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// maxFile bounds one file, wherever it comes from.
	maxFile = 1 << 20
	// maxFiles bounds the files of one source.
	maxFiles = 10_000
	// fetchTimeout bounds the fetching of one file.
	fetchTimeout = 10 * time.Second
)

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading certificates: %w", err)
	}
	defer f.Close()
	return readLimited(f, path)
}

func readLimited(r io.Reader, name string) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading certificates from %s: %w", name, err)
	case len(content) > maxFile:
		return nil, fmt.Errorf("reading certificates from %s: it is larger than %d bytes", name, maxFile)
	}
	return content, nil
}

// readFolder reads the .pem files of a folder and of those in it, by their paths
// below it. A file that cannot be read is an error: half a folder would look
// like one from which something was deleted.
func readFolder(folder string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		// The folders in which Kubernetes keeps the versions of a secret start
		// with two dots; links lead to the files.
		if entry.IsDir() && strings.HasPrefix(name, "..") {
			return filepath.SkipDir
		}
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".pem" {
			return err
		}
		if len(files) == maxFiles {
			return fmt.Errorf("there are more than %d files", maxFiles)
		}
		files[filepath.ToSlash(name)], err = readFile(path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the folder of certificates %s: %w", folder, err)
	}
	return files, nil
}

// fetchListed fetches the files a text file lists, one in a line, relative to
// its own URL. They come from the same server as the list.
func (s Source) fetchListed(ctx context.Context, list string) (map[string][]byte, error) {
	base, err := url.Parse(list)
	if err != nil {
		return nil, fmt.Errorf("fetching certificates: %w", withoutURL(err))
	}
	text, err := s.fetch(ctx, base)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		name := strings.TrimSpace(line)
		if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		at, err := base.Parse(name)
		switch {
		case err != nil || at.Host != base.Host || at.Scheme != base.Scheme:
			return nil, fmt.Errorf("fetching certificates from %s: the line %q names no file beside it", base.Redacted(), name)
		case len(files) == maxFiles:
			return nil, fmt.Errorf("fetching certificates from %s: there are more than %d files", base.Redacted(), maxFiles)
		}
		if files[name], err = s.fetch(ctx, at); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (s Source) fetch(ctx context.Context, from *url.URL) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("fetching certificates from %s: %w", from.Redacted(), withoutURL(err))
	}
	for name, values := range s.Header {
		req.Header[name] = slices.Clone(values)
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetching certificates from %s: %w", from.Redacted(), withoutURL(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching certificates from %s: the answer is %s", from.Redacted(), resp.Status)
	}
	return readLimited(resp.Body, from.Redacted())
}

// withoutURL takes the URL out of an error, for it may hold a password.
func withoutURL(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // as package net/url returns it
		return e.Err
	}
	return err
}
