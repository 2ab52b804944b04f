package strict

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// unescape reads one character of a scalar as its style writes it, and returns how many bytes it takes.
func (s *source) unescape(at int, style yaml.Style) (r rune, width int) {
	rest := s.text[at:]
	switch {
	case style&yaml.SingleQuotedStyle != 0 && strings.HasPrefix(rest, "''"):
		return '\'', 2
	case style&yaml.DoubleQuotedStyle != 0 && len(rest) > 1 && rest[0] == '\\':
		return unescapeYAML(rest)
	}
	return utf8.DecodeRuneInString(rest)
}

// unescapeYAML reads an escape of a double-quoted scalar (YAML 1.2, section 5.7).
func unescapeYAML(text string) (r rune, width int) {
	switch c := text[1]; c {
	case 'x', 'u', 'U':
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		if len(text) < 2+digits {
			return utf8.RuneError, len(text)
		}
		code, err := strconv.ParseUint(text[2:2+digits], 16, 32)
		if err != nil {
			return utf8.RuneError, 2
		}
		return rune(code), 2 + digits
	default:
		// The two lists go pairwise: what stands behind the backslash, and what it means.
		const written, meant = "0abt\tnvfre N_LP", "\x00\a\b\t\t\n\v\f\r\x1b \u0085\u00a0\u2028\u2029"
		if i := strings.IndexByte(written, c); i >= 0 {
			return []rune(meant)[i], 2
		}
		r, size := utf8.DecodeRuneInString(text[1:]) // a quote or a backslash
		return r, 1 + size
	}
}
