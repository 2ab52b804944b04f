package config

import (
	"reflect"

	commonconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// Raw is a section that Prometheus' own loader reads.
type Raw struct{ Set bool }

// DecodeYAML implements strict.Unmarshaler.
func (r *Raw) DecodeYAML(*strict.Decoder, string, *yaml.Node) { r.Set = true }

// JSONSchema implements strict.Schemer.
func (Raw) JSONSchema(*strict.SchemaBuilder) map[string]any { return map[string]any{} }

const httpHint = "see the HTTP client section of Prometheus' configuration documentation"

// HTTPConfig is Prometheus' HTTP client configuration.
type HTTPConfig struct {
	commonconfig.HTTPClientConfig `yaml:",inline"`
}

// String shows nothing: a logged configuration must not show its secrets.
func (HTTPConfig) String() string { return strict.SecretMark }

// GoString is String for %#v.
func (HTTPConfig) GoString() string { return strict.SecretMark }

// DecodeYAML implements strict.Unmarshaler.
func (c *HTTPConfig) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	before := d.Count()
	d.Foreign(path, n, reflect.TypeFor[commonconfig.HTTPClientConfig](), httpHint)
	if d.Count() > before {
		return
	}
	if err := n.Decode(&c.HTTPClientConfig); err != nil {
		for _, message := range strict.SplitErrors(err) {
			// What could not be used is quoted, and it may be a secret.
			message = withoutValues(foreignLine.ReplaceAllString(message, "$2"))
			d.Errorf(path, n, "%s", strict.Shorten(message)).Hint(httpHint)
		}
	}
}

// JSONSchema implements strict.Schemer.
func (HTTPConfig) JSONSchema(b *strict.SchemaBuilder) map[string]any {
	return b.Foreign(reflect.TypeFor[commonconfig.HTTPClientConfig]())
}

// Quantities is one quantity or a list. The smallest counts.
type Quantities []Quantity

// DecodeYAML implements strict.Unmarshaler.
func (q *Quantities) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		d.Decode(path, n, (*[]Quantity)(q))
		if len(*q) == 0 {
			d.Errorf(path, n, "empty list").Hint("list at least one limit")
		}
		return
	}
	*q = make(Quantities, 1)
	(*q)[0].DecodeYAML(d, path, n)
}

// JSONSchema implements strict.Schemer.
func (Quantities) JSONSchema(b *strict.SchemaBuilder) map[string]any {
	one := Quantity{}.JSONSchema(b)
	return map[string]any{"anyOf": append(one["anyOf"].([]any),
		map[string]any{"type": "array", "items": one, "minItems": 1})}
}
