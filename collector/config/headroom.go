package config

import (
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// Headroom is the share planned above what was measured, or that it is to be measured itself.
type Headroom struct {
	Ratio float64 // 0.15 plans 15 % more; also where Auto has too little history
	Auto  bool    // from trend, noise and the errors of the same forecast over the last day
}

// autoHeadroom is what is written for Headroom.Auto.
const autoHeadroom = "auto"

const maxHeadroom = 10

func (h *Headroom) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	h.Ratio = defaultHeadroom
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value == autoHeadroom {
		h.Auto = true
		return
	}
	ratio, ok := strict.Number(n)
	switch {
	case !ok:
		d.Errorf(path, n, "%s where a number or auto is expected", strict.Describe(n)).Hint("0.15 plans 15 %% above what was measured")
	case !(ratio >= 0):
		d.Errorf(path, n, "%s is below 0", n.Value).Hint("0.15 plans 15 %% above what was measured")
	case ratio > maxHeadroom:
		d.Errorf(path, n, "%s is above %d", n.Value, maxHeadroom).Hint("0.15 plans 15 %% above what was measured")
	default:
		h.Ratio = ratio
	}
}

func (Headroom) JSONSchema(*strict.SchemaBuilder) map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "number", "minimum": 0, "maximum": maxHeadroom},
		map[string]any{"const": autoHeadroom},
	}}
}
