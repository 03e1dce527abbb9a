package proxyproto

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"net/netip"
)

// maxBlock bounds what follows the fixed part of a header of version 2:
// addresses, and whatever else its proxy has to tell. The specification asks
// for 216 bytes to be understood.
const maxBlock = 4 << 10

// The commands, families and transports of version 2.
const (
	commandLocal = 0x0
	commandProxy = 0x1

	familyUnspecified = 0x0
	familyIPv4        = 0x1
	familyIPv6        = 0x2
	familyUnix        = 0x3

	transportUnspecified = 0x0
	transportStream      = 0x1
	transportDatagram    = 0x2
)

// typeCRC32C is the kind of the element that holds a checksum over the header.
const typeCRC32C = 0x03

// readBinary reads a header of version 2 behind its signature.
func readBinary(r io.Reader) (Header, error) {
	var fixed [4]byte
	if err := readFull(r, fixed[:]); err != nil {
		return Header{}, err
	}
	version, command := fixed[0]>>4, fixed[0]&0xf
	family, transport := fixed[1]>>4, fixed[1]&0xf
	size := int(binary.BigEndian.Uint16(fixed[2:]))
	switch {
	case version != 2:
		return Header{}, malformed("version %d behind the signature of version 2", version)
	case command > commandProxy:
		return Header{}, malformed("unknown command %d", command)
	case family > familyUnix:
		return Header{}, malformed("unknown address family %d", family)
	case transport > transportDatagram:
		return Header{}, malformed("unknown transport %d", transport)
	case size > maxBlock:
		return Header{}, malformed("%d bytes long, more than %d", size, maxBlock)
	}
	block := make([]byte, size)
	if err := readFull(r, block); err != nil {
		return Header{}, err
	}
	h := Header{Version: 2}
	if command == commandLocal {
		return h, nil // its block is to be skipped, whatever it holds
	}
	rest, err := cutAddresses(block, family)
	if err != nil {
		return Header{}, err
	}
	if err := checkElements(fixed[:], block, len(block)-len(rest)); err != nil {
		return Header{}, err
	}
	if transport == transportStream {
		h.Source, h.Destination = addresses(block, family)
	}
	return h, nil
}

// cutAddresses cuts the addresses off a block.
func cutAddresses(block []byte, family byte) (rest []byte, err error) {
	size := [...]int{familyUnspecified: 0, familyIPv4: 12, familyIPv6: 36, familyUnix: 216}[family]
	if len(block) < size {
		return nil, malformed("%d bytes of addresses, not %d", len(block), size)
	}
	return block[size:], nil
}

// addresses are invalid for a family that is not of the internet.
func addresses(block []byte, family byte) (source, destination netip.AddrPort) {
	size := 4
	switch family {
	case familyIPv4:
	case familyIPv6:
		size = 16
	default:
		return netip.AddrPort{}, netip.AddrPort{}
	}
	end := func(i int) netip.AddrPort {
		ip, _ := netip.AddrFromSlice(block[i*size:][:size])
		return netip.AddrPortFrom(ip.Unmap(), binary.BigEndian.Uint16(block[2*size+2*i:]))
	}
	return end(0), end(1)
}

// checkElements checks that what follows the addresses, from an offset on, is a
// list of type, length and value, and the checksum if there is one.
func checkElements(fixed, block []byte, from int) error {
	for at := from; at < len(block); {
		if len(block)-at < 3 {
			return malformed("an element is cut off")
		}
		kind, size := block[at], int(binary.BigEndian.Uint16(block[at+1:]))
		value := at + 3
		if len(block)-value < size {
			return malformed("an element is cut off")
		}
		if kind == typeCRC32C {
			if err := checkSum(fixed, block, value, size); err != nil {
				return err
			}
		}
		at = value + size
	}
	return nil
}

// checkSum checks the sum at an offset of the block. It is over the whole header
// with the sum itself as zeros.
func checkSum(fixed, block []byte, at, size int) error {
	if size != crc32.Size {
		return malformed("a checksum of %d bytes", size)
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, []byte(signature))
	sum = crc32.Update(sum, table, fixed)
	sum = crc32.Update(sum, table, block[:at])
	sum = crc32.Update(sum, table, make([]byte, crc32.Size))
	sum = crc32.Update(sum, table, block[at+size:])
	if sum != binary.BigEndian.Uint32(block[at:]) {
		return malformed("the checksum is not right")
	}
	return nil
}
