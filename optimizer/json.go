package optimizer

import (
	"fmt"

	"github.com/variant-exporter/variant-exporter/optimizer/internal/strictjson"
)

// ParseProblem reads a problem from JSON, strictly: unknown fields, duplicate
// fields and keys, numbers that are negative or out of range, and text after
// the object are refused. A mistake in a field is a *FieldError.
//
// The fields min, current, start_cost, min_replicas and priority default to 0,
// the lists and maps to empty ones. If max is absent or null, there is no
// limit.
func ParseProblem(data []byte) (Problem, error) {
	var p Problem
	err := strictjson.Decode(data, func(d strictjson.Decoder) strictjson.Fields {
		return strictjson.Fields{
			"budgets": d.List(func(path string) error { return readBudget(d, path, &p) }),
			"models":  d.List(func(path string) error { return readModel(d, path, &p) }),
		}
	})
	if err != nil {
		return Problem{}, fmt.Errorf("read problem: %w", err)
	}
	if err := p.validate(); err != nil {
		return Problem{}, fmt.Errorf("check problem: %w", err)
	}
	return p, nil
}

// readBudget reads a budget and appends it to the problem.
func readBudget(d strictjson.Decoder, path string, p *Problem) error {
	var b Budget
	err := d.Object(path, strictjson.Fields{"name": d.Text(&b.Name), "limit": d.Number(&b.Limit)})
	p.Budgets = append(p.Budgets, b)
	return err
}

// readModel reads a model and appends it to the problem.
func readModel(d strictjson.Decoder, path string, p *Problem) error {
	var m Model
	err := d.Object(path, strictjson.Fields{
		"name": d.Text(&m.Name), "priority": d.Whole(&m.Priority),
		"min_replicas": d.Whole(&m.MinReplicas), "demand": d.Numbers(&m.Demand),
		"variants": d.List(func(path string) error { return readVariant(d, path, &m) }),
	})
	p.Models = append(p.Models, m)
	return err
}

// readVariant reads a variant and appends it to the model.
func readVariant(d strictjson.Decoder, path string, m *Model) error {
	var v Variant
	err := d.Object(path, strictjson.Fields{
		"name": d.Text(&v.Name), "role": d.Text((*string)(&v.Role)), "cost": d.Number(&v.Cost), "start_cost": d.Number(&v.StartCost),
		"min": d.Whole(&v.Min), "max": d.WholeOrNull(&v.Max), "current": d.Whole(&v.Current),
		"capacity": d.Numbers(&v.Capacity), "uses": d.Numbers(&v.Uses),
	})
	m.Variants = append(m.Variants, v)
	return err
}
