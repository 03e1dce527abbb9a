package migrate

import (
	"testing"
)

// Whatever flags and variables there are, reading them ends without a panic.
func FuzzTraefikFlags(f *testing.F) {
	f.Add("entryPoints.a.address", ":1", "TRAEFIK_PROVIDERS_CONSULCATALOG_PREFIX=a")
	f.Add("entryPoints", "Name:a Address::1 TLS:b,c;d Compress", "TRAEFIK_ENTRYPOINTS_A_HTTP_TLS_DOMAINS_0_MAIN=b")
	f.Fuzz(func(_ *testing.T, key, value, variable string) {
		s := Traefik{on: true}
		for _, all := range [][]setting{{{key: key, value: value}}, s.variables([]string{variable})} {
			m := newMigration()
			m.isRunning = true
			if len(all) > 0 && m.takeTree("flags", "", flagTree("flags", all)) == nil {
				m.convert()
			}
		}
	})
}
