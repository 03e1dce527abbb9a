package consul

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"

	"github.com/hashicorp/consul/api"

	"github.com/sluiceproxy/sluice/watch/dial"
)

// ConfigFromEnv reads the environment variables Consul's own tools know, and
// CONSUL_TOKEN and CONSUL_TOKEN_FILE, which win over their CONSUL_HTTP_
// namesakes. An empty variable counts as unset.
//
// Unlike settings given otherwise, the mere mention of a certificate does not
// switch TLS on here: CONSUL_HTTP_SSL or an https:// address does.
func ConfigFromEnv(getenv func(string) string) (Config, error) {
	var errs []error
	boolean := func(name string) Switch {
		text := getenv(name)
		if text == "" {
			return Unset
		}
		on, err := strconv.ParseBool(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s=%q is not a boolean: use true or false", name, text))
		}
		return Set(on)
	}
	c := Config{
		Address:   getenv(api.HTTPAddrEnvName),
		Token:     dial.Secret(cmp.Or(getenv("CONSUL_TOKEN"), getenv(api.HTTPTokenEnvName))),
		TokenFile: cmp.Or(getenv("CONSUL_TOKEN_FILE"), getenv(api.HTTPTokenFileEnvName)),
		Namespace: getenv(api.HTTPNamespaceEnvName),
		Partition: getenv(api.HTTPPartitionEnvName),
		SSL: SSL{
			Enabled:    cmp.Or(boolean(api.HTTPSSLEnvName), Off),
			Verify:     boolean(api.HTTPSSLVerifyEnvName),
			CACert:     getenv(api.HTTPCAFile),
			CAPath:     getenv(api.HTTPCAPath),
			Cert:       getenv(api.HTTPClientCert),
			Key:        getenv(api.HTTPClientKey),
			ServerName: getenv(api.HTTPTLSServerName),
		},
	}
	if text := getenv(api.HTTPAuthEnvName); text != "" {
		auth, err := ParseAuth(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", api.HTTPAuthEnvName, err))
		}
		c.Auth = auth
	}
	return c, errors.Join(errs...)
}
