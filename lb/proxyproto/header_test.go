package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// script is a connection whose peer has said it all already.
type script struct {
	net.Conn
	io.Reader
}

func (s script) Read(p []byte) (int, error)      { return s.Reader.Read(p) }
func (s script) SetReadDeadline(time.Time) error { return nil }

// read reads a header and tells what of the text is left to read behind it.
func read(text string) (h Header, vain, left string, err error) {
	rest := strings.NewReader(text)
	h, read, err := ReadHeader(script{Reader: rest}, time.Time{})
	return h, string(read), text[len(text)-rest.Len():], err
}

// binaryHeader is a header of version 2.
func binaryHeader(versionCommand, familyTransport byte, block string) string {
	b := append([]byte(signature), versionCommand, familyTransport)
	return string(binary.BigEndian.AppendUint16(b, uint16(len(block)))) + block
}

const (
	block4 = "\x01\x02\x03\x04\x05\x06\x07\x08\x1f\x90\x01\xbb"
	block6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x1f\x90\x01\xbb"
)

// withSum is a header with a checksum, which is right if diff is 0.
func withSum(diff uint32) string {
	element := "\x03\x00\x04\x00\x00\x00\x00"
	header := []byte(binaryHeader(0x21, 0x11, block4+element+"\x04\x00\x01x"))
	at := len(header) - len("\x04\x00\x01x") - crc32.Size
	sum := crc32.Checksum(header, crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(header[at:], sum+diff)
	return string(header)
}

var headers = map[string]struct{ source, destination string }{
	"PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\r\n":             {"192.0.2.1:50000", "198.51.100.2:443"},
	"PROXY TCP4 1.1.1.1 2.2.2.2 0 1\r\n":                          {"1.1.1.1:0", "2.2.2.2:1"},
	"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n":  {"255.255.255.255:65535", "255.255.255.255:65535"},
	"PROXY TCP6 2001:db8::1 ::1 50000 443\r\n":                    {"[2001:db8::1]:50000", "[::1]:443"},
	"PROXY TCP6 ::ffff:192.0.2.1 ::1 50000 443\r\n":               {"192.0.2.1:50000", "[::1]:443"},
	"PROXY UNKNOWN\r\n":                                           {},
	"PROXY UNKNOWN whatever 9 there is\r\n":                       {},
	binaryHeader(0x21, 0x11, block4):                              {"1.2.3.4:8080", "5.6.7.8:443"},
	binaryHeader(0x21, 0x21, block6):                              {"[2001:db8::1]:8080", "[2001:db8::2]:443"},
	binaryHeader(0x21, 0x11, block4+"\x04\x00\x00\xea\x00\x02ab"): {"1.2.3.4:8080", "5.6.7.8:443"},
	withSum(0):                                         {"1.2.3.4:8080", "5.6.7.8:443"},
	binaryHeader(0x20, 0x00, ""):                       {}, // LOCAL
	binaryHeader(0x20, 0x11, "\x00"):                   {}, // LOCAL with a block to be skipped
	binaryHeader(0x21, 0x00, ""):                       {}, // unspecified
	binaryHeader(0x21, 0x12, block4):                   {}, // a datagram
	binaryHeader(0x21, 0x31, strings.Repeat("/", 216)): {}, // unix
}

func TestReadHeader(t *testing.T) {
	const behind = "GET / HTTP/1.1\r\n"
	for text, want := range headers {
		source, _ := netip.ParseAddrPort(want.source)
		destination, _ := netip.ParseAddrPort(want.destination)
		h, vain, left, err := read(text + behind)
		if err != nil || vain != "" || h.Source != source || h.Destination != destination {
			t.Errorf("%q: %+v, %q, error %v; want %v", text, h, vain, err, want)
		}
		if h.HasAddresses() != (want.source != "") {
			t.Errorf("%q: has addresses: %v", text, h.HasAddresses())
		}
		if left != behind {
			t.Errorf("%q: left to read is %q, want no byte more and none less than %q", text, left, behind)
		}
	}
}

func TestReadHeaderByteByByte(t *testing.T) {
	for text := range headers {
		if _, _, err := ReadHeader(script{Reader: iotest.OneByteReader(strings.NewReader(text))}, time.Time{}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMalformedHeaders(t *testing.T) {
	for text, want := range map[string]string{
		"PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\n":                 "too short",
		"PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\rGET / HTTP/1.1\n": "CR LF",
		"PROXY TCP4\r\nGET / HTTP/1.1\r\nHost: a\r\n":                   "2 words",
		"PROXY TCP4 192.0.2.1 198.51.100.2 50000\r\n......":             "too short",
		"PROXY TCP4  192.0.2.1 198.51.100.2 50000 443\r\n":              "7 words",
		"PROXY TCP4 192.0.2.1 198.51.100.2 50000 443 \r\n":              "7 words",
		"PROXY tcp4 192.0.2.1 198.51.100.2 50000 443\r\n":               `unknown protocol "tcp4"`,
		"PROXY TCP5 192.0.2.1 198.51.100.2 50000 443\r\n":               `unknown protocol "TCP5"`,
		"PROXY UNKNOWNS 192.0.2.1 198.51.100.2 50000 443\r\n":           `unknown protocol "UNKNOWNS"`,
		"PROXY TCP4 2001:db8::1 ::1 50000 443\r\n":                      "no address for TCP4",
		"PROXY TCP6 192.0.2.1 198.51.100.2 50000 443\r\n":               "no address for TCP6",
		"PROXY TCP6 fe80::1%eth0 ::1 50000 443\r\n":                     "no address for TCP6",
		"PROXY TCP4 192.0.2.256 198.51.100.2 50000 443\r\n":             "no address for TCP4",
		"PROXY TCP4 192.0.2.1 localhost 50000 443\r\n":                  "no address for TCP4",
		"PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n":               `"65536" is no port`,
		"PROXY TCP4 192.0.2.1 198.51.100.2 050000 443\r\n":              `"050000" is no port`,
		"PROXY TCP4 192.0.2.1 198.51.100.2 +5000 443\r\n":               `"+5000" is no port`,
		"PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n":                  `"-1" is no port`,
		"PROXY TCP4 192.0.2.1 198.51.100.2 50000 44\x003\r\n":           "CR LF",
		"PROXY UNKNOWN " + strings.Repeat("x", 100) + "\r\n":            "no end within 107 bytes",
		"PROXY TCP6 " + strings.Repeat("1", 100) + "\r\n":               "no end within 107 bytes",
		binaryHeader(0x11, 0x11, block4):                                "version 1 behind the signature",
		binaryHeader(0x31, 0x11, block4):                                "version 3",
		binaryHeader(0x22, 0x11, block4):                                "unknown command 2",
		binaryHeader(0x21, 0x41, block4):                                "unknown address family 4",
		binaryHeader(0x21, 0x13, block4):                                "unknown transport 3",
		binaryHeader(0x21, 0x11, block4[:11]):                           "11 bytes of addresses, not 12",
		binaryHeader(0x21, 0x21, block4):                                "12 bytes of addresses, not 36",
		binaryHeader(0x21, 0x31, block6):                                "36 bytes of addresses, not 216",
		binaryHeader(0x21, 0x11, block4+"\x04\x00"):                     "cut off",
		binaryHeader(0x21, 0x11, block4+"\x04\x00\x05abcd"):             "cut off",
		binaryHeader(0x21, 0x11, block4+"\x03\x00\x02ab"):               "checksum of 2 bytes",
		binaryHeader(0x21, 0x11, strings.Repeat("x", maxBlock+1)):       "4097 bytes long",
		withSum(1): "the checksum is not right",
	} {
		_, vain, _, err := read(text + strings.Repeat(".", 120))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want) || vain != "" {
			t.Errorf("%q: error %v, want %q in it", text, err, want)
		}
	}
}

func TestHeaderCutOff(t *testing.T) {
	for text := range headers {
		for cut := len(signature); cut < len(text); cut++ {
			if _, _, _, err := read(text[:cut]); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%q: error %v, want an unexpected end", text[:cut], err)
			}
		}
	}
}

func TestNoHeader(t *testing.T) {
	for _, text := range []string{
		"", "G", "GET / HTTP/1.1\r\n\r\n", "PROPFIND / HTTP/1.1\r\n", "PR", "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\r\n\r\n\x00\r\nQUIT", "\r\nGET / HTTP/1.1\r\n",
	} {
		_, vain, left, err := read(text)
		if !errors.Is(err, ErrNoHeader) || vain+left != text {
			t.Errorf("%q: error %v, read in vain %q, left %q; want no header and nothing lost", text, err, vain, left)
		}
	}
}

func TestFailureWhileReading(t *testing.T) {
	broken := errors.New("broken")
	for _, text := range []string{"PROXY ", "PROXY TCP4 1.1.1.1 ", signature, binaryHeader(0x21, 0x11, block4)[:20]} {
		_, _, err := ReadHeader(script{Reader: io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))}, time.Time{})
		if !errors.Is(err, broken) {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

// A peer that sends its header in crumbs has no more time than any other.
func TestHeaderInCrumbs(t *testing.T) {
	for _, text := range []string{"PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\r\n", binaryHeader(0x21, 0x11, block4)} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			var peer sync.WaitGroup
			defer peer.Wait()
			defer ours.Close()
			peer.Go(func() {
				defer theirs.Close()
				for i := range text {
					if _, err := io.WriteString(theirs, text[i:i+1]); err != nil {
						return
					}
					time.Sleep(100 * time.Millisecond)
				}
			})
			began := time.Now()
			_, _, err := ReadHeader(ours, began.Add(2*time.Second))
			if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 2*time.Second {
				t.Errorf("%q: error %v after %v, want a timeout after 2s", text, err, time.Since(began))
			}
		})
	}
}

