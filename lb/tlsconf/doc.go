// Package tlsconf keeps the certificates of TLS listeners: it reads them from
// where they are kept, again and again, chooses one for each handshake, and
// makes the [tls.Config] that does all that.
//
// Whatever goes wrong with what is read, a certificate that was good stays in
// use, and so do all others.
package tlsconf
