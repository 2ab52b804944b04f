package config

import "go.yaml.in/yaml/v3"

// Headroom is the share planned above what was measured, or that it is to be measured itself.
type Headroom struct {
	Ratio float64 // 0.15 plans 15 % more; also where Auto has too little history
	Auto  bool    // from trend, noise and the errors of the same forecast over the last day
}

// autoHeadroom is what is written for Headroom.Auto.
const autoHeadroom = "auto"

const maxHeadroom = 10

func (h *Headroom) decodeYAML(d *decoder, path string, n *yaml.Node) {
	h.Ratio = defaultHeadroom
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value == autoHeadroom {
		h.Auto = true
		return
	}
	ratio, ok := number(n)
	switch {
	case !ok:
		d.errorf(path, n, "%s where a number or auto is expected", describe(n)).hint("0.15 plans 15 %% above what was measured")
	case !(ratio >= 0):
		d.errorf(path, n, "%s is below 0", n.Value).hint("0.15 plans 15 %% above what was measured")
	case ratio > maxHeadroom:
		d.errorf(path, n, "%s is above %d", n.Value, maxHeadroom).hint("0.15 plans 15 %% above what was measured")
	default:
		h.Ratio = ratio
	}
}

func (Headroom) jsonSchema(*schemaBuilder) map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "number", "minimum": 0, "maximum": maxHeadroom},
		map[string]any{"const": autoHeadroom},
	}}
}
