package collector

import (
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Owners finds the variant that a series belongs to by its labels, as an evaluation does: by the variant's name, or else by the
// name of the pod.
type Owners struct{ program *program }

// NewOwners makes a configuration ready for it.
func NewOwners(c *config.Config) *Owners { return &Owners{compile(c)} }

// Of returns the variant that a series belongs to, and its model; false where there is none, or more than one.
func (o *Owners) Of(metric model.Metric, names config.LabelNames) (*config.Model, *config.Variant, bool) {
	found := o.program.matcher.variantsOf(identify(metric, names))
	if len(found) != 1 {
		return nil, nil, false
	}
	v := &o.program.variants[found[0]]
	return o.program.models[v.model].Model, v.Variant, true
}
