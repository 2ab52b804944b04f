package config

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// source is the text of a configuration file, with what it takes to point at places in it.
type source struct {
	name  string
	text  string
	lines []string
	start []int // byte offset of each line
}

func newSource(name, text string) *source {
	s := &source{name: name, text: text, lines: strings.Split(text, "\n")}
	offset := 0
	for i, line := range s.lines {
		s.start = append(s.start, offset)
		offset += len(line) + 1
		s.lines[i] = strings.TrimSuffix(line, "\r")
	}
	return s
}

// line returns the text of a line, counted from 1.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// offset returns the byte offset of a line and column, both counted from 1, the column in characters.
func (s *source) offset(line, column int) int {
	if line < 1 || line > len(s.lines) {
		return len(s.text)
	}
	offset := s.start[line-1]
	for range column - 1 {
		_, size := utf8.DecodeRuneInString(s.text[offset:])
		offset += size
	}
	return min(offset, len(s.text))
}

// position is the inverse of offset.
func (s *source) position(offset int) (line, column int) {
	line = 1
	for line < len(s.start) && s.start[line] <= offset {
		line++
	}
	return line, utf8.RuneCountInString(s.text[s.start[line-1]:min(offset, len(s.text))]) + 1
}

// within returns the place in the file of a byte of a scalar's value. YAML folds lines, strips indentation and resolves
// escapes, so the value is aligned with the raw text character by character: white space matches any white space, everything
// else matches itself.
func (s *source) within(n *yaml.Node, index int) (line, column int) {
	at := s.offset(n.Line, n.Column)
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		// The content of a block scalar begins on the line after its header.
		if next := strings.IndexByte(s.text[at:], '\n'); next >= 0 {
			at += next + 1
		}
	}
	last := at
	for i, r := range n.Value {
		if unicode.IsSpace(r) {
			if at < len(s.text) && isSpace(s.text[at]) {
				at++
			}
		} else {
			at = s.seek(at, r)
			last = at
			at += utf8.RuneLen(r)
		}
		if i >= index {
			return s.position(last)
		}
	}
	// Past the end: just behind the last character.
	return s.position(min(at, len(s.text)))
}

// seek returns where the character next stands at or after an offset: behind white space, an opening quote or a backslash.
func (s *source) seek(at int, r rune) int {
	for i, c := range s.text[at:] {
		if c == r {
			return at + i
		}
	}
	return at
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