// Who waits to be spoken to first says nothing, and is taken to send no header.
func TestSilentPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		defer theirs.Close()
		_, vain, err := ReadHeader(ours, time.Now().Add(time.Second))
		if !errors.Is(err, ErrNoHeader) || len(vain) > 0 {
			t.Errorf("error %v, %q", err, vain)
		}
		go io.WriteString(theirs, "x")
		if n, err := ours.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("read %d, error %v: the deadline stayed", n, err)
		}
	})
}

func TestWriteHeader(t *testing.T) {
	four, six := netip.MustParseAddrPort("1.2.3.4:8080"), netip.MustParseAddrPort("[2001:db8::1]:8080")
	local4, local6 := netip.MustParseAddrPort("5.6.7.8:443"), netip.MustParseAddrPort("[2001:db8::2]:443")
	mapped := netip.AddrPortFrom(netip.MustParseAddr("::ffff:1.2.3.4"), 8080)
	for _, row := range []struct {
		version             int
		source, destination netip.AddrPort
		want                string
	}{
		{1, four, local4, "PROXY TCP4 1.2.3.4 5.6.7.8 8080 443\r\n"},
		{1, mapped, local4, "PROXY TCP4 1.2.3.4 5.6.7.8 8080 443\r\n"},
		{1, six, local6, "PROXY TCP6 2001:db8::1 2001:db8::2 8080 443\r\n"},
		{1, six, local4, "PROXY TCP6 2001:db8::1 ::ffff:5.6.7.8 8080 443\r\n"},
		{1, netip.AddrPort{}, local4, "PROXY UNKNOWN\r\n"},
		{2, four, local4, binaryHeader(0x21, 0x11, block4)},
		{2, six, local6, binaryHeader(0x21, 0x21, block6)},
		{2, four, netip.AddrPort{}, binaryHeader(0x20, 0x00, "")},
	} {
		var b bytes.Buffer
		if err := WriteHeader(&b, row.version, row.source, row.destination); err != nil || b.String() != row.want {
			t.Errorf("version %d, %v to %v: %q, error %v; want %q", row.version, row.source, row.destination, b.String(), err, row.want)
		}
	}
	if err := WriteHeader(io.Discard, 3, four, local4); err == nil {
		t.Error("version 3 was written")
	}
	closed, _ := net.Pipe()
	closed.Close()
	if err := WriteHeader(closed, 1, four, local4); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}

