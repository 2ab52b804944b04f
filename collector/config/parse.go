package config

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parse reads the YAML document, or reports why that cannot be done and returns nil.
func (d *decoder) parse() *yaml.Node {
	if at := strings.IndexFunc(d.src.text, unreadable); at >= 0 {
		d.unreadable(at)
		return nil
	}
	var doc, next yaml.Node
	reader := yaml.NewDecoder(strings.NewReader(d.src.text))
	err := reader.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && (len(doc.Content) == 0 || isNull(doc.Content[0])) {
		d.reportAt(Diagnostic{Line: 1, Column: 1, Severity: SeverityError, Message: "the configuration is empty", width: 1}).
			hint("give at least prometheus.url and one model")
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
		d.errorf("", &next, "more than one YAML document").hint("keep one; there is no `---` inside a configuration")
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

// unreadable says whether a character may not stand in YAML. A byte that is not UTF-8 reads as RuneError.
func unreadable(r rune) bool {
	return r < ' ' && !isSpace(r) || r >= '\x7f' && r < '\u00a0' && !isBreak(r) || r == utf8.RuneError
}

func (d *decoder) unreadable(at int) {
	line, column := d.src.position(at)
	d.src.hideUnparsed(line)
	message, hint := "control character", "take it out"
	if r, _ := utf8.DecodeRuneInString(d.src.text[at:]); r == utf8.RuneError {
		message, hint = "not UTF-8", "save the file as UTF-8"
	}
	d.reportAt(Diagnostic{Line: line, Column: column, Severity: SeverityError, Message: message, width: 1}).hint("%s", hint)
}

var syntaxLine = regexp.MustCompile(`line (\d+): (.*)`)

// syntax reports what the YAML library says of a text that is not YAML. It names a line, counted from 1, or none for the first.
func (d *decoder) syntax(err error) {
	line, message := 1, trimYAML(err)
	if m := syntaxLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = m[2]
	}
	line = min(max(line, 1), len(d.src.lines))
	text := d.src.line(line)
	d.src.hideUnparsed(line)
	d.reportAt(Diagnostic{
		Line: line, Column: indentation(text) + 1, Severity: SeverityError, Message: "not YAML: " + message,
		width: max(utf8.RuneCountInString(strings.TrimSpace(text)), 1),
	}).hint("look for wrong indentation, a missing quote or a tab, here or just above")
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }
