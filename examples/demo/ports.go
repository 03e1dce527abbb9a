package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// freeAddress returns a loopback address on which all ports, and Consul's, can
// be bound. All of 127/8 is loopback on Linux; elsewhere only 127.0.0.1 is
// usually there.
func freeAddress(ports []int) (string, error) {
	candidates := []string{}
	for range 20 {
		candidates = append(candidates, fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(255), 1+rand.IntN(254)))
	}
	candidates = append(candidates, "127.0.0.1")
	var last error
	for _, ip := range candidates {
		if last = bindable(ip, append([]int{8300, 8301, 8302, 8500}, ports...)); last == nil {
			return ip, nil
		}
	}
	return "", fmt.Errorf("no loopback address has the services' ports free: %w", last)
}

func bindable(ip string, ports []int) error {
	for _, port := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
		if err != nil {
			return err
		}
		l.Close()
	}
	return nil
}

// freePort returns a host:port on 127.0.0.1, with the preferred port if it is
// free.
func freePort(preferred int) (string, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", preferred))
	if err != nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return "", err
		}
	}
	defer l.Close()
	return l.Addr().String(), nil
}
