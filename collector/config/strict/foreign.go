package strict

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// shape is the YAML that a type of another module accepts.
type shape struct {
	kind   shapeKind
	fields []Field      // keys of a mapping
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

// shapeOf derives the YAML that a type of another module accepts from its tags. Numbers, and structs without tags such as a URL, are
// written as a text.
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
				s.fields = append(s.fields, Field{Name: name, Type: f.Type})
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

// fits reports whether a node has a shape.
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

// Foreign reports keys that a type of another module does not have, and values of the wrong kind, all the way down. The module's own
// loader would name the first only, and without a column. Values are not repeated: they may be secrets.
func (d *Decoder) Foreign(path string, n *yaml.Node, t reflect.Type, hint string) {
	n = Resolve(n)
	if !d.spend(n) {
		return
	}
	d.nodes[path] = n
	s := shapeOf(t)
	switch {
	case IsNull(n) || s.kind == shapeAny:
	case !s.kind.fits(n):
		d.Errorf(path, n, "this must be %s", s.kind).Hint("%s", hint)
	case s.kind == shapeList:
		for i, item := range n.Content {
			d.Foreign(Index(path, i), item, s.items, hint)
		}
	case s.kind == shapeMapping:
		d.entries(path, n, func(key, value *yaml.Node) {
			at := Join(path, key.Value)
			i := slices.IndexFunc(s.fields, func(f Field) bool { return f.Name == key.Value })
			switch {
			case i >= 0:
				d.Foreign(at, value, s.fields[i].Type, hint)
			case s.items != nil:
				d.Foreign(at, value, s.items, hint)
			default:
				d.Unknown(at, key, "field", key.Value, fieldNames(s.fields))
			}
		})
	}
}

// Foreign describes a type of another module.
func (b *SchemaBuilder) Foreign(t reflect.Type) map[string]any {
	s := shapeOf(t)
	switch s.kind {
	case shapeAny:
		return map[string]any{}
	case shapeText:
		return b.Text()
	case shapeTruth:
		return map[string]any{"type": "boolean"}
	case shapeList:
		return map[string]any{"type": "array", "items": nullable(b.Foreign(s.items))}
	default:
		properties := map[string]any{}
		for _, f := range s.fields {
			properties[f.Name] = nullable(b.Foreign(f.Type))
		}
		object := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
		if s.items != nil {
			object["additionalProperties"] = nullable(b.Foreign(s.items))
		}
		return object
	}
}
