package funcs

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strings"

	"github.com/hashicorp/go-sockaddr/template"
)

// isIP reports whether text is an IP address and nothing else, hence safe in
// any config file. These two functions are not in consul-template.
func isIP(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && a.Zone() == ""
}

// hostPort joins an address and a port, with the brackets IPv6 needs.
func hostPort(address string, port any) (string, error) {
	switch v := reflect.ValueOf(port); {
	case v.CanInt(), v.CanUint(), v.Kind() == reflect.String:
		return net.JoinHostPort(address, fmt.Sprint(port)), nil
	}
	return "", fmt.Errorf("hostPort: a %T is not a port", port)
}

// sockaddr looks at the machine's addresses in go-sockaddr's template language,
// of which it gets the words between the braces.
func sockaddr(words ...string) (string, error) {
	text, err := template.Parse("{{ " + strings.Join(words, " ") + " }}")
	if err != nil {
		return "", fmt.Errorf("sockaddr: %w", err)
	}
	return text, nil
}
