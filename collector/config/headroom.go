package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// Headroom is the share planned above the measured demand.
type Headroom struct {
	Ratio float64 // 0.15 plans 15 % more; also used while Auto has too little history, or Query no usable answer
	Auto  bool    // from trend, noise, habits and the errors of the last day
	Query Expr    // yields the ratio, in place of Ratio

	Default bool // nothing is configured: it is Auto for rates, and Ratio for all else
}

// Measured reports whether the headroom of a signal is measured: where that is configured, and by default for rates. What is in use of
// variants has no history of its own.
func (h *Headroom) Measured(s ActiveSignal) bool {
	return h.Auto && s.Usage.IsZero() && (!h.Default || s.Rate())
}

// Rate reports whether the signal counts what comes in a second, and not what is in service.
func (s ActiveSignal) Rate() bool {
	return !s.Latency.IsZero() || strings.Contains(s.Unit, "per second") || strings.HasSuffix(s.Unit, "/s")
}

// DefaultHeadroom lists the signals for which headroom is measured although nothing is configured, and those that have the default share.
func (c *Config) DefaultHeadroom() (measured, share []string) {
	for i := range c.Models {
		m := &c.Models[i]
		for _, s := range m.ActiveSignals() {
			switch {
			case !m.Headroom.Default:
			case m.Headroom.Measured(s):
				measured = append(measured, s.Name)
			default:
				share = append(share, s.Name)
			}
		}
	}
	slices.Sort(measured)
	slices.Sort(share)
	return slices.Compact(measured), slices.Compact(share)
}

// autoHeadroom is what is written for Headroom.Auto.
const autoHeadroom = "auto"

// MaxHeadroom is the largest share that may be planned above the demand.
const MaxHeadroom = 10

const headroomHint = "0.15 plans 15 %% above the measured demand; auto, or a PromQL expression, may stand in its place"

// DecodeYAML implements strict.Unmarshaler.
func (h *Headroom) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	h.Ratio = DefaultHeadroomRatio
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value == autoHeadroom {
		h.Auto = true
		return
	}
	ratio, ok := strict.Number(n)
	switch {
	case refuseWord(d, path, n, autoHeadroom):
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str":
		h.Query.DecodeYAML(d, path, n)
	case !ok:
		d.Errorf(path, n, "%s where a number, auto or a PromQL expression is expected", strict.Describe(n)).Hint(headroomHint)
	case !(ratio >= 0):
		d.Errorf(path, n, "%s is below 0", n.Value).Hint(headroomHint)
	case ratio > MaxHeadroom:
		d.Errorf(path, n, "%s is above %d", n.Value, MaxHeadroom).Hint(headroomHint)
	default:
		h.Ratio = ratio
	}
}

// JSONSchema implements strict.Schemer.
func (Headroom) JSONSchema(b *strict.SchemaBuilder) map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "number", "minimum": 0, "maximum": MaxHeadroom},
		map[string]any{"const": autoHeadroom},
		Expr{}.JSONSchema(b),
	}}
}
