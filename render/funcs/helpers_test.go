package funcs

import (
	"testing"
)

func TestHelpers(t *testing.T) {
	tests := []struct{ text, want string }{
		{`{{subtract 2 5}} {{10 | divide 2}} {{7 | modulo -3}} {{-7 | modulo 3}}`, "3 5 1 -1"},
		{`{{add 1 2.5}} {{multiply 2 3}} {{divide 0.0 1}} {{divide 2 7}}`, "3.5 6 +Inf 3"},
		{`{{subtract (parseUint "5") (parseUint "3")}}`, "18446744073709551614"},
		{`{{minimum 3 2}} {{maximum 3 2}} {{minimum 2 2.0}} {{maximum 1.5 1}}`, "2 3 2 1.5"},
		{`{{range loop 3}}{{.}}{{end}} {{range loop 1 "3"}}{{.}}{{end}} {{range loop 3 1}}{{else}}none{{end}}`, "012 12 none"},
		{`{{in "hello" "ell"}} {{in (split "," "a,b") "b"}} {{"b" | contains "b"}} {{in (parseJSON "[5]") 5}} {{in 5 5}}`, "true true true false false"},
		{`{{in (parseJSON "[5, true]") 5.0}} {{in (parseJSON "[5, true]") true}}`, "true false"},
		{`{{split "," " a,b "}} {{split "," " "}} {{split "" "ab" | join "-"}}`, "[a b] [] a-b"},
		{`{{"-a-" | trim "-"}} {{" a " | trimSpace}} {{"abc" | trimPrefix "a"}} {{"abc" | trimSuffix "c"}}`, "a a bc ab"},
		{`{{"abc" | replaceAll "" "-"}} {{"a.b" | replaceAll "." "_"}}`, "-a-b-c- a_b"},
		{`{{"ab12" | regexReplaceAll "([a-z]+)(\\d+)" "${2}$1"}} {{"xabx" | regexMatch "a.?x"}}`, "12ab true"},
		{`{{"a\n\nb\n" | indent 2}}`, "  a\n\n  b\n"},
		{`{{"A é" | toLower}} {{"a é" | toUpper}}`, "a é A É"},
		{`{{"hi?>" | base64Encode}} {{"aGk/Pg==" | base64Decode}} {{"hi?>" | base64URLEncode}} {{"aGk_Pg==" | base64URLDecode}}`, "aGk/Pg== hi?> aGk_Pg== hi?>"},
		{`{{parseInt ""}} {{parseInt "-5"}} {{parseUint "5"}} {{parseFloat "1.5"}} {{parseBool "T"}} {{parseBool ""}}`, "0 -5 5 1.5 true false"},
		{`{{parseJSON "{\"n\": 12345678}"}} {{parseJSON ""}}`, "map[n:1.2345678e+07] map[]"},
		{`{{parseJSON "{\"b\": \"<\", \"a\": [1]}" | toJSON}} {{"<" | toUnescapedJSON}}`, `{"a":[1],"b":"\u003c"} "<"`},
		{`{{parseJSON "{\"a\": 1}" | toJSONPretty}}`, "{\n  \"a\": 1\n}"},
		{`{{parseJSON "[\"<\"]" | toUnescapedJSONPretty}}`, "[\n  \"<\"\n]"},
		{`{{isIP "10.0.0.1"}} {{isIP "::1"}} {{isIP "fe80::1%eth0"}} {{isIP "a; b"}}`, "true true false false"},
		{`{{hostPort "10.0.0.1" 80}} {{hostPort "::1" "80"}}`, "10.0.0.1:80 [::1]:80"},
		{`{{"abc" | sprig_upper}} {{sprig_default "x" ""}} {{"abcdef" | sprig_trunc 2}}`, "ABC x ab"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			got, _, err := run(test.text, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestHelperErrors(t *testing.T) {
	for _, text := range []string{
		`{{divide 0 1}}`, `{{modulo 0 1}}`, `{{modulo 1.0 1}}`, `{{add "a" 1}}`, `{{minimum "a" 1}}`,
		`{{loop 1.5}}`, `{{loop}}`, `{{loop 1 2 3}}`, `{{loop "x"}}`, `{{loop 99999999999}}`,
		`{{regexMatch "(" "a"}}`, `{{regexReplaceAll "(" "" "a"}}`, `{{indent -1 "a"}}`, `{{base64Decode "!"}}`, `{{base64URLDecode "!"}}`,
		`{{parseInt "x"}}`, `{{parseUint "-1"}}`, `{{parseFloat "x"}}`, `{{parseBool "x"}}`, `{{parseJSON "{"}}`, `{{byTag 5}}`, `{{hostPort "a" 1.5}}`,
	} {
		if out, _, err := run(text, nil); err == nil {
			t.Errorf("%s gave %q, want an error", text, out)
		}
	}
}

// Sprig's functions that read the clock, the environment or the network are
// not offered.
func TestSprigIsHermetic(t *testing.T) {
	helpers := Helpers()
	for _, name := range []string{
		"date", "date_in_zone", "date_modify", "now", "htmlDate", "htmlDateInZone", "dateInZone", "dateModify", "randAlphaNum",
		"randAlpha", "randAscii", "randNumeric", "randBytes", "uuidv4", "env", "expandenv", "getHostByName",
	} {
		if _, there := helpers["sprig_"+name]; there {
			t.Errorf("sprig_%s is offered", name)
		}
	}
	for _, name := range []string{"abbrev", "dict", "genCA", "must_date_modify", "semverCompare", "without", "wrapWith"} {
		if _, there := helpers["sprig_"+name]; !there {
			t.Errorf("sprig_%s is not offered", name)
		}
	}
}
