package strict

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// Schemer is implemented by types that have a notation of their own.
type Schemer interface {
	JSONSchema(b *SchemaBuilder) map[string]any
}

// SchemaBuilder turns the types that a Decoder fills into JSON Schema (draft 7, which editors understand). Schema and decoder read the
// same tags and cannot differ.
type SchemaBuilder struct{}

// Schema returns the JSON Schema of a document that is decoded into a value like v.
func Schema(title string, v any) ([]byte, error) {
	s := (&SchemaBuilder{}).Object(v)
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	s["title"] = title
	return json.MarshalIndent(s, "", "  ")
}

// Object describes a mapping with fixed keys.
func (b *SchemaBuilder) Object(v any) map[string]any { return b.structure(reflect.TypeOf(v)) }

func (b *SchemaBuilder) structure(t reflect.Type) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range Fields(t) {
		s := b.of(f.Type)
		b.constrain(s, f)
		if f.Doc != "" {
			s["description"] = f.Doc
		}
		if f.Required {
			required = append(required, f.Name)
			properties[f.Name] = s
			continue
		}
		// A key without a value leaves the default in place.
		properties[f.Name] = nullable(s)
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// constrain adds the constraints of a field to the schema of its type.
func (b *SchemaBuilder) constrain(s map[string]any, f Field) {
	if f.kind != "" {
		s["type"] = f.kind
	}
	if bound, err := strconv.ParseFloat(f.minimum, 64); err == nil {
		s["minimum"] = bound
	}
	if bound, err := strconv.ParseFloat(f.maximum, 64); err == nil {
		s["maximum"] = bound
	}
	if s["type"] == "array" && (f.notEmpty() || f.kind != "") {
		s["minItems"] = 1
	} else if f.notEmpty() && f.Type.Kind() == reflect.String {
		s["minLength"] = 1
	}
}

// Text describes a text. It allows every scalar: to YAML an unquoted 1.10 is a number.
func (b *SchemaBuilder) Text() map[string]any {
	return map[string]any{"type": []any{"string", "number", "boolean"}}
}

// item describes an entry of a list or of a mapping with free keys.
func (b *SchemaBuilder) item(t reflect.Type) map[string]any {
	s := b.of(t)
	if t.Kind() == reflect.String {
		s["minLength"] = 1
	}
	return s
}

// nullable lets a value be left empty.
func nullable(s map[string]any) map[string]any {
	description := s["description"]
	delete(s, "description")
	n := map[string]any{"anyOf": []any{s, map[string]any{"type": "null"}}}
	if description != nil {
		n["description"] = description
	}
	return n
}

func (b *SchemaBuilder) of(t reflect.Type) map[string]any {
	if t.Kind() == reflect.Pointer {
		return b.of(t.Elem())
	}
	v := reflect.New(t).Elem().Interface()
	if custom, ok := v.(Schemer); ok {
		return custom.JSONSchema(b)
	}
	if enum, ok := v.(Enumeration); ok {
		return map[string]any{"type": "string", "enum": enum.Values()}
	}
	switch t.Kind() {
	case reflect.Struct:
		return b.structure(t)
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": b.item(t.Elem())}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": b.item(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	default:
		return b.Text()
	}
}
