package consul

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/watch"
)

// FuzzScanHealth checks that what the scanner reads is what encoding/json does.
func FuzzScanHealth(f *testing.F) {
	for _, seed := range []string{
		`[]`, `null`, ` [ null , {} ] `, `[{"Node":{"Node":"n","Meta":{"a":null,"b":"ü\n\u00e9"}}}]`,
		`[{"Service":{"ID":"a","Port":80,"Tags":["a",null],"Weights":{"Passing":1,"Warning":-1},"TaggedAddresses":{"lan":{"Address":"x","Port":1}}}}]`,
		`[{"Service":{"Service":"a","Meta":{},"EnableTagOverride":true,"CreateIndex":18446744073709551615,"Proxy":{"x":[1.5e3,true,{}]}}}]`,
		`[{"Checks":[{"CheckID":"c","Definition":{"Interval":"10s"},"ServiceTags":[]},null,{"Definition":{}}]}]`,
		`[{"Checks":null,"Checks":[{}]}]`, `[{"Service":{"id":"fold"}}]`, `[{"Service":{"ID":"a"},"Service":{"Port":1}}]`,
		`[{"Service":{"Port":1.0}}]`, `[{"Service":{"Port":01}}]`, `[{"Node":{"ID":"` + "\xff" + `"}}]`, `[{"Node":{"x":"\q"}}]`,
		`[{"Service":{"Tags":["a"],"Tags":[null]}}]`, `[{"Service":{"Weights":{"Passing":1},"Weights":{"Warning":2}}}]`, "[] x", `[{"Node":{"Meta":{"a":"b"},"Meta":null}}]`, "[{\"x\":\"\\\\\"}]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := scanHealth(body)
		if !ok {
			return
		}
		want, _, err := decodeList(body, instance)
		if err != nil {
			t.Fatalf("%q is accepted, but %v", body, err)
		}
		if diff := cmp.Diff(want.([]watch.Instance), got); diff != "" {
			t.Errorf("%q (-encoding/json +scanner):\n%s", body, diff)
		}
	})
}

// What Consul really sends must not need the slow way.
func TestScanHealth_ReadsWhatConsulSends(t *testing.T) {
	for name, body := range map[string]string{
		"instance":   benchEntry,
		"output":     `{"Checks":[{"Output":"HTTP GET http://x/: 200 OK\nOutput: \u003cb\u003e\t\"ü\""}]}`,
		"definition": `{"Checks":[{"Definition":{"HTTP":"http://x","Interval":"10s","Timeout":"1s"}}]}`,
		"proxy":      `{"Service":{"Kind":"connect-proxy","Proxy":{"DestinationServiceName":"a","Upstreams":[{"LocalBindPort":1}],"Config":{"a":1.5}},"Connect":{"Native":true}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte("[" + body + "]")
			got, ok := scanHealth(body)
			if !ok {
				t.Fatal("the scanner gave up")
			}
			want, _, err := decodeList(body, instance)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.([]watch.Instance), got); diff != "" {
				t.Errorf("(-encoding/json +scanner):\n%s", diff)
			}
		})
	}
}
