package listener

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	sockaddr "github.com/hashicorp/go-sockaddr/template"

	"github.com/sluiceproxy/sluice/internal/unixsock"
)

// isTemplate reports whether an address is yet to be found out.
func isTemplate(address string) bool { return strings.Contains(address, "{{") }

// checkAddress leaves what a template stands for to the machine it runs on.
func checkAddress(address string) error {
	if isTemplate(address) {
		if strings.Count(address, "{{") != strings.Count(address, "}}") {
			return fmt.Errorf("the template in the address %q is not closed", address)
		}
		return nil
	}
	if path, ok := unixsock.Path(address); ok {
		return unixsock.Check(path)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("the address is not of the form [host]:port, such as :9999, 127.0.0.1:9999 or [::1]:9999, nor unix:///path")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return nil
}

// Resolve is the address to listen on.
func (l *Listener) Resolve() (string, error) {
	if !isTemplate(l.Address) {
		return l.Address, nil
	}
	address, err := sockaddr.Parse(l.Address)
	if err != nil {
		return "", fmt.Errorf("listener %s: %w", l.Address, err)
	}
	address = strings.TrimSpace(address)
	if strings.Contains(address, " ") {
		return "", fmt.Errorf("listener %s: it stands for more than one address: %s", l.Address, address)
	}
	if err := checkAddress(address); err != nil {
		return "", fmt.Errorf("listener %s: it stands for %q: %w", l.Address, address, err)
	}
	return address, nil
}
