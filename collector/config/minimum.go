package config

import (
	"math"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// MaxReplicas is the largest number of replicas that a bound may have.
const MaxReplicas = 1_000_000

// Minimum is the fewest replicas that may run: a number, or a PromQL expression that yields one.
type Minimum struct{ Quantity }

// minimumOf is a minimum that is a number.
func minimumOf(n int) Minimum { return Minimum{Quantity{Number: float64(n), Set: true}} }

// or is the minimum, and another one where none is given.
func (m Minimum) or(n int) Minimum {
	if m.Set {
		return m
	}
	return minimumOf(n)
}

// Least is the lowest that the minimum can be: its number, and 0 where it is an expression.
func (m Minimum) Least() int { return int(m.Number) }

// DecodeYAML implements strict.Unmarshaler.
func (m *Minimum) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && (n.Tag == "!!float" || n.Tag == "!!int") {
		value, ok := strict.Number(n)
		m.Set = true
		if !ok || value != math.Trunc(value) || value < 0 || value > MaxReplicas {
			d.Errorf(path, n, "%s is not a number of replicas", n.Value).Hint("use a whole number from 0 to %d, or a PromQL expression", MaxReplicas)
			return
		}
		m.Number = value
		return
	}
	m.Quantity.DecodeYAML(d, path, n)
}

// JSONSchema implements strict.Schemer.
func (Minimum) JSONSchema(b *strict.SchemaBuilder) map[string]any {
	s := Quantity{}.JSONSchema(b)
	s["anyOf"].([]any)[0] = map[string]any{"type": "integer", "minimum": 0, "maximum": MaxReplicas}
	return s
}

// Wakes reports whether a signal of the model shows demand while no replica of it runs.
func (m *Model) Wakes() bool {
	return slices.ContainsFunc(m.active, func(s ActiveSignal) bool { return s.OnMissing == OnMissingZero && !s.Alive.IsZero() })
}

// Fewest is the fewest replicas that the model may have over all variants of each role: its minimum. An expression may yield 0, which
// counts as 1 where nothing could wake the model.
func (m *Model) Fewest() int {
	least := m.Replicas.Min.Least()
	if !m.Replicas.Min.IsNumber() && !m.Wakes() {
		return 1
	}
	return least
}
