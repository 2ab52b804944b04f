package match

import (
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// Owners finds the variant that a series belongs to by its labels, as an evaluation does: by the variant's name, or else by the
// name of the pod.
type Owners struct{ matcher *Matcher }

// NewOwners makes a configuration ready for it.
func NewOwners(c *config.Config) *Owners { return &Owners{New(query.Compile(c))} }

// Of returns the variant that a series belongs to, and its model; false where there is none, or more than one.
func (o *Owners) Of(metric model.Metric, names config.LabelNames) (*config.Model, *config.Variant, bool) {
	id := identify(metric, names)
	found := o.matcher.variantsOf(id)
	if len(found) != 1 || id.nowhere() {
		return nil, nil, false
	}
	v := o.matcher.program.Variants[found[0]]
	return v.Model.Model, v.Variant, true
}

// Owners is how many owners a grid has cells for.
func (m *Matcher) Owners(o query.Owner) int {
	switch o {
	case query.OfModel, query.OfSource:
		return len(m.program.Models)
	case query.OfEverything:
		return 1
	case query.OfWorkload:
		return 2*len(m.program.Variants) + len(m.program.Models) + len(m.namespaces)
	default:
		return len(m.program.Variants)
	}
}
