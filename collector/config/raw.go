package config

import (
	"reflect"

	commonconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"
)

// Raw is a section that Prometheus' own loader reads.
type Raw struct{ Set bool }

func (r *Raw) decodeYAML(*decoder, string, *yaml.Node) { r.Set = true }

func (Raw) jsonSchema(*schemaBuilder) map[string]any { return map[string]any{} }

// HTTPConfig is Prometheus' HTTP client configuration.
type HTTPConfig struct {
	commonconfig.HTTPClientConfig `yaml:",inline"`
}

// String shows nothing: a logged configuration must not tell its secrets.
func (HTTPConfig) String() string { return secretMark }

// GoString is String for %#v.
func (HTTPConfig) GoString() string { return secretMark }

func (c *HTTPConfig) decodeYAML(d *decoder, path string, n *yaml.Node) {
	before := len(d.found)
	d.foreign(path, n, reflect.TypeFor[commonconfig.HTTPClientConfig]())
	if len(d.found) > before {
		return
	}
	if err := n.Decode(&c.HTTPClientConfig); err != nil {
		for _, message := range splitYAML(err) {
			// What could not be used is quoted, and it may be a secret.
			message = quotedValue.ReplaceAllString(foreignLine.ReplaceAllString(message, "$2"), "the value")
			d.errorf(path, n, "%s", shortened(message, maxMessage)).hint(httpHint)
		}
	}
}

func (HTTPConfig) jsonSchema(b *schemaBuilder) map[string]any {
	return b.foreign(reflect.TypeFor[commonconfig.HTTPClientConfig]())
}

// Quantities is one quantity or a list of them of which the smallest counts.
type Quantities []Quantity

func (q *Quantities) decodeYAML(d *decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		d.decode(path, n, (*[]Quantity)(q))
		if len(*q) == 0 {
			d.errorf(path, n, "empty list").hint("give at least one limit")
		}
		return
	}
	*q = make(Quantities, 1)
	(*q)[0].decodeYAML(d, path, n)
}

func (Quantities) jsonSchema(b *schemaBuilder) map[string]any {
	one := Quantity{}.jsonSchema(b)
	return map[string]any{"anyOf": append(one["anyOf"].([]any),
		map[string]any{"type": "array", "items": one, "minItems": 1})}
}
