package config

import (
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// Headroom is the share planned above the measured demand.
type Headroom struct {
	Ratio float64 // 0.15 plans 15 % more; also used while Auto has too little history
	Auto  bool    // from trend, noise and the forecast errors of the last day
}

// autoHeadroom is what is written for Headroom.Auto.
const autoHeadroom = "auto"

const maxHeadroom = 10

// DecodeYAML implements strict.Unmarshaler.
func (h *Headroom) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	h.Ratio = defaultHeadroom
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value == autoHeadroom {
		h.Auto = true
		return
	}
	ratio, ok := strict.Number(n)
	switch {
	case !ok:
		d.Errorf(path, n, "%s where a number or auto is expected", strict.Describe(n)).Hint("0.15 plans 15 %% above the measured demand")
	case !(ratio >= 0):
		d.Errorf(path, n, "%s is below 0", n.Value).Hint("0.15 plans 15 %% above the measured demand")
	case ratio > maxHeadroom:
		d.Errorf(path, n, "%s is above %d", n.Value, maxHeadroom).Hint("0.15 plans 15 %% above the measured demand")
	default:
		h.Ratio = ratio
	}
}

// JSONSchema implements strict.Schemer.
func (Headroom) JSONSchema(*strict.SchemaBuilder) map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "number", "minimum": 0, "maximum": maxHeadroom},
		map[string]any{"const": autoHeadroom},
	}}
}
