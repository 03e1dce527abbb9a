package config

import "github.com/sluiceproxy/sluice/config/hcl"

// Encode writes a configuration as a file that says the same. What is as it is without
// a file is left out. Comments stand before settings and stanzas, by their paths; see
// [hcl.Encode].
func Encode(c Config, comments map[string][]string) string {
	return hcl.Encode(c, DefaultConfig(), comments)
}
