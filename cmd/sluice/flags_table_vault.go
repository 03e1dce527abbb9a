package main

import (
	"fmt"

	"github.com/sluiceproxy/sluice/config"
)

func vaultFlags() []flagSpec {
	return []flagSpec{
		{name: "vault-addr", value: "URL", set: into(func(c *config.Config) any { return &c.Vault.Address }),
			help: "Where Vault is (default $VAULT_ADDR; without either there is none)."},
		{name: "vault-agent-token-file", value: "PATH", set: into(func(c *config.Config) any { return &c.Vault.AgentTokenFile }),
			help: "File in which a Vault agent keeps a token."},
		{name: "vault-token", value: "TOKEN", set: setVaultToken,
			help: "Token; everyone on the machine can see it here, so prefer -vault-agent-token-file or $VAULT_TOKEN."},
		{name: "vault-renew-token", set: into(func(c *config.Config) any { return &c.Vault.RenewToken }),
			help: "Keep the token alive (default true without -vault-agent-token-file)."},
		{name: "vault-unwrap-token", set: into(func(c *config.Config) any { return &c.Vault.UnwrapToken }),
			help: "The token is a wrapping token, which holds the true one."},
		{name: "vault-default-lease-duration", value: "DURATION",
			set:  into(func(c *config.Config) any { return &c.Vault.DefaultLeaseDuration }),
			help: "How long a secret without a lease is believed (default 5m)."},
		{name: "vault-client-user-agent", value: "TEXT", set: into(func(c *config.Config) any { return &c.Vault.ClientUserAgent }),
			help: "What requests call their sender (default sluice/VERSION)."},
		{name: "vault-retry", set: into(func(c *config.Config) any { return &c.Vault.Retry.Enabled }),
			help: "Try again after failed requests (default true)."},
		{name: "vault-retry-attempts", value: "N", set: into(func(c *config.Config) any { return &c.Vault.Retry.Attempts }),
			help: "Give up after so many failures in a row, as -consul-retry-attempts."},
		{name: "vault-retry-backoff", value: "DURATION", set: into(func(c *config.Config) any { return &c.Vault.Retry.Backoff }),
			help: "First pause after a failed request; it doubles each time (default 250ms)."},
		{name: "vault-retry-max-backoff", value: "DURATION", set: into(func(c *config.Config) any { return &c.Vault.Retry.MaxBackoff }),
			help: "Longest pause (default 1m, 0 for no limit)."},
	}
}

func vaultConnectionFlags() []flagSpec {
	return []flagSpec{
		{name: "vault-ssl", set: into(func(c *config.Config) any { return &c.Vault.SSL.Enabled }),
			help: "Use TLS where -vault-addr does not say (default true)."},
		{name: "vault-ssl-verify", set: into(func(c *config.Config) any { return &c.Vault.SSL.Verify }),
			help: "Check the server's certificate (default true)."},
		{name: "vault-ssl-ca-cert", value: "PATH", set: into(func(c *config.Config) any { return &c.Vault.SSL.CACert }),
			help: "Certificates of the authorities to trust."},
		{name: "vault-ssl-ca-path", value: "DIR", set: into(func(c *config.Config) any { return &c.Vault.SSL.CAPath }),
			help: "Folder of such files."},
		{name: "vault-ssl-cert", value: "PATH", set: into(func(c *config.Config) any { return &c.Vault.SSL.Cert }),
			help: "Client certificate."},
		{name: "vault-ssl-key", value: "PATH", set: into(func(c *config.Config) any { return &c.Vault.SSL.Key }),
			help: "Its key, if not in the same file."},
		{name: "vault-ssl-server-name", value: "NAME", set: into(func(c *config.Config) any { return &c.Vault.SSL.ServerName }),
			help: "Name the server's certificate must have."},
		{name: "vault-transport-dial-timeout", value: "DURATION", set: into(func(c *config.Config) any { return &c.Vault.Transport.DialTimeout }),
			help: "Default 30s."},
		{name: "vault-transport-dial-keep-alive", value: "DURATION", set: into(func(c *config.Config) any { return &c.Vault.Transport.DialKeepAlive }),
			help: "Default 30s."},
		{name: "vault-transport-tls-handshake-timeout", value: "DURATION",
			set:  into(func(c *config.Config) any { return &c.Vault.Transport.TLSHandshakeTimeout }),
			help: "Default 10s."},
		{name: "vault-transport-disable-keep-alives", set: into(func(c *config.Config) any { return &c.Vault.Transport.DisableKeepAlives }),
			help: "Use each connection for one request only."},
		{name: "vault-transport-max-conns-per-host", value: "N", set: into(func(c *config.Config) any { return &c.Vault.Transport.MaxConnsPerHost }),
			help: "Connections at once; 0 is unlimited (default 0)."},
		{name: "vault-transport-max-idle-conns-per-host", value: "N",
			set:  into(func(c *config.Config) any { return &c.Vault.Transport.MaxIdleConnsPerHost }),
			help: "Unused connections that are kept (default 16)."},
	}
}

func setVaultToken(cl *commandLine, value string) error {
	const hint = "-vault-token shows the token to everyone who can list processes; use %s or $%s"
	cl.Warnings = append(cl.Warnings, fmt.Sprintf(hint, "-vault-agent-token-file", "VAULT_TOKEN"))
	return into(func(c *config.Config) any { return &c.Vault.Token })(cl, value)
}
