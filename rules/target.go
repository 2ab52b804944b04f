package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// target is one variant, as an autoscaler sees it.
type target struct {
	*config.Variant
	model *config.Model
	path  string // of the variant in the file
	name  string // of the autoscaler's object
	least int    // fewest and
	most  int    // most replicas that the exporter can ask for, but at least 1, which an autoscaler's maximum must be
	off   bool   // the exporter never asks for a replica
}

// workload is a reference to what is scaled.
type workload struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Name       string `yaml:"name"`
}

func (t *target) workload() workload {
	version := "apps/v1"
	if t.ScaleTarget.Kind == config.KindLeaderWorkerSet {
		version = "leaderworkerset.x-k8s.io/v1"
	}
	return workload{version, string(t.ScaleTarget.Kind), t.ScaleTarget.Name}
}

func (t *target) metadata(labels map[string]string) metadata {
	return metadata{Name: t.name, Namespace: t.model.Namespace, Labels: labels}
}

// targets returns every variant with the bounds of its replicas. It refuses variants without an upper bound, unless a fallback is
// above 0, and variants whose objects could not be told apart.
func targets(c *config.Config, fallback int) ([]target, error) {
	var all []target
	var found config.Diagnostics
	named := map[string]string{}
	for i := range c.Models {
		m := &c.Models[i]
		for j := range m.Variants {
			x := &m.Variants[j]
			t := target{Variant: x, model: m, path: fmt.Sprintf("models[%d].variants[%d]", i, j), name: objectName(x.Name)}
			t.least = fewest(m, j)
			most, bounded := mostByBudgets(c, x)
			switch {
			case x.Replicas.Max != nil:
				most = *x.Replicas.Max
			case !bounded && fallback > 0:
				most = fallback
			case !bounded:
				found = append(found, c.ErrorAt(t.path, "no maximum, which an autoscaler must have, and no budget of a fixed size bounds the variant",
					"give replicas.max, which the plan keeps to as well; or --max-replicas for all variants without one"))
			}
			t.most, t.off = max(most, t.least, 1), max(most, t.least) == 0
			found = append(found, t.checkName(c, named)...)
			all = append(all, t)
		}
	}
	return all, found.Err()
}

// fewest is the smallest number of replicas that can be asked for of a variant: its own minimum, and what the model's minimum leaves
// to it when all others run as many as they may. A minimum that is an expression may be 0.
func fewest(m *config.Model, variant int) int {
	x := &m.Variants[variant]
	rest := m.Fewest()
	for j := range m.Variants {
		switch {
		case j == variant:
		case m.Variants[j].Replicas.Max == nil:
			rest = 0
		default:
			rest -= *m.Variants[j].Replicas.Max
		}
	}
	least := max(x.Replicas.Min.Least(), rest)
	if x.Failsafe != nil && x.Failsafe.Replicas != nil {
		least = min(least, *x.Failsafe.Replicas)
	}
	return least
}

// mostByBudgets is the largest number of replicas that budgets of a fixed size leave to a variant, if there are such.
func mostByBudgets(c *config.Config, x *config.Variant) (int, bool) {
	most := math.Inf(1)
	for i := range c.Budgets {
		b := &c.Budgets[i]
		use := x.Uses[b.Name]
		borrow := b.Borrow
		if !use.IsNumber() || use.Number <= 0 || borrow.Set && !borrow.IsNumber() {
			continue
		}
		for _, limit := range b.Limit {
			if limit.IsNumber() {
				most = min(most, math.Floor((limit.Number+borrow.Number)/use.Number*(1+1e-9)))
			}
		}
	}
	return int(min(most, math.MaxInt32)), !math.IsInf(most, 1)
}

// objectName is a variant's name, a label value, as the name of an object.
func objectName(variant string) string { return strings.ToLower(strings.ReplaceAll(variant, "_", "-")) }

// checkName finds what keeps an autoscaler's object from having its name. Taken ones are known by namespace and name.
func (t *target) checkName(c *config.Config, taken map[string]string) config.Diagnostics {
	key := t.model.Namespace + "/" + t.name
	other, twice := taken[key]
	taken[key] = t.path
	switch {
	case len(content.IsDNS1123Subdomain(t.name)) > 0:
		return config.Diagnostics{c.ErrorAt(t.path+".name", fmt.Sprintf("Kubernetes refuses an object called %q", t.name),
			"choose a variant name of letters, digits and -, with a letter or digit at both ends")}
	case twice:
		return config.Diagnostics{c.ErrorAt(t.path+".name", fmt.Sprintf("the object of this variant would be called %q, like that of %s", t.name, other),
			"choose names that differ in more than case and underscores")}
	}
	return nil
}

// anyToZero says whether a variant may run no replica.
func anyToZero(all []target) bool {
	return slices.ContainsFunc(all, func(t target) bool { return t.least == 0 })
}
