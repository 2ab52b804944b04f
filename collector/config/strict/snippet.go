package strict

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	maxSnippet = 120 // characters of a line that are shown
	ellipsis   = "..."
)

// SecretMark stands in messages and snippets in the place of a secret.
const SecretMark = "<secret>"

// userInfo are the credentials in a URL that a message repeats.
var userInfo = regexp.MustCompile(`://.*@`)

// snippet returns a line as it may be shown, and the position of a column in it, counted from 1. It leaves out secrets, shows only the
// part of a long line around the column, and replaces characters that cannot be printed.
func (s *source) snippet(line, column int) (text string, caret int) {
	raw, mark := s.line(line), ""
	if from, ok := s.secret[line]; ok && from < len(raw) {
		raw, mark = raw[:from], SecretMark
	}
	at := len(raw)
	if line >= 1 && line <= len(s.lines) {
		at = min(at, s.offset(line, column)-s.start[line-1])
	}
	from, to := window(raw, at)
	var b strings.Builder
	if from > 0 {
		b.WriteString(ellipsis)
	}
	caret = utf8.RuneCountInString(b.String()+raw[from:at]) + 1
	for _, r := range raw[from:to] {
		if r != '\t' && !unicode.IsPrint(r) {
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
	}
	if to < len(raw) {
		mark = ellipsis
	}
	return b.String() + mark, caret
}

// window returns the part of a line around an offset that is shown.
func window(line string, at int) (from, to int) {
	from, to = at, at
	room := maxSnippet
	left := func(most int) {
		for ; most > 0 && room > 0 && from > 0; most-- {
			_, width := utf8.DecodeLastRuneInString(line[:from])
			from -= width
			room--
		}
	}
	left(maxSnippet / 2)
	for room > 0 && to < len(line) {
		_, width := utf8.DecodeRuneInString(line[to:])
		to += width
		room--
	}
	left(maxSnippet)
	return from, to
}

// hide keeps a scalar, and the rest of its lines, out of snippets, and its value out of messages.
func (s *source) hide(n *yaml.Node) {
	s.hideValue(n.Value)
	if n.Anchor != "" {
		s.hideValue(n.Anchor) // A secret that begins with & reads as an anchor.
	}
	s.hideLines(n)
}

// hideLines keeps a scalar, and the rest of its lines, out of snippets.
func (s *source) hideLines(n *yaml.Node) {
	from := s.offset(n.Line, n.Column)
	last, _ := s.within(n, len(n.Value))
	for line := n.Line; line <= last; line++ {
		s.hideFrom(line, max(from-s.start[line-1], 0))
	}
}

// mask shows asterisks for a scalar that is written as it is read: the rest of its line can then be shown. Of other scalars the rest of their
// lines is hidden.
func (s *source) mask(n *yaml.Node) {
	from, line := s.content(n)-s.start[n.Line-1], s.lines[n.Line-1]
	if from < 0 || from > len(line) || !strings.HasPrefix(line[from:], n.Value) {
		s.hideLines(n)
		return
	}
	s.masked[n.Line] = append(s.masked[n.Line], span{from, from + len(n.Value)})
}

// span is a part of a line, in bytes.
type span struct{ from, to int }

// shortestSecret is the length in bytes from which on a value is kept out of messages: shorter ones stand in every other word.
const shortestSecret = 4

// hideValue keeps a value, and what it is in quotes, out of messages.
func (s *source) hideValue(value string) {
	s.redact = nil
	for _, text := range []string{value, strings.TrimSpace(value)} {
		if len(text) >= shortestSecret {
			quoted := strconv.Quote(text)
			s.hidden = append(s.hidden, text, quoted[1:len(quoted)-1])
		}
	}
}

// redacted returns a text without hidden values.
func (s *source) redacted(text string) string {
	if s.redact == nil {
		values := slices.Compact(slices.Sorted(slices.Values(s.hidden)))
		slices.SortStableFunc(values, func(a, b string) int { return len(b) - len(a) })
		var pairs []string
		for _, value := range values {
			pairs = append(pairs, value, SecretMark)
		}
		s.redact = strings.NewReplacer(pairs...)
	}
	return s.redact.Replace(text)
}

// hideFrom keeps a line from a byte on out of its snippets.
func (s *source) hideFrom(line, from int) {
	if known, ok := s.secret[line]; !ok || from < known {
		s.secret[line] = from
	}
}

// addressOfLine is a key whose value is an address, with or without a scheme.
var addressOfLine = regexp.MustCompile(`(?i)[\w.-]*(?:ur[il]|prox[yi]|endpoint|address)[\w.-]*["']?\s*[:=]`)

// hideURLs keeps the credentials and parameters of URLs out of snippets.
func (s *source) hideURLs() {
	for i, line := range s.lines {
		if !strings.ContainsAny(line, "@?") {
			continue // The expression below takes long.
		}
		if _, rest, ok := strings.Cut(line, "://"); ok && strings.Contains(rest, "@") {
			s.hideFrom(i+1, len(line)-len(rest))
		}
		at := addressOfLine.FindStringIndex(line)
		if at == nil {
			continue
		}
		if value := line[at[1]:]; strings.Contains(value, "@") && !strings.Contains(value, "://") {
			s.hideFrom(i+1, at[1])
		} else if parameters := strings.Index(value, "?"); parameters >= 0 {
			s.hideFrom(i+1, at[1]+parameters)
		}
	}
}

// isSecret reports whether a value is kept out of snippets.
func (s *source) isSecret(n *yaml.Node) bool {
	from, ok := s.secret[n.Line]
	return ok && s.offset(n.Line, n.Column)-s.start[n.Line-1] >= from
}

// Shown returns the document, line by line, as it may be shown: without what is hidden, and in comments without what stands behind a key that sounds
// secret.
func (d *Decoder) Shown() []string {
	out := make([]string, len(d.src.lines))
	for i := range out {
		line := d.src.line(i + 1)
		from, hidden := d.src.secret[i+1]
		if _, comment, ok := strings.Cut(line, "#"); ok {
			if at, found := d.secretFrom(comment); found && (!hidden || len(line)-len(comment)+at < from) {
				from, hidden = len(line)-len(comment)+at, true
			}
		}
		if hidden && from < len(line) {
			line = line[:from] + SecretMark
		}
		out[i] = printable(line)
	}
	return out
}

// printable replaces characters that cannot be printed.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, line)
}
