package promapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxKeys bounds the keys of an object of the API. Labels are not counted.
const maxKeys = 32

// wordsBytes bounds the memory of the strings that are remembered, wordBytes that of one in addition to its text.
const (
	wordsBytes = 2 << 20
	wordBytes  = 64
)

var errTruncated = errors.New("unexpected end of JSON input")

// scanner reads JSON from memory. It fails once: from then on every method returns nothing, and err says what was wrong.
type scanner struct {
	data  []byte
	pos   int
	err   error
	words map[string]word // what was read before, as it is written
	taken int             // the memory of words
}

// word is a string as it is written between its quotes, and what that means.
type word struct{ raw, text string }

// fail records the first fault and ends the reading.
func (s *scanner) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.pos = len(s.data)
}

// want fails because something else, or nothing, is where what is wanted.
func (s *scanner) want(what string) {
	rest := s.data[s.pos:]
	switch {
	case len(rest) == 0:
		s.fail(errTruncated)
	case bytes.HasPrefix(rest, []byte("null")):
		s.fail(fmt.Errorf("byte %d: want %s, not null", s.pos, what))
	default:
		r, _ := utf8.DecodeRune(rest)
		s.fail(fmt.Errorf("byte %d: want %s, not %q", s.pos, what, r))
	}
}

// peek returns the next byte that is no white space, or 0 at the end.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// expect reads one byte.
func (s *scanner) expect(c byte, what string) {
	if s.peek() != c {
		s.want(what)
		return
	}
	s.pos++
}

// enter reads the start of an object or array and reports whether there is an element in it.
func (s *scanner) enter(start, end byte, what string) bool {
	s.expect(start, what)
	if s.peek() == end {
		s.pos++
		return false
	}
	return s.err == nil
}

// again reads what is between two elements, or the end, and reports whether there is another element.
func (s *scanner) again(end byte) bool {
	switch c := s.peek(); {
	case s.err != nil:
	case c == ',':
		s.pos++
		return true
	case c == end:
		s.pos++
	default:
		s.want(fmt.Sprintf("',' or %q", end))
	}
	return false
}

// fields calls visit with each key of an object, to read the value. No key may come twice: of two values, neither is known
// to be the right one.
func (s *scanner) fields(what string, visit func(key string)) {
	var seen [maxKeys]string
	n := 0
	for ok := s.enter('{', '}', what); ok; ok = s.again('}') {
		key := s.word(word{}).text
		s.expect(':', "':'")
		switch {
		case s.err != nil:
			return
		case slices.Contains(seen[:n], key):
			s.fail(fmt.Errorf("the key %q comes twice in one object", shorten(key)))
			return
		case n == maxKeys:
			s.fail(fmt.Errorf("more than %d keys in one object", maxKeys))
			return
		}
		seen[n] = key
		n++
		visit(key)
	}
}

// word reads a string. The one that was at the same place in the element before is tried first: most labels repeat.
func (s *scanner) word(before word) word {
	if s.peek() == '"' && before.raw != "" {
		rest, n := s.data[s.pos+1:], len(before.raw)
		if len(rest) > n && rest[n] == '"' && string(rest[:n]) == before.raw {
			s.pos += n + 2
			return before
		}
	}
	raw, escaped := s.quoted()
	if known, ok := s.words[string(raw)]; ok {
		return known
	}
	return s.newWord(string(raw), escaped)
}

// newWord remembers a string that was not read before.
func (s *scanner) newWord(raw string, escaped bool) word {
	w := word{raw, raw}
	if escaped {
		if err := json.Unmarshal([]byte(`"`+raw+`"`), &w.text); err != nil {
			s.fail(err)
			return word{}
		}
	}
	if len(raw) > maxText {
		return w
	}
	if s.taken += wordBytes + len(raw); s.words == nil || s.taken > wordsBytes {
		s.words, s.taken = map[string]word{}, 0
	}
	s.words[raw] = w
	return w
}

// quoted reads a string as it is written, and reports whether it has escapes.
func (s *scanner) quoted() (raw []byte, escaped bool) {
	if s.peek() != '"' {
		s.want("a string")
		return nil, false
	}
	start, ascii := s.pos+1, true
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			raw, s.pos = s.data[start:i], i+1
			if !ascii && !utf8.Valid(raw) {
				s.fail(errors.New("a string is not UTF-8"))
			}
			return raw, escaped
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			s.pos = i
			s.want("no control character in a string")
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.fail(errTruncated)
	return nil, false
}

// raw reads a value of any kind and returns it as it is written, in place: it may be as long as the whole answer.
func (s *scanner) raw() []byte {
	s.peek()
	start := s.pos
	for depth := 0; s.err == nil; {
		switch c := s.peek(); c {
		case 0:
			s.fail(errTruncated)
			return nil
		case '"':
			s.quoted()
		case '[', '{':
			s.pos++
			depth++
		case ']', '}':
			s.pos++
			depth--
		case ',', ':':
			s.pos++
		default:
			s.literal()
		}
		if depth <= 0 {
			break
		}
	}
	if s.err != nil {
		return nil
	}
	value := s.data[start:s.pos]
	if err := json.Unmarshal(value, &ignored{}); err != nil {
		s.fail(err)
		return nil
	}
	return value
}

// literal passes over a number, true, false or null.
func (s *scanner) literal() {
	n := bytes.IndexAny(s.data[s.pos+1:], " \t\r\n,:[]{}\"")
	if n < 0 { // No document ends with one.
		s.fail(errTruncated)
		return
	}
	s.pos += 1 + n
}

// ignored takes any value that is JSON.
type ignored struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*ignored) UnmarshalJSON([]byte) error { return nil }

// into reads a value that is not worth reading fast.
func (s *scanner) into(value any) {
	raw := s.raw()
	if s.err != nil {
		return
	}
	if err := json.Unmarshal(raw, value); err != nil {
		s.fail(errors.New(strings.TrimPrefix(err.Error(), "json: ")))
	}
}

// end reads what is behind the document, which must be nothing.
func (s *scanner) end() {
	if s.peek(); s.err == nil && s.pos < len(s.data) {
		s.want("nothing behind the answer")
	}
}
