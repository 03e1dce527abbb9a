// Package nearest finds what a person most likely meant by a misspelt word.
package nearest

import (
	"iter"
	"strings"
)

// maxLength is that of the longest word looked at: the cost grows with its
// square, and nobody has misspelt more.
const maxLength = 100

// To returns the candidate a person most likely meant by word, or "" if none is
// near: up to one slip in three letters, two at least. Case is ignored.
func To(word string, candidates iter.Seq[string]) string {
	word = strings.ToLower(word)
	if len(word) > maxLength {
		return ""
	}
	best, least := "", max(2, len(word)/3)+1
	for c := range candidates {
		d := distance(word, strings.ToLower(c))
		// A word of which nothing stays is another word, however short. Equal
		// distances go by name, so that the answer does not hang on map order.
		if d >= max(len(word), len(c)) || d > least || d == least && (best == "" || c > best) {
			continue
		}
		best, least = c, d
	}
	return best
}

// Hint is the end of an "unknown …" message: a question with the nearest
// candidate, behind prefix, or nothing.
func Hint(word, prefix string, candidates iter.Seq[string]) string {
	if near := To(word, candidates); near != "" {
		return "; did you mean " + prefix + near + "?"
	}
	return ""
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b, no letter being touched twice.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			replaced := last[j-1]
			if s[i-1] != t[j-1] {
				replaced++
			}
			row[j] = min(replaced, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
