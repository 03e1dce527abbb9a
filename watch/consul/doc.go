// Package consul is the [watch.Source] that asks a Consul agent over its HTTP
// API. It is the only importer of Consul's client library, of which it uses the
// TLS set-up and the names of environment variables; requests are its own (see
// client), because retries, indexes and refusals need headers that the library
// hides.
//
// Fetch answers every query of package watch but files. Errors name the
// request and the cause and wrap [watch.ErrDenied], [watch.ErrInvalid] or
// [watch.ErrNotFound]; one with a method RetryAfter() time.Duration tells how
// long the agent wants to be left alone. No error holds a secret.
//
// Survey finds out which of many services changed with three open requests;
// how is told at type survey. Measured with one dev agent (1.20.1) and client
// on the same 2 cores, every service with one check, on a quiet catalog; mean
// of 3 to 4 changes, from the request that changes to the report of the name:
//
//	                          300 services         3,000 services
//	critical to passing       3.6 ms               10 ms
//	passing to critical       3.7 ms               13 ms
//	tags                      5.4 ms               43 ms
//	new, with a passing check 17 ms                48 ms
//	port only                 11 ms                116 ms
//	our CPU per change        4 to 7 ms            17 to 46 ms
//
// Under 30 changes a second it takes 8 % of a core at 300 services and 9 % at
// 3,000, and the agent 11 and 26 percentage points more than without it.
package consul
