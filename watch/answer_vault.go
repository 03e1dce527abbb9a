package watch

import "time"

// Secret is an answer of Vault. All of it is to be kept from sight.
type Secret struct {
	RequestID     string
	LeaseID       string
	LeaseDuration int // seconds
	Renewable     bool
	// Data is decoded JSON; numbers in it are json.Number.
	Data     map[string]any
	Warnings []string
	Auth     *SecretAuth     // nil unless the answer is a login
	WrapInfo *SecretWrapInfo // nil unless the answer is wrapped
}

// SecretAuth is a token that Vault has given.
type SecretAuth struct {
	ClientToken   string
	Accessor      string
	Policies      []string
	Metadata      map[string]string
	LeaseDuration int // seconds
	Renewable     bool
}

// SecretWrapInfo is the token under which the true answer can be had once.
type SecretWrapInfo struct {
	Token           string
	TTL             int // seconds
	CreationTime    time.Time
	WrappedAccessor string
}

// IssuedCertificate is a certificate and what belongs to it, as PEM.
type IssuedCertificate struct {
	Cert    string
	Key     string // a secret
	CA      string // the first of CAChain
	CAChain []string
}
