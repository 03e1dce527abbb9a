package spec

import (
	"errors"
	"regexp"
)

// Buffering reads bodies whole before they are passed on. Sizes are in bytes;
// what is more than the memory's goes to a temporary file, and all files together
// are bounded.
type Buffering struct {
	MaxRequestBody  int64  `key:"maxrequestbodybytes"` // 0: no limit
	MemRequestBody  int64  `key:"memrequestbodybytes"` // 0: 1 MiB
	MaxResponseBody int64  `key:"maxresponsebodybytes"`
	MemResponseBody int64  `key:"memresponsebodybytes"`
	RetryExpression string `key:"retryexpression"`
}

// Kind implements [Middleware].
func (*Buffering) Kind() string { return "buffering" }

// Validate implements [Middleware].
func (b *Buffering) Validate() error {
	if b.MaxRequestBody < 0 || b.MemRequestBody < 0 || b.MaxResponseBody < 0 || b.MemResponseBody < 0 {
		return errors.New("sizes cannot be below 0")
	}
	return nil
}

// Compress compresses answers for clients that accept it.
type Compress struct {
	// Encodings, in the order of preference; empty is gzip, br, zstd.
	Encodings []string `key:"encodings"`
	// MinResponseBody is the least size in bytes; 0 is 1024.
	MinResponseBody int `key:"minresponsebodybytes"`
	// Content types excluded, or else the only ones included.
	ExcludedContentTypes []string `key:"excludedcontenttypes"`
	IncludedContentTypes []string `key:"includedcontenttypes"`
	// DefaultEncoding is used if the client says nothing about encodings; empty
	// is none.
	DefaultEncoding string `key:"defaultencoding"`
	// Pattern is a regular expression that whole content types have to match;
	// empty: any.
	Pattern string
}

// Kind implements [Middleware].
func (*Compress) Kind() string { return "compress" }

// Validate implements [Middleware].
func (c *Compress) Validate() error {
	if len(c.ExcludedContentTypes) > 0 && len(c.IncludedContentTypes) > 0 {
		return errors.New("content types can be excluded or included, not both")
	}
	_, err := regexp.Compile(c.Pattern)
	return err
}
