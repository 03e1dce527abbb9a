package proxyproto

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
)

// WriteHeader writes the header of a version, 1 or 2, that tells of a connection
// from source to destination, in one Write. Addresses of two families are both
// written as IPv6. If either is invalid the header says that nothing is known.
func WriteHeader(w io.Writer, version int, source, destination netip.AddrPort) error {
	header, err := AppendHeader(nil, version, source, destination)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("writing the PROXY header: %w", err)
	}
	return nil
}

// AppendHeader appends what [WriteHeader] writes.
func AppendHeader(b []byte, version int, source, destination netip.AddrPort) ([]byte, error) {
	from, to := source.Addr().Unmap().WithZone(""), destination.Addr().Unmap().WithZone("")
	if from.IsValid() && to.IsValid() && from.Is4() != to.Is4() {
		from, to = netip.AddrFrom16(from.As16()), netip.AddrFrom16(to.As16())
	}
	source, destination = netip.AddrPortFrom(from, source.Port()), netip.AddrPortFrom(to, destination.Port())
	known := from.IsValid() && to.IsValid()
	switch version {
	case 1:
		return appendLine(b, known, source, destination), nil
	case 2:
		return appendBinary(b, known, source, destination), nil
	}
	return b, fmt.Errorf("writing the PROXY header: there is no version %d, only 1 and 2", version)
}

func appendLine(b []byte, known bool, source, destination netip.AddrPort) []byte {
	if !known {
		return append(b, prefix+"UNKNOWN\r\n"...)
	}
	family := "TCP6"
	if source.Addr().Is4() {
		family = "TCP4"
	}
	return fmt.Appendf(b, "%s%s %s %s %d %d\r\n",
		prefix, family, source.Addr(), destination.Addr(), source.Port(), destination.Port())
}

func appendBinary(b []byte, known bool, source, destination netip.AddrPort) []byte {
	const version = 2 << 4
	b = append(b, signature...)
	if !known {
		return append(b, version|commandLocal, familyUnspecified<<4|transportUnspecified, 0, 0)
	}
	family, from, to := byte(familyIPv6), source.Addr().AsSlice(), destination.Addr().AsSlice()
	if source.Addr().Is4() {
		family = familyIPv4
	}
	b = append(b, version|commandProxy, family<<4|transportStream)
	b = binary.BigEndian.AppendUint16(b, uint16(len(from)+len(to)+4))
	b = append(append(b, from...), to...)
	b = binary.BigEndian.AppendUint16(b, source.Port())
	return binary.BigEndian.AppendUint16(b, destination.Port())
}
