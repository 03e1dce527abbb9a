package flags

import (
	"fmt"

	"github.com/sluiceproxy/sluice/config"
)

func vaultFlags() []Flag {
	return []Flag{
		{Name: "vault-addr", Value: "URL", Set: into(func(c *config.Config) any { return &c.Vault.Address }),
			Help: "Where Vault is (default $VAULT_ADDR; without either there is none)."},
		{Name: "vault-agent-token-file", Value: "PATH", Set: into(func(c *config.Config) any { return &c.Vault.AgentTokenFile }),
			Help: "File in which a Vault agent keeps a token."},
		{Name: "vault-token", Value: "TOKEN", Set: setVaultToken,
			Help: "Token; everyone on the machine can see it here, so prefer -vault-agent-token-file or $VAULT_TOKEN."},
		{Name: "vault-renew-token", Set: into(func(c *config.Config) any { return &c.Vault.RenewToken }),
			Help: "Keep the token alive (default true without -vault-agent-token-file)."},
		{Name: "vault-unwrap-token", Set: into(func(c *config.Config) any { return &c.Vault.UnwrapToken }),
			Help: "The token is a wrapping token, which holds the true one."},
		{Name: "vault-default-lease-duration", Value: "DURATION",
			Set:  into(func(c *config.Config) any { return &c.Vault.DefaultLeaseDuration }),
			Help: "How long a secret without a lease is believed (default 5m)."},
		{Name: "vault-client-user-agent", Value: "TEXT", Set: into(func(c *config.Config) any { return &c.Vault.ClientUserAgent }),
			Help: "What requests call their sender (default sluice/VERSION)."},
		{Name: "vault-retry", Set: into(func(c *config.Config) any { return &c.Vault.Retry.Enabled }),
			Help: "Try again after failed requests (default true)."},
		{Name: "vault-retry-attempts", Value: "N", Set: into(func(c *config.Config) any { return &c.Vault.Retry.Attempts }),
			Help: "Give up after so many failures in a row, as -consul-retry-attempts."},
		{Name: "vault-retry-backoff", Value: "DURATION", Set: into(func(c *config.Config) any { return &c.Vault.Retry.Backoff }),
			Help: "First pause after a failed request; it doubles each time (default 250ms)."},
		{Name: "vault-retry-max-backoff", Value: "DURATION", Set: into(func(c *config.Config) any { return &c.Vault.Retry.MaxBackoff }),
			Help: "Longest pause (default 1m, 0 for no limit)."},
	}
}

func vaultConnectionFlags() []Flag {
	return []Flag{
		{Name: "vault-ssl", Set: into(func(c *config.Config) any { return &c.Vault.SSL.Enabled }),
			Help: "Use TLS where -vault-addr does not say (default true)."},
		{Name: "vault-ssl-verify", Set: into(func(c *config.Config) any { return &c.Vault.SSL.Verify }),
			Help: "Check the server's certificate (default true)."},
		{Name: "vault-ssl-ca-cert", Value: "PATH", Set: into(func(c *config.Config) any { return &c.Vault.SSL.CACert }),
			Help: "Certificates of the authorities to trust."},
		{Name: "vault-ssl-ca-path", Value: "DIR", Set: into(func(c *config.Config) any { return &c.Vault.SSL.CAPath }),
			Help: "Folder of such files."},
		{Name: "vault-ssl-cert", Value: "PATH", Set: into(func(c *config.Config) any { return &c.Vault.SSL.Cert }),
			Help: "Client certificate."},
		{Name: "vault-ssl-key", Value: "PATH", Set: into(func(c *config.Config) any { return &c.Vault.SSL.Key }),
			Help: "Its key, if not in the same file."},
		{Name: "vault-ssl-server-name", Value: "NAME", Set: into(func(c *config.Config) any { return &c.Vault.SSL.ServerName }),
			Help: "Name the server's certificate must have."},
		{Name: "vault-transport-dial-timeout", Value: "DURATION", Set: into(func(c *config.Config) any { return &c.Vault.Transport.DialTimeout }),
			Help: "Default 30s."},
		{Name: "vault-transport-dial-keep-alive", Value: "DURATION", Set: into(func(c *config.Config) any { return &c.Vault.Transport.DialKeepAlive }),
			Help: "Default 30s."},
		{Name: "vault-transport-tls-handshake-timeout", Value: "DURATION",
			Set:  into(func(c *config.Config) any { return &c.Vault.Transport.TLSHandshakeTimeout }),
			Help: "Default 10s."},
		{Name: "vault-transport-disable-keep-alives", Set: into(func(c *config.Config) any { return &c.Vault.Transport.DisableKeepAlives }),
			Help: "Use each connection for one request only."},
		{Name: "vault-transport-max-conns-per-host", Value: "N", Set: into(func(c *config.Config) any { return &c.Vault.Transport.MaxConnsPerHost }),
			Help: "Connections at once; 0 is unlimited (default 0)."},
		{Name: "vault-transport-max-idle-conns-per-host", Value: "N",
			Set:  into(func(c *config.Config) any { return &c.Vault.Transport.MaxIdleConnsPerHost }),
			Help: "Unused connections that are kept (default 16)."},
	}
}

func setVaultToken(cl *CommandLine, value string) error {
	const hint = "-vault-token shows the token to everyone who can list processes; use %s or $%s"
	cl.Warnings = append(cl.Warnings, fmt.Sprintf(hint, "-vault-agent-token-file", "VAULT_TOKEN"))
	return into(func(c *config.Config) any { return &c.Vault.Token })(cl, value)
}
