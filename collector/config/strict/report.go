package strict

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Remark lets the caller add a hint to the diagnostic that was just reported.
type Remark struct{ d *Diagnostic }

// Hint adds a hint to the diagnostic.
func (r Remark) Hint(format string, args ...any) { r.d.Hint = fmt.Sprintf(format, args...) }

// Errorf reports a mistake at a node. Without a node it reports at the node of the path.
func (d *Decoder) Errorf(path string, n *yaml.Node, format string, args ...any) Remark {
	return d.report(SeverityError, path, n, fmt.Sprintf(format, args...))
}

// Warnf reports a doubt, at the place that Errorf would choose.
func (d *Decoder) Warnf(path string, n *yaml.Node, format string, args ...any) Remark {
	return d.report(SeverityWarning, path, n, fmt.Sprintf(format, args...))
}

func (d *Decoder) report(severity Severity, path string, n *yaml.Node, message string) Remark {
	if n == nil {
		n = d.nearest(path)
	}
	line, column, width := 1, 1, 1
	if n != nil {
		line, column = n.Line, n.Column
		if n.Kind == yaml.ScalarNode && !strings.Contains(n.Value, "\n") {
			width = utf8.RuneCountInString(n.Value)
		}
	}
	return d.reportAt(Diagnostic{Line: line, Column: column, Path: path, Severity: severity, Message: message, width: width})
}

func (d *Decoder) reportAt(g Diagnostic) Remark {
	if len(d.found) == maxFound {
		if g.Severity == SeverityError {
			d.more, d.budget = true, 0 // More of them would not help.
		}
		return Remark{&Diagnostic{}}
	}
	g.File, g.Path = d.src.name, d.src.redacted(shortened(g.Path, maxMessage))
	g.Message = d.src.redacted(userInfo.ReplaceAllString(g.Message, "://"+SecretMark+"@"))
	g.Snippet, g.caret = d.src.snippet(g.Line, g.Column)
	g.width = min(g.width, max(1, utf8.RuneCountInString(g.Snippet)-g.caret+1))
	d.found = append(d.found, g)
	return Remark{&d.found[len(d.found)-1]}
}

// Err returns the errors that were found so far as one error, or nil.
func (d *Decoder) Err() error { return d.found.Err() }

// Sound reports whether nothing was found so far at or below a path.
func (d *Decoder) Sound(path string) bool {
	return !slices.ContainsFunc(d.found, func(g Diagnostic) bool { return strings.HasPrefix(g.Path, path) })
}

// Count returns how many diagnostics there are so far.
func (d *Decoder) Count() int { return len(d.found) }

// Has reports whether the file has a path.
func (d *Decoder) Has(path string) bool {
	_, ok := d.nodes[path]
	return ok
}

// Means reports whether the file has a path, or in its place a key that is almost the same, which was reported.
func (d *Decoder) Means(path string) bool { return d.Has(path) || d.misspelt[path] }

// Node returns the node of a path, or nil.
func (d *Decoder) Node(path string) *yaml.Node { return d.nodes[path] }

// Key returns the node of the key whose value a path names, or nil.
func (d *Decoder) Key(path string) *yaml.Node { return d.keys[path] }

// Exhausted reports whether aliases made the document so long that reading it stopped.
func (d *Decoder) Exhausted() bool { return d.budget <= 0 }

// Remarks returns everything that was found, in the order of the file.
func (d *Decoder) Remarks() Diagnostics {
	for i := range d.found {
		d.found[i].Hint = d.src.redacted(d.found[i].Hint)
	}
	found := d.found.sorted()
	if d.more {
		found = append(found, Diagnostic{File: d.src.name, Severity: SeverityError, Message: "and more, which are not listed"})
	}
	return found
}

// Within reports a mistake at a byte of a scalar's value.
func (d *Decoder) Within(path string, n *yaml.Node, index, width int, message string) Remark {
	line, column := d.src.within(n, index)
	return d.reportAt(Diagnostic{Line: line, Column: column, Path: path, Severity: SeverityError, Message: message, width: width})
}

// nearest finds the node of a path or of its closest ancestor that stands in the file.
func (d *Decoder) nearest(path string) *yaml.Node {
	for path != "" {
		if n, ok := d.nodes[path]; ok {
			return n
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return d.nodes[""]
}

// DiagnosticAt makes an error about a place in the file without adding it to the remarks, for checks that only some uses of a
// document need. A path that is not in the file is reported at its closest ancestor.
func (d *Decoder) DiagnosticAt(path, message, hint string) Diagnostic {
	apart := *d
	apart.found = nil
	apart.Errorf(path, nil, "%s", message).Hint("%s", d.src.redacted(hint))
	return apart.found[0]
}
