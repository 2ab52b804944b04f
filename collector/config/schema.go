package config

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// schemaType is implemented by types that have a notation of their own.
type schemaType interface {
	jsonSchema(b *schemaBuilder) map[string]any
}

// schemaBuilder turns the types that the loader fills into JSON Schema (draft 7, which editors understand), so that the two
// cannot differ.
type schemaBuilder struct{}

// Schema returns the JSON Schema of the configuration file.
func Schema() ([]byte, error) {
	b := &schemaBuilder{}
	s := b.object(Config{})
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	s["title"] = "variant_exporter configuration"
	return json.MarshalIndent(s, "", "  ")
}

// object describes a mapping with fixed keys.
func (b *schemaBuilder) object(v any) map[string]any { return b.structure(reflect.TypeOf(v)) }

func (b *schemaBuilder) structure(t reflect.Type) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range fieldsOf(t) {
		s := b.of(f.typ)
		b.constrain(s, f)
		if f.doc != "" {
			s["description"] = f.doc
		}
		if f.required {
			required = append(required, f.name)
			properties[f.name] = s
			continue
		}
		// A key without a value leaves the default in place.
		properties[f.name] = nullable(s)
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// constrain adds what a field asks of its value beyond the type.
func (b *schemaBuilder) constrain(s map[string]any, f field) {
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
	} else if f.notEmpty() && f.typ.Kind() == reflect.String {
		s["minLength"] = 1
	}
}

// text describes a text. Any scalar may stand there: YAML reads an unquoted 8b or 1.10 as it likes.
func (b *schemaBuilder) text() map[string]any {
	return map[string]any{"type": []any{"string", "number", "boolean"}}
}

// item describes an entry of a list or of a mapping with free keys.
func (b *schemaBuilder) item(t reflect.Type) map[string]any {
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

func (b *schemaBuilder) of(t reflect.Type) map[string]any {
	if t.Kind() == reflect.Pointer {
		return b.of(t.Elem())
	}
	v := reflect.New(t).Elem().Interface()
	if custom, ok := v.(schemaType); ok {
		return custom.jsonSchema(b)
	}
	if enum, ok := v.(enumeration); ok {
		return map[string]any{"type": "string", "enum": enum.values()}
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
		return b.text()
	}
}
