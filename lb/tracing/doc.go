// Package tracing tells collectors of OpenTelemetry of exchanges, over OTLP. It is
// the only importer of OpenTelemetry's packages.
//
// An exchange is a span of kind server, and each try to have it answered by a
// target one of kind client inside it. Names and attributes are those of the stable
// semantic conventions for HTTP.
package tracing
