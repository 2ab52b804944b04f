package config

import (
	"regexp"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

const (
	maxSnippet = 120 // characters of a line that are shown
	ellipsis   = "..."
	secretMark = "<secret>"
)

// userInfo are the credentials in a URL.
var userInfo = regexp.MustCompile(`://.*@`)

// snippet returns a line as it may be shown, and where in it, counted from 1, a column is. Secrets are left out, of a long line
// only the part around the column is taken, and what cannot be printed is replaced.
func (s *source) snippet(line, column int) (text string, caret int) {
	raw := s.line(line)
	runes := []rune(raw)
	caret = min(column, len(runes)+1)
	cut := len(runes)
	if from, ok := s.secret[line]; ok {
		cut = min(cut, from-1)
	}
	if at := userInfo.FindStringIndex(raw); at != nil {
		cut = min(cut, len([]rune(raw[:at[0]]))+len("://"))
	}
	if cut < len(runes) {
		runes = append(runes[:cut:cut], []rune(secretMark)...)
		caret = min(caret, cut+1)
	}
	from := 0
	if len(runes) > maxSnippet {
		from = min(max(caret-1-maxSnippet/2, 0), len(runes)-maxSnippet)
	}
	shown := runes[from:min(from+maxSnippet, len(runes))]
	var b strings.Builder
	if from > 0 {
		b.WriteString(ellipsis)
		caret += len(ellipsis) - from
	}
	for _, r := range shown {
		if r != '\t' && !unicode.IsPrint(r) {
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
	}
	if from+maxSnippet < len(runes) {
		b.WriteString(ellipsis)
	}
	return b.String(), caret
}

// hide keeps the text from one offset to the end of the line of another out of snippets.
func (s *source) hide(from, to int) {
	first, column := s.position(from)
	last, _ := s.position(to)
	for line := first; line <= last; line++ {
		if known, ok := s.secret[line]; !ok || column < known {
			s.secret[line] = column
		}
		column = 1
	}
}

// isSecret says whether a value is kept out of snippets.
func (s *source) isSecret(n *yaml.Node) bool {
	from, ok := s.secret[n.Line]
	return ok && n.Column >= from
}
