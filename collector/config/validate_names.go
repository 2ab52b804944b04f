package config

import (
	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// What Kubernetes accepts as names, in the words of the hints.
const (
	labelForm     = "letters, digits, -, _ and ., at most 63, a letter or digit at both ends"
	namespaceForm = "lower-case letters, digits and -, at most 63, a letter or digit at both ends"
	workloadForm  = "lower-case letters, digits, - and ., at most 253, a letter or digit at both ends and next to each ."
)

func isNamespace(name string) bool { return len(content.IsDNS1123Label(name)) == 0 }

func isWorkload(name string) bool { return len(content.IsDNS1123Subdomain(name)) == 0 }

func isLabelValue(value string) bool { return len(content.IsLabelValue(value)) == 0 }

// namespace checks the namespace of a model.
func (v *validator) namespace(path, name string) {
	if name != "" && !isNamespace(name) {
		v.Errorf(path, nil, "%q is not a namespace name", name).Hint(namespaceForm)
	}
}

// variantName checks the name of a variant, which is the value of a label.
func (v *validator) variantName(path, name string) {
	if !isLabelValue(name) {
		v.Errorf(path, nil, "%q is not a Kubernetes label value", name).Hint("autoscalers select by it: " + labelForm)
	}
}

// targetName checks the name of a scale target. By default it is the variant's.
func (v *validator) targetName(path string, x *Variant) {
	name := x.ScaleTarget.Name
	switch at := strict.Join(path, "scale_target.name"); {
	case name == "" || isWorkload(name):
	case v.Has(at):
		v.Errorf(at, nil, "%q is not a workload name", name).Hint(workloadForm)
	case isLabelValue(name):
		v.Errorf(strict.Join(path, "name"), nil, "%q is not a workload name", name).
			Hint("set scale_target.name to the workload's name: " + workloadForm)
	}
}
