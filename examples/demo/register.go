package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// registerAll waits for the agent at ip and registers the services with it.
func registerAll(ctx context.Context, ip string, all services) error {
	api := "http://" + ip + ":8500/v1"
	err := waitFor(ctx, 30*time.Second, func() error {
		leader, err := request(ctx, http.MethodGet, api+"/status/leader", nil)
		if err == nil && len(leader) <= len(`""`) {
			return errors.New("it has no leader yet")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("waiting for Consul: %w", err)
	}
	for _, service := range all {
		body, err := json.Marshal(service)
		if err != nil {
			return err
		}
		if _, err := request(ctx, http.MethodPut, api+"/agent/service/register", body); err != nil {
			return fmt.Errorf("registering %v: %w", service["name"], err)
		}
	}
	return nil
}

// request returns the body of a 200 answer.
func request(ctx context.Context, method, url string, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	return send(req)
}

func send(req *http.Request) (string, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s %s: %s: %s", req.Method, req.URL, resp.Status, bytes.TrimSpace(text))
	}
	return string(text), nil
}

// waitFor calls try until it succeeds; after limit it returns the last error.
func waitFor(ctx context.Context, limit time.Duration, try func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
