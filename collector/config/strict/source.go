package strict

import (
	"sort"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// source is the text of a file, with the offsets that are needed to point at places in it.
type source struct {
	name   string
	text   string
	lines  []string    // without their line breaks
	start  []int       // byte offset of each line
	secret map[int]int // line -> byte from which on the line is secret
	masked map[int][]span
	hidden []string // values that messages must not repeat
	redact *strings.Replacer
	last   cursor
}

// cursor is the place that was looked up last. The next one is often close to it, and lines may be long.
type cursor struct{ line, column, offset int }

const byteOrderMark = "\uFEFF"

func newSource(name, text string) *source {
	s := &source{name: name, text: strings.TrimPrefix(text, byteOrderMark), secret: map[int]int{}, masked: map[int][]span{}}
	for offset := 0; ; {
		length, width := nextBreak(s.text[offset:])
		s.start = append(s.start, offset)
		s.lines = append(s.lines, s.text[offset:offset+length])
		if width == 0 {
			s.hideURLs()
			return s
		}
		offset += length + width
	}
}

// nextBreak returns the length of the first line of a text and of its line break, 0 at the end. It follows YAML's definition of a line
// break, since YAML counts the lines.
func nextBreak(text string) (length, width int) {
	for i, r := range text {
		switch {
		case r == '\r' && strings.HasPrefix(text[i:], "\r\n"):
			return i, 2
		case isBreak(r):
			return i, utf8.RuneLen(r)
		}
	}
	return len(text), 0
}

// line returns the text of a line, counted from 1. What is masked in it is not shown.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	if spans := s.masked[n]; spans != nil {
		text := []byte(s.lines[n-1])
		for _, m := range spans {
			copy(text[m.from:m.to], strings.Repeat("*", m.to-m.from))
		}
		s.lines[n-1], s.masked[n] = string(text), nil
	}
	return s.lines[n-1]
}

// offset returns the byte offset of a line and column, both counted from 1, the column in characters.
func (s *source) offset(line, column int) int {
	if line < 1 || line > len(s.lines) {
		return len(s.text)
	}
	c := cursor{line, 1, s.start[line-1]}
	if s.last.line == line && s.last.column <= column {
		c = s.last
	}
	for ; c.column < column && c.offset < len(s.text); c.column++ {
		_, size := utf8.DecodeRuneInString(s.text[c.offset:])
		c.offset += size
	}
	s.last = c
	return c.offset
}

// position is the inverse of offset. An offset behind the end of a line means its end.
func (s *source) position(offset int) (line, column int) {
	line = sort.SearchInts(s.start, offset+1)
	offset = min(offset, s.start[line-1]+len(s.lines[line-1]))
	c := cursor{line, 1, s.start[line-1]}
	if s.last.line == line && s.last.offset <= offset {
		c = s.last
	}
	column = c.column + utf8.RuneCountInString(s.text[c.offset:offset])
	s.last = cursor{line, column, offset}
	return line, column
}

// within returns the place in the file of a byte of a scalar's value. A byte behind the value means its end.
//
// YAML folds lines, strips indentation and resolves escapes, so the value is aligned with the raw text character by character.
// White space of the value may be any white space of the text; everything else stands in it as itself or as an escape.
func (s *source) within(n *yaml.Node, index int) (line, column int) {
	at := s.content(n)
	for i, r := range n.Value {
		if isSpace(r) {
			at = s.skipContinuations(at, n.Style)
			if i >= index {
				break
			}
			at += s.spaceWidth(at, n.Style)
			continue
		}
		var width int
		at, width = s.find(at, r, n.Style)
		if i >= index || i+utf8.RuneLen(r) > index {
			break
		}
		at += width
	}
	return s.position(at)
}

// content returns the offset at which the value of a scalar begins: behind its anchor and tag, its quote or block header.
func (s *source) content(n *yaml.Node) int {
	at := s.properties(s.offset(n.Line, n.Column))
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		length, width := nextBreak(s.text[at:])
		return at + length + width
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return min(at+1, len(s.text))
	}
	return at
}

// properties skips an anchor, a tag, and the comments between them and the value.
func (s *source) properties(at int) int {
	skipped := false
	for at < len(s.text) {
		switch c := s.text[at]; {
		case c == '&' || c == '!':
			at += s.blank(at, func(r rune) bool { return !isSpace(r) })
		case c == '#' && skipped:
			at += s.blank(at, func(r rune) bool { return !isBreak(r) })
		default:
			return at
		}
		at += s.blank(at, isSpace)
		skipped = true
	}
	return at
}

// spaceWidth returns how much of the text one white space of a value takes: nothing where a line ends, since how many
// characters the folded lines make depends on the style; find skips what is left.
func (s *source) spaceWidth(at int, style yaml.Style) int {
	if r, width := s.unescape(at, style); width > 1 && isSpace(r) {
		return width
	}
	blanks := s.blank(at, isBlank)
	if next, _ := utf8.DecodeRuneInString(s.text[at+blanks:]); blanks == 0 || isBreak(next) {
		return 0
	}
	return 1
}

// find returns where a character of a value stands at or behind an offset, and how many bytes it takes there.
func (s *source) find(at int, r rune, style yaml.Style) (offset, width int) {
	for at < len(s.text) {
		at = s.skipContinuations(at, style)
		got, width := s.unescape(at, style)
		if got == r || !isSpace(got) {
			return at, width
		}
		at += width
	}
	return at, 0
}

// skipContinuations goes over line breaks that a backslash takes out of a double-quoted scalar, and the indentation behind.
func (s *source) skipContinuations(at int, style yaml.Style) int {
	for style&yaml.DoubleQuotedStyle != 0 && strings.HasPrefix(s.text[at:], `\`) {
		next, _ := utf8.DecodeRuneInString(s.text[at+1:])
		if !isBreak(next) {
			break
		}
		at++
		_, width := nextBreak(s.text[at:])
		at += width
		at += s.blank(at, isBlank)
	}
	return at
}

// blank counts the bytes of the characters at an offset that are of a kind.
func (s *source) blank(at int, is func(rune) bool) int {
	rest := s.text[at:]
	return len(rest) - len(strings.TrimLeftFunc(rest, is))
}

// isBreak reports whether a character is a line break in YAML.
func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }

func isSpace(r rune) bool { return isBlank(r) || isBreak(r) }
