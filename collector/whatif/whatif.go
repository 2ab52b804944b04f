// Package whatif plans again with something changed: other demand, prices, limits or variants. It takes the problem of a snapshot and
// asks the same planner, so a question that changes nothing gets the plan that is in force.
package whatif

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// Question is what is to be different. Models go by namespace/name.
type Question struct {
	Demand   []Demand   `json:"demand"`
	Costs    []Cost     `json:"costs"`
	Replicas []Replicas `json:"replicas"`
	Budgets  []Budget   `json:"budgets"`
	Without  []Variant  `json:"without"` // variants that are taken away
}

// Demand is another demand: a value in the signal's unit, or a factor on what is planned for. Without a model it is that of all models,
// and without a signal that of all signals.
type Demand struct {
	Model  string   `json:"model"`
	Signal string   `json:"signal"`
	Value  *float64 `json:"value"`
	Factor *float64 `json:"factor"`
}

// Cost is another cost of a replica, in currency per hour.
type Cost struct {
	Model   string  `json:"model"`
	Variant string  `json:"variant"`
	Cost    float64 `json:"cost"`
}

// Replicas are other bounds on the replicas of a variant. What is null stays.
type Replicas struct {
	Model   string `json:"model"`
	Variant string `json:"variant"`
	Min     *int   `json:"min"`
	Max     *int   `json:"max"`
}

// Budget is another limit, in the budget's unit.
type Budget struct {
	Budget string  `json:"budget"`
	Limit  float64 `json:"limit"`
}

// Variant is a variant of a model.
type Variant struct {
	Model   string `json:"model"`
	Variant string `json:"variant"`
}

// maxChanges bounds how much one question changes.
const maxChanges = 1000

// errNoPlan is a snapshot without a problem to change.
var errNoPlan = errors.New("there is no plan to compare with: /api/v1/explain says what is missing")

// InvalidError says what is wrong with a question.
type InvalidError struct{ text string }

// Error implements error.
func (e *InvalidError) Error() string { return e.text }

func invalid(format string, args ...any) error { return &InvalidError{fmt.Sprintf(format, args...)} }

// Ask answers a question about a snapshot. interrupt ends the search for a better plan. The error is an *InvalidError where the question
// is at fault.
func Ask(s *collector.Snapshot, q *Question, interrupt func() bool) (*Answer, error) {
	if s.Plan.Error != "" || len(s.Problem.Models) == 0 {
		return nil, errNoPlan
	}
	if n := len(q.Demand) + len(q.Costs) + len(q.Replicas) + len(q.Budgets) + len(q.Without); n > maxChanges {
		return nil, invalid("%d changes at once: at most %d", n, maxChanges)
	}
	c := newChange(s)
	if err := c.apply(q); err != nil {
		return nil, err
	}
	plan, err := optimizer.Solve(c.problem, optimizer.Options{Interrupt: interrupt})
	if err != nil {
		return nil, fmt.Errorf("plan again: %w", err)
	}
	return c.answer(&plan, plan.Status != optimizer.StatusOptimal && interrupt()), nil
}

// change is a problem that is being changed.
type change struct {
	*collector.Snapshot
	problem optimizer.Problem
	costs   [][]float64 // of a replica, by model and variant; NaN where it is not known
}

// newChange copies what may be changed.
func newChange(s *collector.Snapshot) *change {
	c := &change{Snapshot: s, problem: optimizer.Problem{Budgets: slices.Clone(s.Problem.Budgets)}}
	for i, m := range s.Problem.Models {
		m.Demand, m.Variants = maps.Clone(m.Demand), slices.Clone(m.Variants)
		c.problem.Models = append(c.problem.Models, m)
		var costs []float64
		for j := range s.Models[i].Variants {
			cost := math.NaN()
			if known := s.Models[i].Variants[j].Cost; known != nil {
				cost = *known
			}
			costs = append(costs, cost)
		}
		c.costs = append(c.costs, costs)
	}
	return c
}

// apply makes the changes in the order in which a question lists them.
func (c *change) apply(q *Question) error {
	for _, d := range q.Demand {
		if err := c.demand(d); err != nil {
			return err
		}
	}
	for _, x := range q.Costs {
		if err := c.cost(x); err != nil {
			return err
		}
	}
	for _, r := range q.Replicas {
		if err := c.replicas(r); err != nil {
			return err
		}
	}
	for _, b := range q.Budgets {
		if err := c.budget(b); err != nil {
			return err
		}
	}
	for _, v := range q.Without {
		variant, _, _, err := c.variant(v.Model, v.Variant)
		if err != nil {
			return err
		}
		none := 0
		variant.Min, variant.Max = 0, &none
	}
	return nil
}

