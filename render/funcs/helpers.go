package funcs

import (
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// Helpers returns the functions that depend on their arguments alone. Where
// one takes several, the last is the one a pipe fills.
func Helpers() template.FuncMap {
	helpers := template.FuncMap{
		"base64Decode":          base64Decode,
		"base64Encode":          base64Encode,
		"base64URLDecode":       base64URLDecode,
		"base64URLEncode":       base64URLEncode,
		"byKey":                 byKey,
		"byTag":                 byTag,
		"contains":              contains,
		"hostPort":              hostPort,
		"in":                    in,
		"indent":                indent,
		"isIP":                  isIP,
		"join":                  join,
		"loop":                  loop,
		"parseBool":             parseBool,
		"parseFloat":            parseFloat,
		"parseInt":              parseInt,
		"parseJSON":             parseJSON,
		"parseUint":             parseUint,
		"regexMatch":            regexMatch,
		"regexReplaceAll":       regexReplaceAll,
		"replaceAll":            replaceAll,
		"split":                 split,
		"toJSON":                toJSON,
		"toJSONPretty":          toJSONPretty,
		"toLower":               strings.ToLower,
		"toUnescapedJSON":       toUnescapedJSON,
		"toUnescapedJSONPretty": toUnescapedJSONPretty,
		"toUpper":               strings.ToUpper,
		"trim":                  trim,
		"trimPrefix":            trimPrefix,
		"trimSpace":             strings.TrimSpace,
		"trimSuffix":            trimSuffix,

		"add":      add,
		"divide":   divide,
		"maximum":  maximum,
		"minimum":  minimum,
		"modulo":   modulo,
		"multiply": multiply,
		"subtract": subtract,
	}
	// Sprig's own notion of hermetic leaves out exactly what would make the
	// text depend on more than its arguments: clock, randomness, environment, DNS.
	for name, function := range sprig.HermeticTxtFuncMap() {
		helpers["sprig_"+name] = function
	}
	return helpers
}
