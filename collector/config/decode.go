package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// decoder fills values from YAML nodes and collects every mistake on the way, instead of stopping at the first. It remembers
// which node each path came from, so that later checks can point at the file too.
type decoder struct {
	src   *source
	nodes map[string]*yaml.Node
	keys  map[string]*yaml.Node // the key of a mapping entry, by the entry's path
	found Diagnostics
}

// yamlDecoder is implemented by types that have a notation of their own.
type yamlDecoder interface {
	decodeYAML(d *decoder, path string, n *yaml.Node)
}

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
			width = len([]rune(n.Value))
		}
	}
	return d.reportAt(Diagnostic{Line: line, Column: column, Path: path, Severity: severity, Message: message, width: width})
}

func (d *decoder) reportAt(g Diagnostic) remark {
	g.File, g.Snippet = d.src.name, d.src.line(g.Line)
	g.width = min(g.width, max(1, len([]rune(g.Snippet))-g.Column+1))
	d.found = append(d.found, g)
	return remark{&d.found[len(d.found)-1]}
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

// decode fills the value that out points to.
func (d *decoder) decode(path string, n *yaml.Node, out any) {
	d.value(path, n, reflect.ValueOf(out).Elem())
}

func (d *decoder) value(path string, n *yaml.Node, v reflect.Value) {
	n = resolve(n)
	d.nodes[path] = n
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" && v.Kind() != reflect.Interface {
		return // nothing was given: the default stays
	}
	if custom, ok := reflect.TypeAssert[yamlDecoder](v.Addr()); ok {
		custom.decodeYAML(d, path, n)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(path, n, v.Elem())
	case reflect.Struct:
		d.structure(path, n, v)
	case reflect.Map:
		d.mapping(path, n, v)
	case reflect.Slice:
		d.sequence(path, n, v)
	default:
		d.basic(path, n, v)
	}
}

func (d *decoder) structure(path string, n *yaml.Node, v reflect.Value) {
	fields := fieldsOf(v.Type())
	given := map[string]bool{}
	d.entries(path, n, func(key, value *yaml.Node) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		if i < 0 {
			names := make([]string, len(fields))
			for i, f := range fields {
				names[i] = f.name
			}
			d.unknown(join(path, key.Value), key, "field", key.Value, names)
			return
		}
		given[key.Value] = resolve(value).Tag != "!!null"
		d.value(join(path, key.Value), value, v.FieldByIndex(fields[i].index))
	})
	for _, f := range fields {
		if f.required && !given[f.name] && n.Kind == yaml.MappingNode {
			d.errorf(path, n, "%s is missing", f.name).hint("%s", f.doc)
		}
	}
}

// entries calls each for every entry of a mapping, merge keys resolved, and reports keys that stand twice.
func (d *decoder) entries(path string, n *yaml.Node, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.errorf(path, n, "%s where a mapping is expected", describe(n)).hint("write it as `key: value` lines")
		return
	}
	own := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Tag == "!!merge" {
			continue
		}
		if own[key.Value] {
			d.errorf(join(path, key.Value), key, "%q is given twice", key.Value).hint("keep one of them")
			continue
		}
		own[key.Value] = true
		d.keys[join(path, key.Value)] = key
		each(key, n.Content[i+1])
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		merged := resolve(n.Content[i+1])
		for j := 0; j+1 < len(merged.Content); j += 2 {
			if key := merged.Content[j]; !own[key.Value] {
				own[key.Value] = true
				each(key, merged.Content[j+1])
			}
		}
	}
}

func (d *decoder) mapping(path string, n *yaml.Node, v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	d.entries(path, n, func(key, value *yaml.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(join(path, key.Value), value, item)
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), item)
	})
}

func (d *decoder) sequence(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.errorf(path, n, "%s where a list is expected", describe(n)).hint("write it as `- item` lines or [item, item]")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(index(path, i), item, v.Index(i))
	}
}

func (d *decoder) basic(path string, n *yaml.Node, v reflect.Value) {
	if v.Kind() == reflect.String {
		var text string
		if !d.scalar(path, n, &text, "a text") {
			return
		}
		if enum, ok := reflect.TypeAssert[enumeration](v); ok && !slices.Contains(enum.values(), text) {
			d.unknown(path, n, "value", text, enum.values())
			return
		}
		v.SetString(text)
		return
	}
	if n.Kind != yaml.ScalarNode {
		d.errorf(path, n, "%s where %s is expected", describe(n), kindName(v.Kind()))
		return
	}
	if err := n.Decode(v.Addr().Interface()); err != nil {
		d.errorf(path, n, "%q is not %s", n.Value, kindName(v.Kind()))
	}
}

// enumeration is implemented by texts that come from a closed list.
type enumeration interface{ values() []string }

// scalar reads a text. YAML reads an unquoted 1.10 or on as something else, which is never what a name means, so that is said.
func (d *decoder) scalar(path string, n *yaml.Node, out *string, what string) bool {
	if n.Kind != yaml.ScalarNode {
		d.errorf(path, n, "%s where %s is expected", describe(n), what)
		return false
	}
	*out = n.Value
	return true
}

// unknown reports a word that is not among those allowed, with the closest of them.
func (d *decoder) unknown(path string, n *yaml.Node, kind, word string, allowed []string) {
	r := d.errorf(path, n, "unknown %s %q", kind, word)
	if near := closest(word, allowed); near != "" {
		r.hint("did you mean %q?", near)
		return
	}
	if len(allowed) == 0 {
		r.hint("there is none to choose from")
		return
	}
	sorted := slices.Sorted(slices.Values(allowed))
	r.hint("allowed: %s", strings.Join(sorted, ", "))
}

// promqlErrors reports what the PromQL parser found, at its place inside the scalar.
func (d *decoder) promqlErrors(path string, n *yaml.Node, err error) {
	list, ok := err.(parser.ParseErrors) //nolint:errorlint // The parser returns this type itself, unwrapped.
	if !ok || len(list) == 0 {
		d.errorf(path, n, "not PromQL: %v", err)
		return
	}
	for _, e := range list {
		start := int(e.PositionRange.Start)
		width := max(1, int(e.PositionRange.End)-start)
		r := d.within(path, n, start, width, "not PromQL: "+e.Err.Error())
		r.hint("%s", promqlHint(n.Value, start, int(e.PositionRange.End)))
	}
}

// promqlHint says what would be right: the closest function name where an unknown one was called, else what is expected.
func promqlHint(text string, start, end int) string {
	if start >= 0 && end <= len(text) && start < end {
		word, _, _ := strings.Cut(text[start:end], "(")
		word = strings.TrimSpace(word)
		names := make([]string, 0, len(parser.Functions))
		for name := range parser.Functions {
			names = append(names, name)
		}
		slices.Sort(names)
		if near := closest(word, names); near != "" && near != word {
			return fmt.Sprintf("did you mean %q?", near)
		}
	}
	return "give an expression that Prometheus accepts; try it in its expression browser"
}

// resolve follows aliases.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return strconv.Quote(n.Value)
	}
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	default:
		return "a " + k.String()
	}
}
