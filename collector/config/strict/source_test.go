package strict

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// place is the character of a source at the place of a byte of a scalar's value.
func place(t require.TestingT, s *source, n *yaml.Node, i int) rune {
	line, column := s.within(n, i)
	require.True(t, line >= 1 && line <= len(s.lines))
	runes := []rune(s.line(line))
	require.True(t, column >= 1 && column <= len(runes)+1, "%d:%d", line, column)
	if column == len(runes)+1 {
		return '\n'
	}
	return runes[column-1]
}

// requireAligned checks that each character of a value stands at its place in the file, or an escape for it does.
func requireAligned(t require.TestingT, s *source, n *yaml.Node) {
	last := [2]int{}
	for i, r := range n.Value {
		got := place(t, s, n, i)
		line, column := s.within(n, i)
		require.False(t, line < last[0] || line == last[0] && column < last[1], "%q goes back at %d\n%s", n.Value, i, s.text)
		last = [2]int{line, column}
		switch {
		case got == r, isSpace(r) && isSpace(got):
		case n.Style&yaml.DoubleQuotedStyle != 0 && got == '\\':
			escaped, _ := s.unescape(s.offset(line, column), n.Style)
			require.True(t, escaped == r || isSpace(r) && isSpace(escaped), "%q: byte %d stands as %q\n%s", n.Value, i, escaped, s.text)
		default:
			require.Failf(t, "misplaced", "%q: byte %d is %q, at %d:%d of the file stands %q\n%s", n.Value, i, r, line, column, got, s.text)
		}
	}
	place(t, s, n, len(n.Value))
}

// scalars lists the scalars of a document that are values.
func scalars(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.ScalarNode {
		return []*yaml.Node{n}
	}
	var found []*yaml.Node
	for _, child := range n.Content {
		found = append(found, scalars(child)...)
	}
	return found
}

func TestPositionsOfRandomValues(t *testing.T) {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("abcxyz09 \t\n'\"\\:#{}[]()+-*|>&!é日\u00a0😀\u2028\u0085\x01,")), 0, 40, -1)
	style := rapid.SampledFrom([]yaml.Style{
		0, yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle, yaml.TaggedStyle,
	})
	rapid.Check(t, func(rt *rapid.T) {
		document := &yaml.Node{Kind: yaml.MappingNode}
		for i := range 4 {
			value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text.Draw(rt, "value"), Style: style.Draw(rt, "style")}
			if i > 1 {
				value = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{value}}
			}
			document.Content = append(document.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "kö" + string(rune('a'+i))}, value)
		}
		written, err := yaml.Marshal(document)
		require.NoError(rt, err)
		var read yaml.Node
		if yaml.Unmarshal(written, &read) != nil {
			return // The encoder does not escape all that it should.
		}
		s := newSource("test.yml", string(written))
		for _, n := range scalars(&read) {
			requireAligned(rt, s, n)
		}
	})
}

// What no encoder writes, but people do.
func TestPositionsOfHandwrittenValues(t *testing.T) {
	for _, text := range []string{
		"a: plain text # comment\n",
		"a: plain\n  over   several\n\n  lines\nb: x\n",
		"a: 'single ''quoted''\n  over lines\n\n\n  and more'\n",
		`a: "\x41\u00e9\U0001F600 \"b\" \\ \t\n \e\_\N\L\P c"` + "\n",
		"a: \"joined \\\n    here,   \\\n\n  folded\n  there\"\n",
		"a: |\n\n   two\n     indented\n\n   lines\n\nb: 1\n",
		"a: |2-\n    kept\n   spaces\n",
		"a: >+  # comment\n  folded\n  text\n\n    more indented\n  end\n\n",
		"a: &anchor !!str\n  # comment\n  text\nb: *anchor\n",
		"a: !!str &anchor \"te\\x78t\"\n",
		"- {a: [x, 'y''z', \"\\x61b\"],\n   b: c\n      d}\n",
		"? key\n: value\n",
		"a: one\r\n   two\r\nb: |\r\n  three\r\n  four\r\n",
		"a: \u00e9\u65e5 b\u2028# c: d\n",
		"\ufeffa: b\n",
	} {
		s := newSource("test.yml", text)
		var document yaml.Node
		require.NoError(t, yaml.Unmarshal([]byte(s.text), &document), text)
		for _, n := range scalars(&document) {
			requireAligned(t, s, n)
		}
	}
}

func TestPositionIsTheInverseOfOffset(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab\n\ré\u2028\u0085"))).Draw(rt, "text")
		s := newSource("test.yml", text)
		require.Len(rt, s.start, len(s.lines))
		for offset := range text + "." {
			line, column := s.position(offset)
			at := s.offset(line, column)
			require.LessOrEqual(rt, at, offset)
			require.Empty(rt, strings.TrimFunc(text[at:offset], isBreak), "only line breaks lie between")
			require.LessOrEqual(rt, column, utf8.RuneCountInString(s.line(line))+1)
		}
	})
}
