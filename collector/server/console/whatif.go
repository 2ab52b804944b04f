package console

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/whatif"
)

// WhatIf is a question about one model and all budgets, and its answer.
type WhatIf struct {
	Snapshot *collector.Snapshot
	Model    string         // namespace/name; empty for the first
	Form     url.Values     // as it was filled in
	Answer   *whatif.Answer // nil where nothing was asked
	Err      error          // why there is no answer
}

type whatIfPage struct {
	Frame
	Models   []string
	Model    string
	Demand   []field
	All      field // factor on the demand of all models
	Variants []variantFields
	Budgets  []field
	Answer   *whatif.Answer
	Chosen   *whatif.ModelAnswer
	Others   []whatif.ModelAnswer // that change too
	Error    string
	Worth    []budgetWorth
	Asked    bool
	Single   bool // there is only one model
}

// budgetWorth is a budget with what one more of it would do.
type budgetWorth struct {
	whatif.BudgetAnswer
	Before, After string
}

// field is a field of the form: what it is now, and what was filled in.
type field struct {
	Name, Label, Unit string
	Now               string
	Value             string
}

// variantFields are the fields of a variant.
type variantFields struct {
	Name        string
	Accelerator string
	Cost, Max   field
	Without     field
	Gone        bool
	Planned     *int
}

// The names of the form's fields begin with these, followed by the name of a signal, variant or budget.
const (
	fieldDemand, fieldCost, fieldMax = "demand.", "cost.", "max."
	fieldWithout, fieldBudget        = "without.", "budget."
	fieldAll                         = "all"
)

// Question reads the form of the what-if page. Fields that are empty, or as they were, change nothing.
func Question(model string, form url.Values) (q *whatif.Question, asked bool, err error) {
	q = &whatif.Question{}
	if factor, given, err := formNumber(form, fieldAll); err != nil {
		return nil, true, err
	} else if given {
		q.Demand = append(q.Demand, whatif.Demand{Factor: &factor})
	}
	for name := range form {
		if err := readField(q, model, form, name); err != nil {
			return nil, true, err
		}
	}
	asked = len(q.Demand)+len(q.Costs)+len(q.Replicas)+len(q.Budgets)+len(q.Without) > 0
	return q, asked, nil
}

func readField(q *whatif.Question, model string, form url.Values, name string) error {
	if variant, ok := strings.CutPrefix(name, fieldWithout); ok {
		if form.Get(name) != "" {
			q.Without = append(q.Without, whatif.Variant{Model: model, Variant: variant})
		}
		return nil
	}
	kind, of, _ := strings.Cut(name, ".")
	kind += "."
	if kind != fieldDemand && kind != fieldCost && kind != fieldMax && kind != fieldBudget {
		return nil
	}
	value, given, err := formNumber(form, name)
	if err != nil || !given {
		return err
	}
	switch kind {
	case fieldDemand:
		q.Demand = append(q.Demand, whatif.Demand{Model: model, Signal: of, Value: &value})
	case fieldCost:
		q.Costs = append(q.Costs, whatif.Cost{Model: model, Variant: of, Cost: value})
	case fieldMax:
		n := int(value)
		if float64(n) != value {
			return fmt.Errorf("a maximum of %v: want a whole number", value)
		}
		q.Replicas = append(q.Replicas, whatif.Replicas{Model: model, Variant: of, Max: &n})
	case fieldBudget:
		q.Budgets = append(q.Budgets, whatif.Budget{Budget: of, Limit: value})
	}
	return nil
}

// formNumber reads a field that may be empty.
func formNumber(form url.Values, name string) (value float64, given bool, err error) {
	text := strings.TrimSpace(form.Get(name))
	if text == "" {
		return 0, false, nil
	}
	value, err = strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, true, fmt.Errorf("%q is not a number", text)
	}
	return value, true, nil
}

