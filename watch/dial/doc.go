// Package dial makes the HTTP clients with which sources reach servers whose
// official libraries leave that to their callers.
package dial
