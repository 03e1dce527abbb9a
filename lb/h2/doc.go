// Package h2 sends requests to upstreams over HTTP/2, without TLS by prior
// knowledge (RFC 9113 §3.3) or over TLS to those that agree on it.
//
// The protocol is net/http's. What is here makes it fit where package h1 does: the
// same [h1.Call] goes out, and failures are told in the same words, so that
// balancing, retries and limits know no difference. Requests and answers stream
// both ways at the same time, trailers included, which gRPC is made of.
package h2
