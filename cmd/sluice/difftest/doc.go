// Package difftest holds tests only: they give the same templates and command
// lines to consul-template and to sluice, on one Consul, and compare what comes
// out. The cases, and the differences that are meant, are the files below
// testdata; see testdata/README.md.
package difftest