// within reports whether a number is one that the planner takes.
func within(x float64) bool { return x >= 0 && x <= match.MaxValue }

func (c *change) demand(d Demand) error {
	if err := d.check(); err != nil {
		return err
	}
	found := d.Model == "" && d.Signal == "" // of all models, be there any demand or not
	for i := range c.problem.Models {
		m := &c.problem.Models[i]
		for name, now := range m.Demand {
			if d.Model != "" && d.Model != m.Name || d.Signal != "" && d.Signal != name {
				continue
			}
			found = true
			if d.Value != nil {
				m.Demand[name] = *d.Value
			} else {
				m.Demand[name] = min(now**d.Factor, match.MaxValue)
			}
		}
	}
	if !found {
		return invalid("no demand is planned for of model %q, signal %q", d.Model, d.Signal)
	}
	return nil
}

// check says what is wrong with a change of demand in itself.
func (d *Demand) check() error {
	switch {
	case (d.Value == nil) == (d.Factor == nil):
		return invalid("a change of demand needs either value or factor")
	case d.Value != nil && !within(*d.Value):
		return invalid("a demand of %v: want a number from 0 to %v", *d.Value, match.MaxValue)
	case d.Factor != nil && !(*d.Factor >= 0 && *d.Factor <= 1e6):
		return invalid("a factor of %v: want a number from 0 to 1000000", *d.Factor)
	case d.Value != nil && (d.Model == "" || d.Signal == ""):
		return invalid("a demand of %v: say of which model and signal; a factor may be that of all", *d.Value)
	}
	return nil
}

func (c *change) cost(x Cost) error {
	v, i, j, err := c.variant(x.Model, x.Variant)
	if err != nil {
		return err
	}
	if !within(x.Cost) {
		return invalid("a cost of %v: want a number from 0 to %v", x.Cost, match.MaxValue)
	}
	// A start is priced by the replica's cost, and while a model wakes its cost is that of waiting: both change in proportion.
	if before := c.costs[i][j]; before > 0 {
		v.StartCost, v.Cost = min(v.StartCost*x.Cost/before, match.MaxValue), min(v.Cost*x.Cost/before, match.MaxValue)
	} else {
		v.Cost = x.Cost
	}
	c.costs[i][j] = x.Cost
	return nil
}

func (c *change) replicas(r Replicas) error {
	v, _, _, err := c.variant(r.Model, r.Variant)
	if err != nil {
		return err
	}
	const most = 1_000_000
	for _, n := range []*int{r.Min, r.Max} {
		if n != nil && (*n < 0 || *n > most) {
			return invalid("%d replicas: want a number from 0 to %d", *n, most)
		}
	}
	if r.Min != nil {
		v.Min = *r.Min
	}
	if r.Max != nil {
		v.Max = r.Max
		if r.Min == nil {
			v.Min = min(v.Min, *r.Max) // What guards keep is not asked about.
		}
	}
	if v.Max != nil && v.Min > *v.Max {
		return invalid("variant %s of %s: a minimum of %d is above the maximum of %d", r.Variant, r.Model, v.Min, *v.Max)
	}
	return nil
}

func (c *change) budget(x Budget) error {
	if !within(x.Limit) {
		return invalid("a limit of %v: want a number from 0 to %v", x.Limit, match.MaxValue)
	}
	for i := range c.problem.Budgets {
		if c.problem.Budgets[i].Name == x.Budget {
			c.problem.Budgets[i].Limit = x.Limit
			return nil
		}
	}
	return invalid("there is no budget %q, or its limit is not known", x.Budget)
}

// variant finds a variant of the problem, and its place.
func (c *change) variant(model, name string) (v *optimizer.Variant, i, j int, err error) {
	for i := range c.problem.Models {
		m := &c.problem.Models[i]
		if m.Name != model {
			continue
		}
		for j := range m.Variants {
			if m.Variants[j].Name == name {
				return &m.Variants[j], i, j, nil
			}
		}
		return nil, 0, 0, invalid("model %q has no variant %q", model, name)
	}
	return nil, 0, 0, invalid("there is no model %q: want namespace/name", model)
}
