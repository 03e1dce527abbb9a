package accesslog

import (
	"testing"
	"time"
)

func TestFilter(t *testing.T) {
	tests := []struct {
		filter Filter
		entry  Entry
		want   bool
	}{
		{Filter{}, Entry{Status: 200}, true},
		{Filter{Status: []string{"404", "500-503"}}, Entry{Status: 502}, true},
		{Filter{Status: []string{"404", "500-503"}}, Entry{Status: 504}, false},
		{Filter{Status: []string{"4xx"}}, Entry{Status: 499}, true},
		{Filter{Status: []string{"4XX"}}, Entry{Status: 500}, false},
		{Filter{Retried: true}, Entry{Tries: 2, Retries: 1}, true},
		{Filter{Retried: true}, Entry{Tries: 2}, false}, // an error page
		{Filter{MinDuration: time.Second}, Entry{Duration: time.Second}, true},
		{Filter{MinDuration: time.Second}, Entry{Duration: time.Second - 1}, false},
		{Filter{MinDuration: time.Second, Status: []string{"404"}}, Entry{Status: 404}, true}, // any will do
	}
	for _, tt := range tests {
		f, err := tt.filter.compile()
		if err != nil || f.lets(&tt.entry) != tt.want {
			t.Errorf("%+v of %+v: %t, error %v, want %t", tt.filter, tt.entry, f.lets(&tt.entry), err, tt.want)
		}
	}
}

func TestFilterFaults(t *testing.T) {
	for _, status := range []string{"", "abc", "99", "1000", "500-400", "xx", "5x", "4xx-5xx", "-200"} {
		if _, err := (Filter{Status: []string{status}}).compile(); err == nil {
			t.Errorf("%q is taken for a status", status)
		}
	}
	if _, err := (Filter{MinDuration: -1}).compile(); err == nil {
		t.Error("a negative duration is taken")
	}
}
