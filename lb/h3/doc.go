// Package h3 accepts HTTP/3 (RFC 9114) and hands its requests to a handler of
// net/http, as net/http's own server does with those of HTTP/2. QUIC and the
// framing are quic-go's, whose only importer this package is; what is added here
// is whom to let in, how long to wait and how to end.
//
// There is no 0-RTT: what is sent in it can be sent again by anybody who has seen
// it, and a proxy cannot know which requests bear that (RFC 8470). Clients may
// still resume sessions. There are no datagrams and no push.
//
// Addresses are proven before much is spent on them. A client that has shown
// nothing yet is sent three times what it sent, at most (RFC 9000 §8.1); when many
// of these wait at once, further ones have to come back with a token (Retry),
// which costs this side no memory at all.
package h3
