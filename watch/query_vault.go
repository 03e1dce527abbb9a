package watch

// VaultSecret asks for what Vault answers to a read of Path, or to a write if
// Write is set. Of secrets with a lease the answer is kept as long as the lease
// can be.
type VaultSecret struct {
	// Path is below /v1/, without a query. In a KV store of version 2 it may be
	// given without the "data/" that belongs there.
	Path string
	// Params is the query of a read, encoded, such as "version=2".
	Params string
	Write  bool
	// Data is what is written: a JSON object, whose keys are sorted. A secret.
	Data Confidential
}

// VaultList asks for the names directly below a path, sorted. There may be none.
type VaultList struct {
	Path string
}

// VaultCertificate asks for a certificate, which is issued anew when 0.9 of its
// life are over.
type VaultCertificate struct {
	// Path is that of a role, such as "pki/issue/web".
	Path string
	// Data is what is asked for: a JSON object, whose keys are sorted.
	Data Confidential
	// File, if it holds such a certificate and its key, is used first.
	File string
}

// Confidential is a text that is a part of a query's identity, but is never
// shown.
type Confidential string

// Reveal returns the text itself, for the one place that sends it.
func (c Confidential) Reveal() string { return string(c) }

// String is empty for an empty text, else ***.
func (c Confidential) String() string {
	if c == "" {
		return ""
	}
	return "***"
}

// GoString keeps %#v from showing the text.
func (c Confidential) GoString() string { return `"` + c.String() + `"` }

// MarshalText keeps every encoder from showing the text.
func (c Confidential) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func (VaultSecret) query()      {}
func (VaultList) query()        {}
func (VaultCertificate) query() {}

func (VaultSecret) answer() (a *Secret)                 { return }
func (VaultList) answer() (a []string)                  { return }
func (VaultCertificate) answer() (a *IssuedCertificate) { return }

func (q VaultSecret) String() string {
	switch {
	case q.Write:
		return "vault write " + q.Path
	case q.Params != "":
		return "vault secret " + q.Path + "?" + q.Params
	}
	return "vault secret " + q.Path
}

func (q VaultList) String() string        { return "vault list " + q.Path }
func (q VaultCertificate) String() string { return "vault certificate " + q.Path }
