package h1

import "sync"

// Buffers come in two sizes: most heads fit a small one, and bodies are read
// into large ones.
const (
	smallBuffer = 4 << 10
	largeBuffer = 32 << 10
)

var (
	smallBuffers = sync.Pool{New: func() any { return new([smallBuffer]byte) }}
	largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}
)

func getSmall() []byte { return smallBuffers.Get().(*[smallBuffer]byte)[:] }
func getLarge() []byte { return largeBuffers.Get().(*[largeBuffer]byte)[:] }

// putBuffer gives a buffer back. Ones of other sizes, made for a head beyond
// the large size, are left to the collector.
func putBuffer(b []byte) {
	if b = b[:cap(b)]; poison {
		for i := range b {
			b[i] = '!'
		}
	}
	switch len(b) {
	case smallBuffer:
		smallBuffers.Put((*[smallBuffer]byte)(b))
	case largeBuffer:
		largeBuffers.Put((*[largeBuffer]byte)(b))
	}
}
