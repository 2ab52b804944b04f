package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says how much a remark matters.
type Severity string

// The severities of a Diagnostic.
const (
	SeverityError   Severity = "error"   // the document cannot be used
	SeverityWarning Severity = "warning" // the document can be used, but look at this
)

// Diagnostic is one remark about a file, with its place.
type Diagnostic struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`   // counted from 1; 0 if the remark is about the whole file
	Column   int      `json:"column"` // counted from 1, in characters
	Path     string   `json:"path"`   // such as models[0].variants[1].cost
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // what is wrong
	Hint     string   `json:"hint,omitempty"`
	Snippet  string   `json:"snippet,omitempty"` // the line of the file, or the part around the place; secrets are left out

	caret int // where in the snippet the column is, counted from 1
	width int // how many characters the caret underlines
}

// String renders the remark: file:line:column, path and message, the line with a caret under the place, and the hint.
func (d Diagnostic) String() string {
	var b strings.Builder
	b.WriteString(d.File)
	if d.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", d.Line, d.Column)
	}
	fmt.Fprintf(&b, ": %s: ", d.Severity)
	if d.Path != "" {
		fmt.Fprintf(&b, "%s: ", d.Path)
	}
	b.WriteString(d.Message)
	if d.Snippet != "" && !d.ToDo() {
		number := fmt.Sprintf("%5d", d.Line)
		fmt.Fprintf(&b, "\n%s | %s", number, d.Snippet)
		fmt.Fprintf(&b, "\n%s | %s%s", strings.Repeat(" ", len(number)), caretIndent(d.Snippet, cmp.Or(d.caret, d.Column)), strings.Repeat("^", max(d.width, 1)))
	}
	if d.Hint != "" {
		fmt.Fprintf(&b, "\n      = %s", d.Hint)
	}
	return b.String()
}

// caretIndent is the white space that puts a caret under a column. Tabs stay tabs: the two lines align on any terminal.
func caretIndent(line string, column int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i >= column-1 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Diagnostics are the remarks about one file.
type Diagnostics []Diagnostic

// HasErrors reports whether any remark is an error.
func (ds Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == SeverityError })
}

// Err returns the errors among the remarks as one error, or nil.
func (ds Diagnostics) Err() error {
	if !ds.HasErrors() {
		return nil
	}
	return &InvalidError{Diagnostics: ds}
}

// sorted returns the remarks in the order of the file.
func (ds Diagnostics) sorted() Diagnostics {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Path, b.Path), strings.Compare(a.Message, b.Message))
	})
	return ds
}

// InvalidError says why a document cannot be used.
type InvalidError struct {
	Diagnostics Diagnostics
}

// Error lists every error, one below the other.
func (e *InvalidError) Error() string {
	var parts []string
	for _, d := range e.Diagnostics {
		if d.Severity == SeverityError {
			parts = append(parts, d.String())
		}
	}
	return strings.Join(parts, "\n")
}