func FuzzReadHeader(f *testing.F) {
	for text := range headers {
		f.Add([]byte(text + "rest"))
	}
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte(withSum(1)))
	f.Add([]byte(binaryHeader(0x21, 0x11, block4+"\x04\x00")))
	f.Add([]byte("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, vain, left, err := read(string(text))
		switch {
		case errors.Is(err, ErrNoHeader):
			if vain+left != string(text) {
				t.Errorf("lost bytes: %q and %q of %q", vain, left, text)
			}
			return
		case err != nil:
			return
		}
		// However the bytes arrive, they mean the same.
		crumbs := iotest.OneByteReader(bytes.NewReader(text))
		if again, _, err := ReadHeader(script{Reader: crumbs}, time.Time{}); err != nil || again != h {
			t.Errorf("in crumbs: %+v, error %v; at once: %+v", again, err, h)
		}
		// What was understood can be told again.
		for version := 1; version <= 2; version++ {
			told, err := AppendHeader(nil, version, h.Source, h.Destination)
			if err != nil {
				t.Fatal(err)
			}
			again, _, rest, err := read(string(told) + "rest")
			if err != nil || rest != "rest" || again.Source != h.Source || again.Destination != h.Destination {
				t.Errorf("%+v told as %q is %+v, error %v", h, told, again, err)
			}
		}
	})
}
