package strict

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// toDo finds a comment that says what is still to be done.
var toDo = regexp.MustCompile(`(?:^|\s)#.*?\b(TODO\b:?\s*(.*))$`)

// WarnToDos warns of every comment that says TODO, at its place, with what it says is to be done.
func (d *Decoder) WarnToDos() {
	for i, line := range d.src.lines {
		m := toDo.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		if _, secret := d.src.secret[i+1]; secret {
			continue
		}
		text := strings.TrimSpace(line[m[4]:m[5]])
		if text == "" {
			text = "the comment does not say what"
		}
		d.reportAt(Diagnostic{
			Line: i + 1, Column: utf8.RuneCountInString(line[:m[2]]) + 1, Severity: SeverityWarning, Message: "to do: " + Shorten(text),
			width: utf8.RuneCountInString(line[m[2]:m[3]]),
		})
	}
}
