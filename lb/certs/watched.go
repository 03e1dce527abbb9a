package certs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/lb/tlsconf"
	"github.com/sluiceproxy/sluice/watch"
)

// follow keeps up with what the watcher knows of the source, until ctx ends.
func (k *keptSource) follow(ctx context.Context, w *watch.Watcher) {
	wants := w.Register("certificates " + k.Name)
	defer wants.Close()
	for {
		reading := certReading{snapshot: w.Snapshot()}
		var content tlsconf.Content
		if k.issuer == nil {
			content.Pairs = tlsconf.PairsOf(reading.files(&k.Source, k.Cert))
		}
		if k.ClientCA != "" {
			for _, file := range reading.files(&k.Source, k.ClientCA) {
				content.ClientCAs = append(content.ClientCAs, file)
			}
		}
		wants.Set(reading.wanted...)
		if !reading.pending {
			k.keeper.Tell(k.put(content, errors.Join(reading.failures...)))
		}
		select {
		case <-ctx.Done():
			return
		case <-wants.Changed():
		}
	}
}

// put puts what was read in force. Where certificates are issued, that is the
// authorities of clients alone.
func (k *keptSource) put(content tlsconf.Content, failure error) error {
	if k.issuer == nil {
		return k.keeper.Put(content, failure)
	}
	if len(content.ClientCAs) == 0 && failure != nil {
		return failure
	}
	return errors.Join(failure, k.keeper.Store.SetClientCAs(content.ClientCAs...))
}

// certReading reads files of certificates out of a snapshot.
type certReading struct {
	snapshot *watch.Snapshot
	wanted   []watch.Query
	pending  bool    // an answer is not there yet
	failures []error // of what cannot be had at the moment, and never could
}

func (r *certReading) files(c *Source, where string) map[string][]byte {
	if c.Type != typeConsul {
		return r.secrets(where)
	}
	return r.keys(watch.Prefix{Scope: watch.Scope{Datacenter: c.Datacenter}, Path: strings.Trim(where, "/") + "/"})
}

// ask is the answer to a query, which is wanted from now on.
func ask[A any](r *certReading, q watch.For[A]) A {
	r.wanted = append(r.wanted, q)
	answer, known := watch.Get(r.snapshot, q)
	if known {
		return answer
	}
	if entry, _ := r.snapshot.Entry(q); entry.Err != nil {
		r.failures = append(r.failures, fmt.Errorf("%s: %w", q, entry.Err))
	} else {
		r.pending = true
	}
	return answer
}

// keys are the values of the keys below a prefix, by the rest of their names.
func (r *certReading) keys(prefix watch.Prefix) map[string][]byte {
	files := map[string][]byte{}
	for _, pair := range ask(r, prefix) {
		files[strings.TrimPrefix(pair.Key, prefix.Path)] = []byte(pair.Value)
	}
	return files
}

// secrets are the secrets directly below a path: each has a certificate as
// "cert" and, unless it is in there too, its key as "key".
func (r *certReading) secrets(path string) map[string][]byte {
	path = strings.Trim(path, "/")
	files := map[string][]byte{}
	for _, name := range ask(r, watch.VaultList{Path: path}) {
		if strings.HasSuffix(name, "/") {
			continue
		}
		secret := ask(r, watch.VaultSecret{Path: path + "/" + name})
		if secret == nil {
			continue
		}
		data := secret.Data
		if inner, ok := data["data"].(map[string]any); ok && data["cert"] == nil {
			data = inner // of a KV store of version 2
		}
		for key, suffix := range map[string]string{"cert": "-cert.pem", "key": "-key.pem"} {
			if text, ok := data[key]; ok {
				files[name+suffix] = fmt.Append(nil, text)
			}
		}
	}
	return files
}
