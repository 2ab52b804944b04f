package policy

import (
	"cmp"
	"math"
	"slices"
)

// group are the variants of a model that do the same work: all of them, or those of one role. Each serves all requests of the model.
type group struct {
	model    *Model
	role     string
	variants []*Variant
}

// groups splits what is observed by model and role.
func groups(o *Observation) []group {
	var all []group
	for i := range o.Models {
		m := &o.Models[i]
		for _, role := range []string{"both", "prefill", "decode"} {
			g := group{model: m, role: role}
			for j := range o.Variants {
				if v := &o.Variants[j]; v.Model == m.ID && roleOf(v.Facts) == role {
					g.variants = append(g.variants, v)
				}
			}
			if len(g.variants) > 0 {
				all = append(all, g)
			}
		}
	}
	return all
}

func roleOf(f VariantFacts) string { return cmp.Or(f.Role, "both") }

// cheapest returns the variant that serves a request for the least. Autoscalers that know one variant get this one: the others stay as
// they are.
func (g group) cheapest() *Variant {
	return slices.MinFunc(g.variants, func(a, b *Variant) int { return cmp.Compare(price(a.Facts), price(b.Facts)) })
}

func price(f VariantFacts) float64 {
	if f.Rate <= 0 {
		return math.Inf(1)
	}
	return f.Cost / f.Rate
}

// pods returns the pods of the group.
func (g group) pods() []Pod {
	var all []Pod
	for _, p := range g.model.Pods {
		if g.has(p.Variant) {
			all = append(all, p)
		}
	}
	return all
}

func (g group) has(id string) bool {
	return slices.ContainsFunc(g.variants, func(v *Variant) bool { return v.ID == id })
}

// inFlight returns the requests that the gateway has passed on and that are not done.
func (g group) inFlight() float64 {
	sum := 0.0
	for _, p := range g.pods() {
		sum += p.Running + p.Waiting
	}
	return sum
}

// bound keeps replicas within what the configuration allows, and above a least number of the policy's own.
func (v *Variant) bound(replicas, least int) int {
	if v.Facts.Max >= 0 {
		replicas = min(replicas, v.Facts.Max)
	}
	return max(replicas, v.Facts.Min, least)
}

// ceil rounds up, and does not take an error of rounding for one more.
func ceil(x float64) int {
	if x >= math.MaxInt32 {
		return math.MaxInt32
	}
	return int(math.Ceil(x - 1e-9))
}
