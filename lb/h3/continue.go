package h3

import (
	"maps"
	"net/http"
	"sync"
)

// continuing asks for a body that the client holds back (100 Continue), unless the
// answer was begun before. The two may happen at once, so the header of the answer
// is kept apart until then.
type continuing struct {
	http.ResponseWriter
	header http.Header // until the answer is begun

	mu     sync.Mutex
	wanted bool
}

// ask asks for the body.
func (c *continuing) ask() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wanted {
		c.wanted = false
		c.ResponseWriter.WriteHeader(http.StatusContinue)
	}
}

// Header implements [http.ResponseWriter].
func (c *continuing) Header() http.Header {
	if c.header != nil {
		return c.header
	}
	return c.ResponseWriter.Header()
}

// WriteHeader implements [http.ResponseWriter].
func (c *continuing) WriteHeader(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	into := c.ResponseWriter.Header()
	clear(into)
	maps.Copy(into, c.header)
	if c.ResponseWriter.WriteHeader(status); status < http.StatusOK {
		clear(into)
		return
	}
	c.wanted, c.header = false, nil
}

// Unwrap is for [http.ResponseController].
func (c *continuing) Unwrap() http.ResponseWriter { return c.ResponseWriter }
