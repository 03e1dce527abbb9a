package certs

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/notation"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// Source says where certificates are kept that listeners may use by its
// name. Its notation is that of Fabio; see [ParseSource].
type Source struct {
	Name string
	// Type is one of sourceTypes.
	Type string
	// Cert is a file, a folder or a URL, a prefix of keys in Consul's KV store, a
	// path in Vault's, or that of a role that issues certificates; Key a file, if
	// the key has one of its own. There may be several files, separated by commas:
	// the first is for names none is for.
	Cert, Key string
	// ClientCA is the same for the authorities of which each client must have a
	// certificate; empty lets all clients in.
	ClientCA string
	// UpgradeCN is the common name of self-signed certificates in ClientCA that may
	// sign those of clients although they do not say so, such as ApiGateway of
	// Amazon's.
	UpgradeCN string
	// Datacenter is that of Consul's KV store, empty for the agent's.
	Datacenter string
	// Refresh is how often it is read again; 0 stands for defaultRefresh. What
	// Consul and Vault have is watched all the time. What Vault issues is issued
	// again so long before it ends, which is an hour at least.
	Refresh time.Duration
	// Header is sent along to a URL. Its values are secret.
	Header http.Header
	// VaultToken says where the token for Vault is, "env:NAME" or "file:PATH"; empty
	// is wherever it is looked for anyway. It is for whoever connects to Vault.
	VaultToken string
}

const (
	typeConsul = "consul"
	typeVault  = "vault"
	// typeVaultPKI issues a certificate for each name clients ask for.
	typeVaultPKI = "vault-pki"

	// defaultRefresh is how often certificates are read again if nothing is said.
	defaultRefresh = 3 * time.Second
	minRefresh     = time.Second
	minReissue     = time.Hour
)

var (
	sourceTypes = []string{
		tlsconf.TypeFile, tlsconf.TypePath, tlsconf.TypeHTTP, typeConsul, typeVault, typeVaultPKI, tlsconf.TypeSelfSigned,
	}
	sourceKeys = []string{"cs", "type", "cert", "key", "clientca", "caupgcn", "refresh", "hdr", "vaultfetchtoken"}
)

// ParseSource reads "cs=NAME;type=TYPE;cert=WHERE[;key=…][;clientca=…]
// [;caupgcn=CN][;refresh=3s][;hdr=NAME: VALUE][;vaultfetchtoken=env:NAME|file:PATH]".
func ParseSource(text string) (Source, error) {
	var c Source
	err := notation.Each(text, c.set)
	if err == nil {
		err = c.Complete()
	}
	if err != nil {
		// The text itself may hold a token.
		return Source{}, fmt.Errorf("certificate source %q: %w", c.Name, err)
	}
	return c, nil
}

func (c *Source) set(key, value string) (err error) {
	switch key {
	case "cs":
		c.Name = value
	case "type":
		c.Type = value
	case "cert":
		c.Cert = value
	case "key":
		c.Key = value
	case "clientca":
		c.ClientCA = value
	case "caupgcn":
		c.UpgradeCN = value
	case "refresh":
		c.Refresh, err = notation.Duration(value)
	case "vaultfetchtoken":
		if kind, where, _ := strings.Cut(value, ":"); kind != "env" && kind != "file" || where == "" {
			return errors.New("vaultfetchtoken is neither env:NAME nor file:PATH") // it may be the token itself
		}
		c.VaultToken = value
	case "hdr":
		name, content, ok := strings.Cut(value, ":")
		if !ok {
			return errors.New(`hdr is not of the form "NAME: VALUE"`)
		}
		c.Header = http.Header{}
		c.Header.Add(strings.TrimSpace(name), strings.TrimSpace(content))
	default:
		err = notation.Unknown("key", key, sourceKeys)
	}
	return err
}

// Complete fills in what was not said, and reports what is wrong.
func (c *Source) Complete() error {
	switch {
	case c.Name == "":
		return errors.New("it has no name (cs=NAME)")
	case c.Type == "":
		return errors.New("it has no type; supported: " + strings.Join(sourceTypes, ", "))
	case !slices.Contains(sourceTypes, c.Type):
		return notation.Unknown("type", c.Type, sourceTypes)
	case c.Cert == "" && c.Type != tlsconf.TypeSelfSigned:
		return errors.New("it does not say where the certificates are (cert)")
	case c.Key != "" && c.Type != tlsconf.TypeFile:
		return fmt.Errorf("key is for type=file, not %s", c.Type)
	case c.Key != "" && len(tlsconf.Files(c.Key)) != len(tlsconf.Files(c.Cert)):
		return fmt.Errorf("key has %d files and cert %d: name one key for each certificate, in the same order", len(tlsconf.Files(c.Key)), len(tlsconf.Files(c.Cert)))
	case c.Header != nil && c.Type != tlsconf.TypeHTTP:
		return fmt.Errorf("hdr is for type=http, not %s", c.Type)
	case c.VaultToken != "" && c.Type != typeVault && c.Type != typeVaultPKI:
		return fmt.Errorf("vaultfetchtoken is for type=vault and vault-pki, not %s", c.Type)
	case c.Type == typeVaultPKI:
		c.Refresh = max(c.Refresh, minReissue) // as Fabio, whatever is said
	case c.Refresh == 0:
		c.Refresh = defaultRefresh
	case c.Refresh < minRefresh:
		return fmt.Errorf("refresh must be %v or more, not %v", minRefresh, c.Refresh)
	}
	switch c.Type {
	case tlsconf.TypeHTTP:
		if u, err := url.Parse(c.Cert); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("with type=http, cert is the URL of a text file that lists the names of PEM files")
		}
	case typeConsul:
		return errors.Join(c.cutURL(&c.Cert), c.cutURL(&c.ClientCA))
	}
	return nil
}

// cutURL makes a prefix of keys of the URL Fabio wants. It is read through the
// agent of this program and with its token, whatever the URL says.
func (c *Source) cutURL(where *string) error {
	if !strings.Contains(*where, "://") {
		return nil
	}
	u, err := url.Parse(*where)
	if err != nil {
		return errors.New("that is no URL") // which may hold a token
	}
	path, ok := strings.CutPrefix(u.Path, "/v1/kv/")
	if !ok || path == "" {
		return errors.New("with type=consul, cert is a prefix of keys, or http://HOST:PORT/v1/kv/PREFIX")
	}
	*where = path
	if dc := u.Query().Get("dc"); dc != "" {
		c.Datacenter = dc
	}
	return nil
}

// isWatched reports whether the watcher has the certificates, or at least the
// authorities of clients.
func (c *Source) isWatched() bool {
	return c.Type == typeConsul || c.Type == typeVault || c.Type == typeVaultPKI
}

// local is the source for package tlsconf to read, if it can.
func (c *Source) local() tlsconf.Source {
	return tlsconf.Source{
		Type: c.Type, Cert: c.Cert, Key: c.Key, ClientCA: c.ClientCA, UpgradeCN: c.UpgradeCN, Refresh: c.Refresh, Header: c.Header,
	}
}
