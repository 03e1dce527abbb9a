package vault

import (
	"cmp"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// Config says how Vault is reached, and with which token. One token is used:
// that of TokenFile, else Token, else one that Kubernetes' role gives.
type Config struct {
	Target    dial.Target
	Namespace string

	Token dial.Secret
	// TokenFile is kept up to date by a Vault agent. It holds a token, or the JSON
	// of a wrapped one.
	TokenFile string
	// Unwrap says that Token is a wrapping token, which holds the true one.
	Unwrap bool
	// Renew keeps the token alive. A token of TokenFile is its agent's to renew.
	Renew bool

	Kubernetes Kubernetes

	// DefaultLease is how long an answer without a lease is believed; 5 minutes
	// by default.
	DefaultLease time.Duration
	// Threshold is the part of a lease after which its secret is read again if it
	// cannot be renewed; 0.9 by default.
	Threshold float64

	// Backoff is that of the Watcher if zero.
	Backoff watch.Backoff

	Logger *slog.Logger
}

// Kubernetes is a login with the token of a service account, made if Role is
// set.
type Kubernetes struct {
	Role      string
	Token     dial.Secret // else that of TokenPath
	TokenPath string      // /run/secrets/kubernetes.io/serviceaccount/token by default
	Mount     string      // of the login method; kubernetes by default
}

const (
	defaultLease     = 5 * time.Minute
	defaultThreshold = 0.9
	accountToken     = "/run/secrets/kubernetes.io/serviceaccount/token"
)

// ConfigFromEnv reads the variables of Vault's own tools and those of
// consul-template, and the token that "vault login" leaves in the home folder.
// Booleans are not among them: their defaults are others'.
func ConfigFromEnv(getenv func(string) string) Config {
	c := Config{
		Target: dial.Target{
			Address: getenv("VAULT_ADDR"),
			TLS: dial.TLS{
				CACert:      getenv("VAULT_CACERT"),
				CACertBytes: getenv("VAULT_CACERT_BYTES"),
				CAPath:      getenv("VAULT_CAPATH"),
				Cert:        getenv("VAULT_CLIENT_CERT"),
				Key:         getenv("VAULT_CLIENT_KEY"),
				ServerName:  getenv("VAULT_TLS_SERVER_NAME"),
			},
		},
		Namespace: getenv("VAULT_NAMESPACE"),
		Token:     dial.Secret(getenv("VAULT_TOKEN")),
		Kubernetes: Kubernetes{
			Role:      getenv("VAULT_K8S_AUTH_ROLE_NAME"),
			Token:     dial.Secret(getenv("VAULT_K8S_SERVICE_ACCOUNT_TOKEN")),
			TokenPath: getenv("VAULT_K8S_SERVICE_ACCOUNT_TOKEN_PATH"),
			Mount:     getenv("VAULT_K8S_SERVICE_MOUNT_PATH"),
		},
	}
	if home := getenv("HOME"); c.Token == "" && home != "" {
		if text, err := os.ReadFile(filepath.Join(home, ".vault-token")); err == nil {
			c.Token = dial.Secret(strings.TrimSpace(string(text)))
		}
	}
	return c
}

// Over returns c with the texts it leaves open taken from base. Authorities are
// one setting, and so are a certificate and its key.
func (c Config) Over(base Config) Config {
	own, other := &c.Target.TLS, base.Target.TLS
	c.Target.Address = cmp.Or(c.Target.Address, base.Target.Address)
	if own.CACert == "" && own.CACertBytes == "" && own.CAPath == "" {
		own.CACert, own.CACertBytes, own.CAPath = other.CACert, other.CACertBytes, other.CAPath
	}
	if own.Cert == "" && own.Key == "" {
		own.Cert, own.Key = other.Cert, other.Key
	}
	own.ServerName = cmp.Or(own.ServerName, other.ServerName)
	c.Namespace = cmp.Or(c.Namespace, base.Namespace)
	c.Token = cmp.Or(c.Token, base.Token)
	c.Kubernetes.Role = cmp.Or(c.Kubernetes.Role, base.Kubernetes.Role)
	c.Kubernetes.Token = cmp.Or(c.Kubernetes.Token, base.Kubernetes.Token)
	c.Kubernetes.TokenPath = cmp.Or(c.Kubernetes.TokenPath, base.Kubernetes.TokenPath)
	c.Kubernetes.Mount = cmp.Or(c.Kubernetes.Mount, base.Kubernetes.Mount)
	return c
}

func (c Config) withDefaults() Config {
	c.DefaultLease = cmp.Or(c.DefaultLease, defaultLease)
	c.Threshold = cmp.Or(c.Threshold, defaultThreshold)
	c.Kubernetes.TokenPath = cmp.Or(c.Kubernetes.TokenPath, accountToken)
	c.Kubernetes.Mount = cmp.Or(c.Kubernetes.Mount, "kubernetes")
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}
