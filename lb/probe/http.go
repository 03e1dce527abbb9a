package probe

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// client makes a client that connects anew each time: whether the target accepts
// connections is a part of the question.
func (c check) client() *http.Client {
	client := &http.Client{
		Timeout: c.Health.Timeout,
		Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true, Proxy: nil,
			DialContext: c.dial, TLSClientConfig: c.target.Key().TLS(), Protocols: c.protocols(),
		},
	}
	if !c.Health.FollowRedirects {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return client
}

// scheme is the one the target is asked by.
func (c check) scheme() string { return cmp.Or(c.Health.Scheme, c.target.Key().Scheme) }

// protocols are those of the scheme, but that gRPC is nothing without HTTP/2.
func (c check) protocols() *http.Protocols {
	var p http.Protocols
	switch {
	case c.scheme() == "https":
		p.SetHTTP1(c.Health.Mode != spec.ModeGRPC)
		p.SetHTTP2(c.Health.Mode == spec.ModeGRPC)
	case c.scheme() == "h2c" || c.Health.Mode == spec.ModeGRPC:
		p.SetUnencryptedHTTP2(true)
	default:
		p.SetHTTP1(true)
	}
	return &p
}

// askHTTP makes a request, whose answer has to have the right status.
func (c check) askHTTP(ctx context.Context, client *http.Client) error {
	request, err := c.request(ctx, cmp.Or(c.Health.Method, http.MethodGet), c.Health.Path, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 4<<10)
	least, most := http.StatusOK, http.StatusBadRequest-1
	if c.Health.Status != 0 {
		least, most = c.Health.Status, c.Health.Status
	}
	if answer.StatusCode < least || answer.StatusCode > most {
		return fmt.Errorf("%s answered %d", request.URL, answer.StatusCode)
	}
	return nil
}

func (c check) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	address, err := c.address()
	if err != nil {
		return nil, err
	}
	place, err := url.Parse(path)
	if err != nil {
		return nil, err
	}
	place.Scheme, place.Host = c.scheme(), address
	if place.Scheme == "h2c" {
		place.Scheme = "http"
	}
	request, err := http.NewRequestWithContext(ctx, method, place.String(), body)
	if err != nil {
		return nil, err
	}
	request.Host = c.Health.Hostname
	for name, value := range c.Health.Headers {
		request.Header.Set(name, value)
	}
	return request, nil
}
