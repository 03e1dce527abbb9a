package h1

import (
	"sync/atomic"
	"time"
)

// dateField makes the Date field, once a second.
type dateField struct{ last atomic.Pointer[dateLine] }

type dateLine struct {
	second int64
	line   string
}

func (d *dateField) append(b []byte, now time.Time) []byte {
	last := d.last.Load()
	if last == nil || last.second != now.Unix() {
		last = &dateLine{now.Unix(), now.UTC().Format("Date: Mon, 02 Jan 2006 15:04:05 GMT\r\n")}
		d.last.Store(last)
	}
	return append(b, last.line...)
}
