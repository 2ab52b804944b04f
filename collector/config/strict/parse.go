package strict

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Parse reads the YAML document, or reports why that cannot be done and returns nil.
func (d *Decoder) Parse() *yaml.Node {
	if at := strings.IndexFunc(d.src.text, unreadable); at >= 0 {
		d.unreadable(at)
		return nil
	}
	var doc, next yaml.Node
	reader := yaml.NewDecoder(strings.NewReader(d.src.text))
	err := reader.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && (len(doc.Content) == 0 || IsNull(doc.Content[0])) {
		d.reportAt(Diagnostic{Line: 1, Column: 1, Severity: SeverityError, Message: "the file is empty", width: 1}).
			Hint("%s", d.options.Empty)
		return nil
	}
	if err != nil {
		d.syntax(err)
		return nil
	}
	switch err := reader.Decode(&next); {
	case errors.Is(err, io.EOF):
		d.budget += 2 * values(doc.Content[0])
		return doc.Content[0]
	case err != nil:
		d.syntax(err)
	default:
		d.Errorf("", &next, "more than one YAML document").Hint("keep one: take out the `---`")
	}
	return nil
}

// values counts the nodes of a tree, without following aliases.
func values(n *yaml.Node) int {
	count := 1
	for _, item := range n.Content {
		count += values(item)
	}
	return count
}

// unreadable reports whether YAML forbids a character. A byte that is not UTF-8 reads as RuneError.
func unreadable(r rune) bool {
	return r < ' ' && !isSpace(r) || r >= '\x7f' && r < '\u00a0' && !isBreak(r) || r == utf8.RuneError
}

func (d *Decoder) unreadable(at int) {
	line, column := d.src.position(at)
	d.hideUnparsed(line)
	message, hint := "control character", "remove it"
	if r, _ := utf8.DecodeRuneInString(d.src.text[at:]); r == utf8.RuneError {
		message, hint = "not UTF-8", "save the file as UTF-8"
	}
	d.reportAt(Diagnostic{Line: line, Column: column, Severity: SeverityError, Message: message, width: 1}).Hint("%s", hint)
}

// namedAnchor is what the YAML library repeats of the text: a value that begins with & or * reads as an anchor.
var namedAnchor = regexp.MustCompile(`anchor '[^']*'`)

var syntaxLine = regexp.MustCompile(`line (\d+): (.*)`)

// syntax reports an error of the YAML library about a text that is not YAML. The error names a line, counted from 1, or none
// for the first.
func (d *Decoder) syntax(err error) {
	line, message := 1, trimYAML(err)
	if m := syntaxLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = m[2]
	}
	message = namedAnchor.ReplaceAllString(message, "anchor")
	line = min(max(line, 1), len(d.src.lines))
	if at, m := d.unquoted(line); m != nil {
		d.hideUnparsed(at)
		text := d.src.line(at)
		d.reportAt(Diagnostic{
			Line: at, Column: utf8.RuneCountInString(text[:m[2]]) + 1, Severity: SeverityError, Message: "not YAML: an expression with {} within {} needs quotes",
			width: utf8.RuneCountInString(text[m[2]:m[3]]),
		}).Hint("quote PromQL inside {}: '%s...'", text[m[2]:m[3]])
		return
	}
	text := d.src.line(line)
	d.hideUnparsed(line)
	d.reportAt(Diagnostic{
		Line: line, Column: indentation(text) + 1, Severity: SeverityError, Message: "not YAML: " + message,
		width: max(utf8.RuneCountInString(strings.TrimSpace(text)), 1),
	}).Hint("look for wrong indentation, a missing quote or a tab, here or just above")
}

// promqlInFlow finds, within a mapping in braces, the begin of an expression that selects series and is not in quotes.
var promqlInFlow = regexp.MustCompile(`\{[^'"#]*?:\s*([a-zA-Z_:][\w:]*(?:[\w:\s.*/+-]*\()*[\w:\s.]*\{\s*[a-zA-Z_]\w*\s*(?:=~|!=|!~|=))`)

// unquoted looks for such an expression at a line, and at its neighbours: the YAML library may name the one before or after it.
func (d *Decoder) unquoted(line int) (at int, match []int) {
	for _, at := range []int{line, line + 1, line - 1, line + 2} {
		if at < 1 || at > len(d.src.lines) {
			continue
		}
		if m := promqlInFlow.FindStringSubmatchIndex(d.src.line(at)); m != nil {
			return at, m
		}
	}
	return 0, nil
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }
