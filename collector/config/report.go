package config

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// remark lets the caller add a hint to the diagnostic that was just reported.
type remark struct{ d *Diagnostic }

func (r remark) hint(format string, args ...any) { r.d.Hint = fmt.Sprintf(format, args...) }

// errorf reports a mistake at a node, or without one at the node that the path came from.
func (d *decoder) errorf(path string, n *yaml.Node, format string, args ...any) remark {
	return d.report(SeverityError, path, n, fmt.Sprintf(format, args...))
}

func (d *decoder) warnf(path string, n *yaml.Node, format string, args ...any) remark {
	return d.report(SeverityWarning, path, n, fmt.Sprintf(format, args...))
}

func (d *decoder) report(severity Severity, path string, n *yaml.Node, message string) remark {
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

func (d *decoder) reportAt(g Diagnostic) remark {
	if len(d.found) == maxFound {
		if g.Severity == SeverityError {
			d.more, d.budget = true, 0 // Reading on would tell nobody anything.
		}
		return remark{&Diagnostic{}}
	}
	g.File, g.Path = d.src.name, shortened(g.Path, maxMessage)
	g.Message = userInfo.ReplaceAllString(g.Message, "://"+secretMark+"@")
	g.Snippet, g.caret = d.src.snippet(g.Line, g.Column)
	g.width = min(g.width, max(1, utf8.RuneCountInString(g.Snippet)-g.caret+1))
	d.found = append(d.found, g)
	return remark{&d.found[len(d.found)-1]}
}

// remarks returns what was found, in the order of the file.
func (d *decoder) remarks() Diagnostics {
	found := d.found.sorted()
	if d.more {
		found = append(found, Diagnostic{File: d.src.name, Severity: SeverityError, Message: "and more, which are not listed"})
	}
	return found
}

// within reports a mistake at a byte of a scalar's value.
func (d *decoder) within(path string, n *yaml.Node, index, width int, message string) remark {
	line, column := d.src.within(n, index)
	return d.reportAt(Diagnostic{Line: line, Column: column, Path: path, Severity: SeverityError, Message: message, width: width})
}

// nearest finds the node of a path or of its closest ancestor that stands in the file.
func (d *decoder) nearest(path string) *yaml.Node {
	for path != "" {
		if n, ok := d.nodes[path]; ok {
			return n
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return d.nodes[""]
}

// ErrorAt makes a remark about a place in the file that the configuration was read from, for checks that only some uses of a
// configuration need. The path is like that of every Diagnostic, such as models[0].variants[1].replicas.max; what does not stand
// in the file is reported where it would.
func (c *Config) ErrorAt(path, message, hint string) Diagnostic {
	if c.origin == nil {
		return Diagnostic{Path: path, Severity: SeverityError, Message: message, Hint: hint}
	}
	d := *c.origin
	d.found = nil
	d.errorf(path, nil, "%s", message).hint("%s", hint)
	return d.found[0]
}
