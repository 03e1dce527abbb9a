package tlsconf

import (
	"crypto/tls"
	"slices"
)

// ChallengeProtocol is what an authority offers, and nothing else, that looks
// whether a name is ours (RFC 8737 §4).
const ChallengeProtocol = "acme-tls/1"

// ChallengePath is below what one asks for that looks for a page (RFC 8555 §8.3).
const ChallengePath = "/.well-known/acme-challenge/"

// IsChallenge reports whether a handshake is such a look.
func IsChallenge(hello *tls.ClientHelloInfo) bool {
	return hello.ServerName != "" && slices.Equal(hello.SupportedProtos, []string{ChallengeProtocol})
}

// challenged is a [tls.Config] GetConfigForClient that answers challenges, and
// leaves all else to next, which may be nil. A connection that has agreed on
// ChallengeProtocol is to be closed after the handshake.
func (o Options) challenged(next func(*tls.ClientHelloInfo) (*tls.Config, error)) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if IsChallenge(hello) {
			for _, challenge := range o.Challenges {
				if c := challenge(hello); c != nil {
					return &tls.Config{
						MinVersion: tls.VersionTLS12, NextProtos: []string{ChallengeProtocol},
						Certificates: []tls.Certificate{*c}, SessionTicketsDisabled: true,
					}, nil
				}
			}
		}
		if next == nil {
			return nil, nil // as is
		}
		return next(hello)
	}
}
