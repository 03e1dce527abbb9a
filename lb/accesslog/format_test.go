package accesslog

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden from what the code does")

// Each format and way to set it has a golden file with the lines of the same
// entries.
func TestFormats(t *testing.T) {
	here := time.Local
	time.Local = time.FixedZone("", -5*3600)
	t.Cleanup(func() { time.Local = here })
	shown := Modes{Keep: []string{"content-type", "X-List", "Cookie"}, Redact: []string{"Server"}}
	all := Modes{Default: "keep", Drop: []string{"Referer"}}
	tests := []struct {
		name, format    string
		fields, headers Modes
	}{
		{"common", "common", Modes{}, Modes{}},
		{"combined", "combined", Modes{}, Modes{}},
		{"json", "json", Modes{}, Modes{}},
		{"json-headers", "json", Modes{}, shown},
		{"json-all-headers", "json", Modes{Drop: []string{"query", "user"}, Redact: []string{"remote_ip"}}, all},
		{"json-little", "json", Modes{Default: "drop", Keep: []string{"status", "path"}}, Modes{}},
		{"traefik", "traefik", Modes{}, Modes{}},
		{"traefik-headers", "traefik", Modes{Drop: []string{"ClientUsername", "RequestPath"}, Redact: []string{"ClientHost"}}, all},
		{"generic-clf", "generic-clf", Modes{}, Modes{Keep: []string{"User-Agent"}}},
		{"traefik-json", "traefik-json", Modes{}, Modes{}},
		{"traefik1", "traefik1", Modes{}, Modes{Keep: []string{"Referer"}}},
		{"traefik1-json", "traefik1-json", Modes{Redact: []string{"FrontendName"}, Drop: []string{"BackendURL"}}, Modes{}},
		{"traefik-json-headers", "traefik-json", Modes{Drop: []string{"StartLocal"}}, all},
		{"pattern", everything, Modes{}, Modes{}},
		{"pattern-secret", `$header.Authorization "$header.Cookie" $header.User-Agent`, Modes{}, Modes{Keep: []string{"authorization"}, Drop: []string{"user-agent"}}},
		{"pattern-json", jsonPattern, Modes{}, Modes{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := mustFormat(t, tt.format, tt.fields, tt.headers)
			var got []byte
			for _, e := range []*Entry{served(), unrouted(), refused(), hostile(attack)} {
				got = f.Append(got, e)
			}
			path := filepath.Join("testdata", tt.name+".golden")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if isJSON(tt.format) {
				checkJSON(t, string(got))
			}
		})
	}
}

func isJSON(format string) bool {
	return format == jsonLines || format == traefikJSON || format == traefik1JSON || strings.HasPrefix(format, "{")
}

func checkJSON(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

// Whatever the format, what may be a secret shows only if it is named.
func TestSecretsAreNotShown(t *testing.T) {
	keepAll := Modes{Default: "keep"}
	for _, format := range append(Formats(), `$header.Authorization $header.cookie $header.X-Vault-Token`) {
		for _, headers := range []Modes{{}, keepAll, {Redact: []string{"Cookie"}}} {
			line := string(mustFormat(t, format, Modes{}, headers).Append(nil, served()))
			if strings.Contains(line, "planted") {
				t.Errorf("%s with %v shows a secret: %s", format, headers, line)
			}
		}
		line := string(mustFormat(t, format, Modes{}, Modes{Keep: []string{"authorization"}}).Append(nil, served()))
		if isNamed := isJSON(format) || strings.Contains(format, "$header"); strings.Contains(line, "Bearer") != isNamed {
			t.Errorf("%s: %s", format, line)
		}
	}
}

func TestFormatFaults(t *testing.T) {
	tests := []struct {
		format          string
		fields, headers Modes
		want            string
	}{
		{"jsn", Modes{}, Modes{}, `format "jsn" is none of json, common, combined, traefik, traefik-json, traefik1, traefik1-json, generic-clf, and no pattern such as '$remote_host "$request"'; did you mean json?`},
		{"", Modes{}, Modes{}, `format "" is none of json, common, combined, traefik, traefik-json, traefik1, traefik1-json, generic-clf, and no pattern such as '$remote_host "$request"'`},
		{"$remote_hots", Modes{}, Modes{}, "pattern: unknown field $remote_hots; did you mean $remote_host?"},
		{"$header", Modes{}, Modes{}, "pattern: $header needs a name, as in $header.User-Agent"},
		{"a $header. b", Modes{}, Modes{}, "pattern: $header needs a name, as in $header.User-Agent"},
		{"5 $ 6", Modes{}, Modes{}, `pattern: a "$" has no name of a field behind it`},
		{"$request\n", Modes{}, Modes{}, `pattern "$request\n" holds a control byte`},
		{"common", Modes{Drop: []string{"user"}}, Modes{}, "fields: the format common has the fields it names; modes are for json and those of Traefik"},
		{"json", Modes{Drop: []string{"usr"}}, Modes{}, `fields: there is no field "usr"; did you mean user?`},
		{"traefik", Modes{Keep: []string{"user"}}, Modes{}, `fields: there is no field "user"`},
		{"json", Modes{Default: "kep"}, Modes{}, `fields: "kep" is none of keep, drop, redact; did you mean keep?`},
		{"json", Modes{}, Modes{Keep: []string{"A"}, Drop: []string{"a"}}, `headers: "a" is listed twice`},
	}
	for _, tt := range tests {
		_, err := ParseFormat(tt.format, tt.fields, tt.headers)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.format, err, tt.want)
		}
	}
}

func TestLongValuesAreCut(t *testing.T) {
	e := served()
	e.Path = "/" + strings.Repeat("\xff", 100<<10)
	e.CleanPath = e.Path
	for _, format := range append(Formats(), everything) {
		line := mustFormat(t, format, Modes{}, Modes{}).Append(nil, e)
		if len(line) > 10*4*maxValue || !strings.Contains(string(line), ellipsis) {
			t.Errorf("%s: a line of %d bytes", format, len(line))
		}
	}
}

func TestRequestsAreCounted(t *testing.T) {
	f := mustFormat(t, "traefik", Modes{}, Modes{})
	f.Append(nil, served())
	if line := string(f.Append(nil, served())); !strings.Contains(line, ` 2 "shop@consulcatalog"`) {
		t.Errorf("the second line is %s", line)
	}
}
