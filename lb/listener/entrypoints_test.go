package listener

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestEntrypoints(t *testing.T) {
	for texts, want := range map[string]struct {
		names   []string
		aliases map[string]string
	}{
		":80":       {nil, nil},
		":80 :81":   {nil, nil},
		":443;cs=x": {nil, nil},
		":80;name=a": {
			[]string{"a"}, map[string]string{"web": "a", "http": "a"},
		},
		":80 :443;cs=x": {
			[]string{":80", ":443"}, map[string]string{"web": ":80", "http": ":80", "websecure": ":443", "https": ":443"},
		},
		":81;name=one :80;name=web :443;cs=x;name=tls": {
			[]string{"one", "web", "tls"}, map[string]string{"http": "one", "websecure": "tls", "https": "tls"},
		},
		":80 :81;name=b :53;proto=udp :1;proto=tcp": {
			[]string{":80", "b", ":53", ":1"}, map[string]string{"web": ":80", "http": ":80"},
		},
		":443;proto=https+tcp+sni;cs=x;name=all": {
			[]string{"all"}, map[string]string{"websecure": "all", "https": "all"},
		},
	} {
		var listeners []Listener
		for text := range strings.SplitSeq(texts, " ") {
			l, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			listeners = append(listeners, l)
		}
		names, aliases := Entrypoints(listeners)
		if !slices.Equal(names, want.names) || !maps.Equal(aliases, want.aliases) {
			t.Errorf("%s: %q, %v; want %q, %v", texts, names, aliases, want.names, want.aliases)
		}
	}
}
