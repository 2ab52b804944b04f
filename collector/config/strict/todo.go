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
		text = Shorten(text)
		if about := strings.TrimSpace(line[:strings.Index(line[:m[2]], "#")]); about != "" {
			text += " (" + shortened(about, 60) + ")"
		}
		d.reportAt(Diagnostic{
			Line: i + 1, Column: utf8.RuneCountInString(line[:m[2]]) + 1, Severity: SeverityWarning, Message: toDoMessage + text,
			width: utf8.RuneCountInString(line[m[2]:m[3]]),
		})
	}
}

const toDoMessage = "to do: "

// ToDo tells whether the remark is a comment's, on what is still to be done. Rendered, it shows no line of the file: it
// says it all.
func (d Diagnostic) ToDo() bool {
	return d.Severity == SeverityWarning && strings.HasPrefix(d.Message, toDoMessage)
}
