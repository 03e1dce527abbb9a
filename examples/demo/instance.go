package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// serveInstance is one of the servers behind the demo's services: it says which
// it is and what reached it.
func serveInstance(ctx context.Context, ip string, port int) error {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "instance on port %d was asked for %s\n", port, r.URL)
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Prefix"} {
			if value := r.Header.Get(name); value != "" {
				fmt.Fprintf(w, "  %s: %s\n", name, value)
			}
		}
	})
	server := &http.Server{
		Addr:              net.JoinHostPort(ip, strconv.Itoa(port)),
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
