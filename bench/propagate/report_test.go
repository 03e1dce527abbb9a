package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestSpreadOf(t *testing.T) {
	ms := func(values ...int) (durations []time.Duration) {
		for _, v := range values {
			durations = append(durations, time.Duration(v)*time.Millisecond)
		}
		return durations
	}
	tests := []struct {
		name string
		in   []time.Duration
		want spread
	}{
		{"none", nil, spread{}},
		{"one", ms(7), spread{1, 7, 7, 7}},
		{"two: the lower is the median", ms(9, 1), spread{2, 1, 9, 9}},
		{"ten, unsorted", ms(10, 9, 8, 7, 6, 5, 4, 3, 2, 1), spread{10, 5, 9, 10}},
		{"eleven", ms(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), spread{11, 6, 10, 11}},
		{"fractions stay", []time.Duration{1250 * time.Microsecond}, spread{1, 1.25, 1.25, 1.25}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := spreadOf(tt.in); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestShortMS(t *testing.T) {
	for ms, want := range map[float64]string{0: "0.0 ms", 0.42: "0.4 ms", 99.94: "99.9 ms", 172.4: "172 ms", 1700: "1.70 s"} {
		if got := shortMS(ms); got != want {
			t.Errorf("shortMS(%v) = %q, want %q", ms, got, want)
		}
	}
}

func TestCountEntries(t *testing.T) {
	for text, want := range map[string]int{`[]`: 0, "\n[{},{}]": 2, `{}`: 0, `{"a":["x"],"b":[]}`: 2, "null": 0} {
		if got, err := countEntries([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %d, %v; want %d", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "[1,", "rpc error"} {
		if got, err := countEntries([]byte(bad)); err == nil {
			t.Errorf("%q: got %d, want an error", bad, got)
		}
	}
}

// exampleResults are of two subjects, the second of which never saw one kind of
// change.
func exampleResults() []result {
	five := 5
	return []result{
		{
			Subject: "sluice", Services: 300, Changes: 30, BootMS: 84.2, RoutedBooted: 300, RoutedEnd: 300,
			Series: []series{
				{"register", spread{30, 11.2, 14, 20.1}, spread{30, 12.2, 15, 21.1}, 0},
				{"port changes", spread{29, 11.2, 14, 20.1}, spread{29, 12.2, 15, 21.1}, 1},
			},
			Change: cost{2.3, 5}, Idle: cost{0.4, 20}, RSSBooted: 20 << 20, RSSEnd: 21 << 20, RSSPeak: 22 << 20,
			ConnectionsMost: 64, ConnectionsEnd: 5, ConnectionsBySS: &five, OtherClient: probes{1000, 0, 0, 12.5}, OtherWork: 0.034,
		},
		{
			Subject: "fabio", Services: 5000, Changes: 30, BootMS: 4210, RoutedBooted: 5000, RoutedEnd: 4999,
			Series: []series{
				{"register", spread{30, 1712, 1800, 2010}, spread{30, 1713, 1801, 2011}, 0},
				{"port changes", spread{}, spread{}, 3},
			},
			Change: cost{1000, 2500}, Idle: cost{0, 20}, RSSBooted: 90 << 20, RSSEnd: 91 << 20, RSSPeak: 92 << 20,
			ConnectionsMost: 4, ConnectionsEnd: 4, OtherClient: probes{5000, 2, 1, 70},
		},
	}
}

func TestWriteTable(t *testing.T) {
	var got bytes.Buffer
	if err := writeTable(&got, exampleResults()); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/table.txt"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got:\n%swant:\n%s", &got, want)
	}
}

func TestWriteJSON(t *testing.T) {
	var text bytes.Buffer
	if err := writeJSON(&text, exampleResults()); err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(text.Bytes(), []byte("\n")); lines != 2 {
		t.Errorf("%d lines, want one for each run", lines)
	}
	var got []result
	for decoder := json.NewDecoder(&text); decoder.More(); {
		var r result
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if want := exampleResults(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
