package config

import (
	"cmp"
	"log/slog"
	"strconv"
	"time"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
	"github.com/sluiceproxy/sluice/watch/vault"
)

// Vault is how Vault is reached, and with which token. What is empty is taken
// from the environment variables of Vault's own tools.
type Vault struct {
	// Address is https://host:port. Without one, here or in VAULT_ADDR, there is no
	// Vault.
	Address   string         `hcl:"address"`
	Enabled   Optional[bool] `hcl:"enabled"` // on if not set
	Namespace string         `hcl:"namespace"`

	Token dial.Secret `hcl:"token"`
	// AgentTokenFile wins over Token, and is read again when it changes.
	AgentTokenFile string         `hcl:"vault_agent_token_file"`
	RenewToken     Optional[bool] `hcl:"renew_token"` // on without AgentTokenFile
	UnwrapToken    Optional[bool] `hcl:"unwrap_token"`
	// ClientUserAgent is what Vault's audit log calls us, if not [Config.userAgent].
	ClientUserAgent string `hcl:"client_user_agent"`

	// DefaultLeaseDuration is how long an answer without a lease is believed.
	DefaultLeaseDuration time.Duration `hcl:"default_lease_duration"`
	// LeaseRenewalThreshold is the part of a lease after which its secret is read
	// again.
	LeaseRenewalThreshold float64 `hcl:"lease_renewal_threshold"`

	K8sRole      string      `hcl:"k8s_auth_role_name"`
	K8sToken     dial.Secret `hcl:"k8s_service_account_token"`
	K8sTokenPath string      `hcl:"k8s_service_account_token_path"`
	K8sMount     string      `hcl:"k8s_service_mount_path"`

	SSL       SSL       `hcl:"ssl"`
	Retry     Retry     `hcl:"retry"`
	Transport Transport `hcl:"transport"`
}

// defaultVault is what holds where nothing is said.
func defaultVault() Vault {
	return Vault{DefaultLeaseDuration: 5 * time.Minute, LeaseRenewalThreshold: 0.9, Retry: defaultRetry()}
}

// VaultConfig joins the settings with the environment.
func (c Config) VaultConfig(getenv func(string) string, log *slog.Logger) vault.Config {
	v := c.Vault
	made := vault.Config{
		Target:    v.SSL.target(v.Address, v.Transport, true, cmp.Or(v.ClientUserAgent, c.userAgent())),
		Backoff:   v.Retry.Limits(watch.DefaultOptions().Backoff),
		Namespace: v.Namespace,
		Token:     v.Token,
		TokenFile: v.AgentTokenFile,
		Unwrap:    v.UnwrapToken.Or(envBool(getenv, "VAULT_UNWRAP_TOKEN", false)),
		Renew:     v.RenewToken.Or(envBool(getenv, "VAULT_RENEW_TOKEN", v.AgentTokenFile == "")),
		Kubernetes: vault.Kubernetes{
			Role:      v.K8sRole,
			Token:     v.K8sToken,
			TokenPath: v.K8sTokenPath,
			Mount:     v.K8sMount,
		},
		DefaultLease: v.DefaultLeaseDuration,
		Threshold:    v.LeaseRenewalThreshold,
		Logger:       log,
	}
	if !v.SSL.Verify.Set {
		made.Target.TLS.SkipVerify = envBool(getenv, "VAULT_SKIP_VERIFY", false)
	}
	return made.Over(vault.ConfigFromEnv(getenv))
}

// envBool is a variable's value, or otherwise if it is none.
func envBool(getenv func(string) string, name string, otherwise bool) bool {
	if on, err := strconv.ParseBool(getenv(name)); err == nil {
		return on
	}
	return otherwise
}

func (v Vault) validate(f *faultList) {
	validateRemote(f, "vault", v.SSL, v.Retry)
	f.notNegative("vault.default_lease_duration", v.DefaultLeaseDuration)
	if v.LeaseRenewalThreshold <= 0 || v.LeaseRenewalThreshold >= 1 {
		f.addf("vault.lease_renewal_threshold must be between 0 and 1, not %v", v.LeaseRenewalThreshold)
	}
}

// VaultEnvironment is empty without a Vault.
func (c Config) VaultEnvironment(getenv func(string) string, log *slog.Logger) Environment {
	v := c.VaultConfig(getenv, log)
	if !c.Vault.Enabled.Or(true) || v.Target.Address == "" {
		return nil
	}
	return vaultEnvironment(v)
}
