package optimizer

import (
	"fmt"
	"math"
	"slices"

	"github.com/variant-exporter/variant-exporter/optimizer/internal/strictjson"
)

// Limits on the size of a problem. They are far above what can be planned and
// keep sums of products of its numbers finite.
const (
	maxNumber   = 1e18
	maxModels   = 1_000_000
	maxVariants = 10_000
	maxBudgets  = 100_000
	maxSignals  = 1_000
)

// FieldError is a mistake in a problem: the path to a field, such as
// models[0].variants[1].cost, and the reason.
type FieldError = strictjson.FieldError

// validate returns a *FieldError for the first mistake in the problem.
func (p *Problem) validate() error {
	if len(p.Budgets) > maxBudgets {
		return &FieldError{Path: "budgets", Reason: fmt.Sprintf("more than %d", maxBudgets)}
	}
	budgets := make(map[string]bool, len(p.Budgets))
	for i := range p.Budgets {
		path := func(field string) string { return fmt.Sprintf("budgets[%d].%s", i, field) }
		if err := checkName(path, budgets, p.Budgets[i].Name); err != nil {
			return err
		}
		if err := checkNumber(path, "limit", p.Budgets[i].Limit); err != nil {
			return err
		}
	}
	if len(p.Models) > maxModels {
		return &FieldError{Path: "models", Reason: fmt.Sprintf("more than %d", maxModels)}
	}
	names := make(map[string]bool, len(p.Models))
	for i := range p.Models {
		path := func(field string) string { return fmt.Sprintf("models[%d].%s", i, field) }
		if err := checkName(path, names, p.Models[i].Name); err != nil {
			return err
		}
		if err := p.Models[i].validate(path, budgets); err != nil {
			return err
		}
	}
	return nil
}

// validate checks one model; path leads to its fields.
func (m *Model) validate(path func(string) string, budgets map[string]bool) error {
	if err := checkCount(path, "min_replicas", m.MinReplicas); err != nil {
		return err
	}
	if err := checkNumbers(path, "demand", m.Demand); err != nil {
		return err
	}
	if len(m.Variants) > maxVariants {
		return &FieldError{Path: path("variants"), Reason: fmt.Sprintf("more than %d", maxVariants)}
	}
	names := make(map[string]bool, len(m.Variants))
	for i := range m.Variants {
		under := func(field string) string { return path(fmt.Sprintf("variants[%d].%s", i, field)) }
		if err := checkName(under, names, m.Variants[i].Name); err != nil {
			return err
		}
		if err := m.Variants[i].validate(under, budgets); err != nil {
			return err
		}
	}
	return nil
}

// validate checks one variant; path leads to its fields.
func (v *Variant) validate(path func(string) string, budgets map[string]bool) error {
	switch v.Role {
	case "", RoleBoth, RolePrefill, RoleDecode:
	default:
		return &FieldError{Path: path("role"), Reason: fmt.Sprintf("%q is not both, prefill or decode", v.Role)}
	}
	if err := checkNumber(path, "cost", v.Cost); err != nil {
		return err
	}
	if err := checkNumber(path, "start_cost", v.StartCost); err != nil {
		return err
	}
	if err := checkCount(path, "min", v.Min); err != nil {
		return err
	}
	if err := checkCount(path, "current", v.Current); err != nil {
		return err
	}
	if v.Max != nil {
		if err := checkCount(path, "max", *v.Max); err != nil {
			return err
		}
		if *v.Max < v.Min {
			return &FieldError{Path: path("max"), Reason: fmt.Sprintf("%d is below min %d", *v.Max, v.Min)}
		}
	}
	if err := checkNumbers(path, "capacity", v.Capacity); err != nil {
		return err
	}
	if err := checkNumbers(path, "uses", v.Uses); err != nil {
		return err
	}
	for _, name := range sortedKeys(v.Uses) {
		if !budgets[name] {
			return &FieldError{Path: path("uses." + name), Reason: "no budget has this name"}
		}
	}
	return nil
}

// checkName refuses an empty name and one that was seen before.
func checkName(path func(string) string, seen map[string]bool, name string) error {
	if name == "" {
		return &FieldError{Path: path("name"), Reason: "must not be empty"}
	}
	if seen[name] {
		return &FieldError{Path: path("name"), Reason: fmt.Sprintf("duplicate name %q", name)}
	}
	seen[name] = true
	return nil
}

// checkNumber refuses what is not finite, negative or absurdly large.
func checkNumber(path func(string) string, field string, x float64) error {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return &FieldError{Path: path(field), Reason: "must be a finite number"}
	case x < 0:
		return &FieldError{Path: path(field), Reason: fmt.Sprintf("%g is negative", x)}
	case x > maxNumber:
		return &FieldError{Path: path(field), Reason: fmt.Sprintf("%g is above %g", x, maxNumber)}
	}
	return nil
}

// checkNumbers checks every value of a map.
func checkNumbers(path func(string) string, field string, values map[string]float64) error {
	if len(values) > maxSignals {
		return &FieldError{Path: path(field), Reason: fmt.Sprintf("more than %d entries", maxSignals)}
	}
	for _, x := range values {
		if x >= 0 && x <= maxNumber {
			continue
		}
		for _, name := range sortedKeys(values) {
			if err := checkNumber(path, field+"."+name, values[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkCount refuses an impossible number of replicas.
func checkCount(path func(string) string, field string, n int) error {
	if n < 0 || n > MaxReplicas {
		return &FieldError{Path: path(field), Reason: fmt.Sprintf("%d is not between 0 and %d", n, MaxReplicas)}
	}
	return nil
}

// sortedKeys returns the keys of a map in order.
func sortedKeys(m map[string]float64) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
