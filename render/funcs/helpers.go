package funcs

import (
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/davecgh/go-spew/spew"
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
		"byMeta":                byMeta,
		"byPort":                byPort,
		"byTag":                 byTag,
		"contains":              contains,
		"containsAll":           containsAll,
		"containsAny":           containsAny,
		"containsNone":          containsNone,
		"containsNotAll":        containsNotAll,
		"explode":               explode,
		"explodeMap":            explodeMap,
		"hmacSHA256Hex":         hmacSHA256Hex,
		"hostPort":              hostPort,
		"in":                    in,
		"indent":                indent,
		"isIP":                  isIP,
		"join":                  join,
		"loop":                  loop,
		"md5sum":                md5sum,
		"mergeMap":              mergeMap,
		"mergeMapWithOverride":  mergeMapWithOverride,
		"parseBool":             parseBool,
		"parseFloat":            parseFloat,
		"parseInt":              parseInt,
		"parseJSON":             parseJSON,
		"parseUint":             parseUint,
		"parseYAML":             parseYAML,
		"regexMatch":            regexMatch,
		"regexReplaceAll":       regexReplaceAll,
		"replaceAll":            replaceAll,
		"sha256Hex":             sha256Hex,
		"sockaddr":              sockaddr,
		"spew_sdump":            spew.Sdump,
		"spew_sprintf":          spew.Sprintf,
		"split":                 split,
		"splitToMap":            splitToMap,
		"toJSON":                toJSON,
		"toJSONPretty":          toJSONPretty,
		"toLower":               strings.ToLower,
		"toTOML":                toTOML,
		"toTitle":               toTitle,
		"toUnescapedJSON":       toUnescapedJSON,
		"toUnescapedJSONPretty": toUnescapedJSONPretty,
		"toUpper":               strings.ToUpper,
		"toYAML":                toYAML,
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
