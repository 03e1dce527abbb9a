package migrate

import "regexp"

// A name in braces is what others put a variable for, and double braces are a
// template of Traefik's file provider.
var (
	variableInText = regexp.MustCompile(`\$\{[A-Za-z_]\w*\}`)
	templateInText = regexp.MustCompile(`\{\{.*\}\}`)
	// Of these, both are words of their own.
	patternPath = regexp.MustCompile(`(?i)(rule|regex|replacement|expression|format)$`)
)

// unfilled tells of values that look as if somebody was to fill them in first.
func (t *tree) unfilled() (notes []note) {
	for _, v := range t.values {
		text, ok := v.value.(string)
		if !ok || patternPath.MatchString(v.path) {
			continue
		}
		if name := variableInText.FindString(text); name != "" {
			notes = append(notes, note{v.from.path, v.line, v.path + ": " + name + " is taken as it stands, as Traefik does: fill it in before", v.path})
		} else if templateInText.MatchString(text) {
			notes = append(notes, note{v.from.path, v.line, v.path + ": {{…}} is taken as it stands: migrate the file as the template leaves it", v.path})
		}
	}
	return notes
}
