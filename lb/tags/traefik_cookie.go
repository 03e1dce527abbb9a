package tags

import (
	"crypto/sha1" //nolint:gosec // as Traefik does; it protects nothing
	"encoding/hex"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// nameCookie gives a cookie without a name the one Traefik gives it, so that
// clients stay where they are when sluice takes over. service is what Traefik
// calls the service.
func nameCookie(c *spec.Cookie, service string) {
	if c == nil || c.Name != "" {
		return
	}
	sum := sha1.Sum([]byte("_TRAEFIK_BACKEND_" + service)) //nolint:gosec // see above
	c.Name = "_" + hex.EncodeToString(sum[:])[:5]
}