// WhatIf writes the page of a question.
func (c *Console) WhatIf(w io.Writer, l Look, o *WhatIf) error {
	e := explain.New(o.Snapshot)
	p := &whatIfPage{Frame: c.newFrame("What if", "what-if", l, e), Answer: o.Answer, Asked: o.Answer != nil}
	p.Refresh = 0 // what was filled in stays
	if o.Err != nil {
		p.Error = capital(o.Err.Error())
	}
	chosen := 0
	for i := range e.Models {
		p.Models = append(p.Models, e.Models[i].ID())
		if e.Models[i].ID() == o.Model {
			chosen = i
		}
	}
	p.Single = len(p.Models) == 1
	if len(e.Models) > 0 {
		p.fill(o, &e.Models[chosen], chosen)
	}
	p.answer(o, chosen)
	return c.write(w, "whatif", p)
}

// fill makes the fields of the form.
func (p *whatIfPage) fill(o *WhatIf, m *explain.Model, index int) {
	filled := func(name, label, unit, now string) field { return field{name, label, unit, now, o.Form.Get(name)} }
	p.Model = m.ID()
	p.Hidden = []Link{{"model", p.Model}}
	p.All = filled(fieldAll, "Demand of all models", "times", "1")
	for i := range m.Signals {
		if s := &m.Signals[i]; s.Planned != nil {
			p.Demand = append(p.Demand, filled(fieldDemand+s.Name, s.Name, s.Unit, explain.Number(s.Planned)))
		}
	}
	for i := range m.Variants {
		v := &m.Variants[i]
		row := variantFields{Name: v.Name, Accelerator: v.Accelerator, Planned: v.Planned, Cost: filled(fieldCost+v.Name, v.Name, "per hour", explain.Money(v.Cost))}
		limit := "no limit"
		if index < len(o.Snapshot.Problem.Models) && o.Snapshot.Problem.Models[index].Variants[i].Max != nil {
			limit = strconv.Itoa(*o.Snapshot.Problem.Models[index].Variants[i].Max)
		}
		row.Max = filled(fieldMax+v.Name, v.Name, "replicas", limit)
		row.Without = filled(fieldWithout+v.Name, v.Name, "", "")
		row.Gone = row.Without.Value != ""
		p.Variants = append(p.Variants, row)
	}
	for i := range o.Snapshot.Budgets {
		if b := &o.Snapshot.Budgets[i]; b.Limit != nil {
			p.Budgets = append(p.Budgets, filled(fieldBudget+b.Name, b.Name, b.Unit, explain.Number(b.Limit)))
		}
	}
}

// maxOthers bounds how many other models are listed.
const maxOthers = 20

func (p *whatIfPage) answer(o *WhatIf, chosen int) {
	a := o.Answer
	if a == nil {
		return
	}
	for i := range a.Models {
		switch m := &a.Models[i]; {
		case i == chosen:
			p.Chosen = m
		case m.Changed() && len(p.Others) < maxOthers:
			p.Others = append(p.Others, *m)
		}
	}
	for i := range a.Budgets {
		b := &a.Budgets[i]
		p.Worth = append(p.Worth, budgetWorth{
			BudgetAnswer: *b,
			Before:       worth(o.Snapshot, b, b.Used.Before, b.Limit.Before, b.ShadowPrice.Before, func(i int) float64 { return a.Models[i].Shortfall.Before }),
			After:        worth(o.Snapshot, b, b.Used.After, b.Limit.After, b.ShadowPrice.After, func(i int) float64 { return a.Models[i].Shortfall.After }),
		})
	}
}

// worth is what one more of a budget would do: save cost, or serve a model that is short.
func worth(s *collector.Snapshot, b *whatif.BudgetAnswer, used, limit, price float64, shortfall func(model int) float64) string {
	switch {
	case price > 0:
		return "saves " + explain.Money(&price) + " per hour"
	case full(used, limit) && len(lacking(s, b.Name, shortfall)) > 0:
		return "may serve more"
	}
	return "saves nothing"
}
