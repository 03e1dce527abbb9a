package lb

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a key pair read from files and read again when they change.
// A pair that cannot be used, half-written say, leaves the old one in force.
type certificate struct {
	certFile, keyFile string
	logger            *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	read    [2]os.FileInfo // what pair was read from
	checked time.Time
	failure string // what the log was told last, so that it is told once
}

// certRecheck is how often, at most, files are looked at for a change.
const certRecheck = time.Second

// loadCertificate reads a pair and checks that certificate and key match.
func loadCertificate(certFile, keyFile string, logger *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, logger: logger}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// get is a [tls.Config] GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) >= certRecheck {
		c.checked = now
		c.reload()
	}
	return c.pair, nil
}

func (c *certificate) reload() {
	if !c.changed() {
		return
	}
	err := c.load()
	switch {
	case err == nil:
		c.failure = ""
		c.logger.Info("certificate reloaded", "file", c.certFile, "until", c.pair.Leaf.NotAfter)
	case err.Error() != c.failure:
		c.failure = err.Error()
		c.logger.Error("certificate not reloaded, the old one stays in use", "file", c.certFile, "err", err)
	}
}

// changed reports whether the files are others than those read; a file that is
// gone for a moment is not.
func (c *certificate) changed() bool {
	for i, file := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(file)
		if err != nil {
			return false
		}
		old := c.read[i]
		if !os.SameFile(old, info) || old.Size() != info.Size() || !old.ModTime().Equal(info.ModTime()) {
			return true
		}
	}
	return false
}

func (c *certificate) load() error {
	var read [2]os.FileInfo
	for i, file := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(file)
		if err != nil {
			return fmt.Errorf("reading certificate: %w", err)
		}
		read[i] = info
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("reading certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.pair, c.read = &pair, read
	return nil
}
