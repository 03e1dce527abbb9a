package tags

import (
	"math"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// reader takes the words of a command from the front.
type reader struct {
	words []fabioWord
	at    int // where the last word taken began
	end   int // of the line
}

func (r *reader) more() bool          { return len(r.words) > 0 }
func (r *reader) is(word string) bool { return r.more() && r.words[0].text == word }

// next takes a word, empty at the end of the line.
func (r *reader) next() string {
	if !r.more() {
		r.at = r.end
		return ""
	}
	word := r.words[0]
	r.words, r.at = r.words[1:], word.at
	return word.text
}

// skip takes that word, if it is next.
func (r *reader) skip(word string) bool {
	if !r.is(word) {
		return false
	}
	r.next()
	return true
}

// weight takes "weight W", 0 without it.
func (r *reader) weight() (float64, *fabioError) {
	if !r.skip("weight") {
		return 0, nil
	}
	weight, err := strconv.ParseFloat(r.next(), 64)
	if err != nil || math.IsNaN(weight) || math.IsInf(weight, 0) {
		return 0, &fabioError{r.at, "the weight is not a number", "0.3 is three tenths of the traffic"}
	}
	return weight, nil
}

// tags takes `tags "T,…"`, none without it.
func (r *reader) tags() ([]string, *fabioError) {
	if !r.skip("tags") {
		return nil, nil
	}
	text, _, err := r.quoted()
	return spec.List(text), err
}

// quoted takes a text in quotes.
func (r *reader) quoted() (text string, at int, err *fabioError) {
	word := r.next()
	inner, opened := strings.CutPrefix(word, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	if !opened || !closed {
		return "", 0, &fabioError{r.at, "a text in quotes is missing", ""}
	}
	return inner, r.at + 1, nil
}

// splitCommand splits a line into words. A word that starts with a quote ends
// with one, and keeps both.
func splitCommand(line string) (words []fabioWord) {
	for at := 0; ; {
		rest := strings.TrimLeft(line[at:], " \t")
		at = len(line) - len(rest)
		if rest == "" {
			return words
		}
		end := strings.IndexAny(rest, " \t")
		if rest[0] == '"' {
			if end = strings.IndexByte(rest[1:], '"'); end >= 0 {
				end += len(`""`)
			}
		}
		if end < 0 {
			end = len(rest)
		}
		words = append(words, fabioWord{rest[:end], at})
		at += end
	}
}
