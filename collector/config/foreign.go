package config

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// shape is what YAML a type of another module takes.
type shape struct {
	kind   shapeKind
	fields []field      // keys of a mapping
	items  reflect.Type // of a list, or behind the free keys of a mapping
}

type shapeKind string

const (
	shapeAny     shapeKind = ""
	shapeText    shapeKind = "a text"
	shapeTruth   shapeKind = "true or false"
	shapeList    shapeKind = "a list"
	shapeMapping shapeKind = "a mapping"
)

const httpHint = "see the HTTP client section of Prometheus' configuration documentation"

// shapeOf finds out what YAML a type of another module takes, from its tags. A struct without any, such as a URL, and a number
// have a notation of their own, which is a text.
func shapeOf(t reflect.Type) shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Interface:
		return shape{kind: shapeAny}
	case reflect.Bool:
		return shape{kind: shapeTruth}
	case reflect.Slice:
		return shape{kind: shapeList, items: t.Elem()}
	case reflect.Map:
		return shape{kind: shapeMapping, items: t.Elem()}
	case reflect.Struct:
		s := shape{kind: shapeMapping}
		for _, f := range reflect.VisibleFields(t) {
			name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			switch {
			case !f.IsExported():
			case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Map:
				s.items = f.Type.Elem()
			case name != "" && name != "-":
				s.fields = append(s.fields, field{name: name, typ: f.Type})
			}
		}
		if len(s.fields) > 0 || s.items != nil {
			return s
		}
		return shape{kind: shapeText}
	default:
		return shape{kind: shapeText}
	}
}

// fits says whether a node may hold what a shape takes.
func (k shapeKind) fits(n *yaml.Node) bool {
	switch k {
	case shapeText:
		return n.Kind == yaml.ScalarNode
	case shapeTruth:
		return n.Tag == "!!bool"
	case shapeList:
		return n.Kind == yaml.SequenceNode
	case shapeMapping:
		return n.Kind == yaml.MappingNode
	default:
		return true
	}
}

// foreign reports keys that a type of another module does not have, and values of another kind than it takes, all the way down.
// Its own loader would name the first only, and without a column. Values are not repeated: they may be secrets.
func (d *decoder) foreign(path string, n *yaml.Node, t reflect.Type) {
	n = resolve(n)
	if !d.spend(n) {
		return
	}
	d.nodes[path] = n
	s := shapeOf(t)
	switch {
	case isNull(n) || s.kind == shapeAny:
	case !s.kind.fits(n):
		d.errorf(path, n, "this must be %s", s.kind).hint(httpHint)
	case s.kind == shapeList:
		for i, item := range n.Content {
			d.foreign(index(path, i), item, s.items)
		}
	case s.kind == shapeMapping:
		d.entries(path, n, func(key, value *yaml.Node) {
			at := join(path, key.Value)
			i := slices.IndexFunc(s.fields, func(f field) bool { return f.name == key.Value })
			switch {
			case i >= 0:
				d.foreign(at, value, s.fields[i].typ)
			case s.items != nil:
				d.foreign(at, value, s.items)
			default:
				d.unknown(at, key, "field", key.Value, fieldNames(s.fields))
			}
		})
	}
}

// foreign describes a type of another module.
func (b *schemaBuilder) foreign(t reflect.Type) map[string]any {
	s := shapeOf(t)
	switch s.kind {
	case shapeAny:
		return map[string]any{}
	case shapeText:
		return b.text()
	case shapeTruth:
		return map[string]any{"type": "boolean"}
	case shapeList:
		return map[string]any{"type": "array", "items": nullable(b.foreign(s.items))}
	default:
		properties := map[string]any{}
		for _, f := range s.fields {
			properties[f.name] = nullable(b.foreign(f.typ))
		}
		object := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
		if s.items != nil {
			object["additionalProperties"] = nullable(b.foreign(s.items))
		}
		return object
	}
}
