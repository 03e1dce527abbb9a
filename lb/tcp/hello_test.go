package tcp

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// helloOf is what a client with that configuration says first.
func helloOf(t testing.TB, c *tls.Config) []byte {
	t.Helper()
	here, there := net.Pipe()
	defer there.Close()
	c.InsecureSkipVerify = true
	go func() {
		_ = tls.Client(here, c).Handshake()
		here.Close()
	}()
	head := make([]byte, recordHead)
	if _, err := io.ReadFull(there, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(there, body); err != nil {
		t.Fatal(err)
	}
	return body
}

// records puts a message into records of so many bytes each.
func records(message []byte, size int) (all []byte) {
	for part := range slices.Chunk(message, size) {
		all = append(all, recordHandshake, 3, 1, byte(len(part)>>8), byte(len(part)))
		all = append(all, part...)
	}
	return all
}

// message has a hello's length, whatever its body.
func message(body []byte) []byte {
	return append([]byte{clientHello, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// hello is a hello with these extensions.
func hello(extensions ...[]byte) []byte {
	body := slices.Concat([]byte{3, 3}, make([]byte, 32), []byte{0}, []byte{0, 2, 0x13, 1}, []byte{1, 0})
	all := slices.Concat(extensions...)
	return message(slices.Concat(body, []byte{byte(len(all) >> 8), byte(len(all))}, all))
}

func extension(kind int, data []byte) []byte {
	return append([]byte{byte(kind >> 8), byte(kind), byte(len(data) >> 8), byte(len(data))}, data...)
}

func named(name string) []byte {
	n := len(name)
	return extension(extensionServerName, append([]byte{byte((n + 3) >> 8), byte(n + 3), 0, byte(n >> 8), byte(n)}, name...))
}

// reader is a connection that says something and no more.
type reader struct {
	net.Conn
	from io.Reader
}

func (r reader) Read(p []byte) (int, error)      { return r.from.Read(p) }
func (r reader) SetReadDeadline(time.Time) error { return nil }

func read(text []byte) (Hello, []byte, error) {
	return ReadHello(reader{from: bytes.NewReader(text)}, time.Time{})
}

func TestReadHello(t *testing.T) {
	plain := helloOf(t, &tls.Config{ServerName: "Shop.Example.com", NextProtos: []string{"h2", "imap"}})
	long := helloOf(t, &tls.Config{ServerName: "a.test", NextProtos: slices.Repeat([]string{strings.Repeat("p", 200)}, 30)})
	if len(long) < 5000 {
		t.Fatalf("the long hello has only %d bytes", len(long))
	}
	shop := Hello{"shop.example.com", []string{"h2", "imap"}}
	for name, row := range map[string]struct {
		text []byte
		want Hello
		err  error
	}{
		"one record":                {records(plain, maxRecord), shop, nil},
		"with more behind":          {append(records(plain, maxRecord), "more"...), shop, nil},
		"in pieces":                 {records(plain, 100), shop, nil},
		"a byte a record":           {records(plain, 1), shop, nil},
		"more than 4 KiB":           {records(long, maxRecord), Hello{"a.test", slices.Repeat([]string{strings.Repeat("p", 200)}, 30)}, nil},
		"largest":                   {records(hello(named("a.test"), extension(21, make([]byte, 65000))), maxRecord), Hello{ServerName: "a.test"}, nil},
		"no name":                   {records(helloOf(t, &tls.Config{}), maxRecord), Hello{}, nil},
		"no extensions":             {records(message(hello()[messageHead:len(hello())-2]), maxRecord), Hello{}, nil},
		"dot at the end":            {records(hello(named("A.Test.")), maxRecord), Hello{ServerName: "a.test"}, nil},
		"unknown kind of name":      {records(hello(extension(0, []byte{0, 4, 7, 0, 1, 'x'})), maxRecord), Hello{}, nil},
		"1 MiB":                     {records(message(make([]byte, 1<<20)), maxRecord), Hello{}, ErrTooLarge},
		"1 MiB, announced":          {records([]byte{clientHello, 0x10, 0, 0}, maxRecord), Hello{}, ErrTooLarge},
		"too many records":          {records(hello(named("a.test"), extension(21, make([]byte, 60000))), 1), Hello{}, ErrTooLarge},
		"HTTP":                      {[]byte("GET / HTTP/1.1\r\n\r\n"), Hello{}, ErrNotTLS},
		"SSH":                       {[]byte("S"), Hello{}, ErrNotTLS},
		"type of a record, no more": {[]byte{recordHandshake, 'a', 'b', 'c', 'd'}, Hello{}, ErrNotTLS},
		"empty record":              {[]byte{recordHandshake, 3, 1, 0, 0}, Hello{}, ErrNotTLS},
		"other record behind":       {append(records(plain[:10], 10), 23, 3, 1, 0, 1, 0), Hello{}, ErrMalformed},
		"other message":             {records([]byte{2, 0, 0, 1, 0}, maxRecord), Hello{}, ErrMalformed},
		"nothing":                   {nil, Hello{}, io.ErrUnexpectedEOF},
		"breaks off":                {records(plain, maxRecord)[:50], Hello{}, io.ErrUnexpectedEOF},
		"name twice":                {records(hello(named("a.test"), named("b.test")), maxRecord), Hello{}, ErrMalformed},
		"name with a blank":         {records(hello(named("a b")), maxRecord), Hello{}, ErrMalformed},
		"name with a line feed":     {records(hello(named("a\nb")), maxRecord), Hello{}, ErrMalformed},
		"empty name":                {records(hello(named("")), maxRecord), Hello{}, ErrMalformed},
		"empty protocol":            {records(hello(extension(16, []byte{0, 1, 0})), maxRecord), Hello{}, ErrMalformed},
		"half an extension":         {records(hello([]byte{0, 0, 0}), maxRecord), Hello{}, ErrMalformed},
		"text behind":               {records(message(append(hello()[messageHead:], 0)), maxRecord), Hello{}, ErrMalformed},
		"short":                     {records(message([]byte{3, 3}), maxRecord), Hello{}, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			h, got, err := read(row.text)
			if !reflect.DeepEqual(h, row.want) || !errors.Is(err, row.err) {
				t.Errorf("%+v, %v; want %+v, %v", h, err, row.want, row.err)
			}
			if !bytes.HasPrefix(row.text, got) {
				t.Error("what was read is not what was said")
			}
			if len(got) > maxRead+2*maxRecord {
				t.Errorf("%d bytes were read", len(got))
			}
		})
	}
}

func TestSlowHello(t *testing.T) {
	for _, said := range []string{"", "\x16\x03\x01"} {
		here, there := pair(t)
		write(t, here, said)
		_, got, err := ReadHello(there, time.Now().Add(50*time.Millisecond))
		if !errors.Is(err, os.ErrDeadlineExceeded) || string(got) != said {
			t.Errorf("%q, %v; want %q and the deadline exceeded", got, err, said)
		}
		write(t, here, "x") // there is no deadline any more
		if _, err := there.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
	}
}

func FuzzReadHello(f *testing.F) {
	plain := helloOf(f, &tls.Config{ServerName: "shop.example.com", NextProtos: []string{"h2"}})
	f.Add(records(plain, maxRecord), 7)
	f.Add(records(hello(named("a"), extension(16, []byte{0, 3, 2, 'h', '2'})), 3), 1)
	f.Add([]byte("GET / HTTP/1.1\r\n"), 1)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		h, got, err := read(text)
		if !bytes.HasPrefix(text, got) {
			t.Fatal("what was read is not what was said")
		}
		if err != nil {
			return
		}
		if strings.ToLower(h.ServerName) != h.ServerName || strings.ContainsAny(h.ServerName, " \r\n\x00") {
			t.Fatalf("server name %q", h.ServerName)
		}
		// However it is cut into records, it says the same.
		r := helloReader{from: bytes.NewReader(text)}
		body, _ := r.message()
		again, _, err := read(records(message(body), 1+int(uint(size)%maxRecord)))
		if errors.Is(err, ErrTooLarge) {
			return // for the heads of the records
		}
		if err != nil || fmt.Sprint(again) != fmt.Sprint(h) {
			t.Fatalf("%+v, %v; want %+v", again, err, h)
		}
	})
}
