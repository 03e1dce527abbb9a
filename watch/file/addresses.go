package file

import (
	"net/netip"

	"github.com/sluiceproxy/sluice/watch"
)

// withFamilies adds the tagged addresses an agent derives from a service's own
// address, unless they are given.
func withFamilies(given map[string]watch.ServiceAddress, address string, port int) map[string]watch.ServiceAddress {
	family := family(address)
	if family == "" {
		return given
	}
	if given == nil {
		given = map[string]watch.ServiceAddress{}
	}
	for _, name := range []string{"lan_" + family, "wan_" + family} {
		if _, ok := given[name]; !ok {
			given[name] = watch.ServiceAddress{Address: address, Port: port}
		}
	}
	return given
}

// nodeAddresses are the tagged addresses an agent gives its node.
func nodeAddresses(address string) map[string]string {
	tagged := map[string]string{"lan": address, "wan": address}
	if family := family(address); family != "" {
		tagged["lan_"+family], tagged["wan_"+family] = address, address
	}
	return tagged
}

// family is ipv4 or ipv6, or empty for a host name.
func family(address string) string {
	ip, err := netip.ParseAddr(address)
	switch {
	case err != nil:
		return ""
	case ip.Unmap().Is4():
		return "ipv4"
	}
	return "ipv6"
}
