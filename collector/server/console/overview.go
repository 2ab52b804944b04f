package console

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/past"
)

// Overview is all models at one moment.
type Overview struct {
	Snapshot *collector.Snapshot
	Record   *past.Record        // nil where the past is not known
	Findings []collector.Finding // of what is not wholly known
}

// overviewPage is what its template shows.
type overviewPage struct {
	Frame
	Causes    []cause
	Attention []explain.Attention
	More      int
	Plan      collector.Plan
	Costs     costs
	Budgets   []budgetBar
	Models    []modelRow
	Progress  *progress
}

// cause is why inputs fail, once for all that fail alike.
type cause struct {
	Text   string
	Inputs int
}

// costs are in currency per hour.
type costs struct {
	Now, Planned, Single *float64
	Starting             *float64
	Left                 int // models that no variant alone can serve, which count as planned
}

// budgetBar is a budget with the length of its bar.
type budgetBar struct {
	collector.Budget
	Share float64 // of the limit, from 0 to 1
	Full  bool    // no room is left, or the minimums exceed it
	Text  string  // used of the limit
	Note  string
}

// modelRow is a model in a line.
type modelRow struct {
	ID, Name, Namespace string
	State               state
	Demand, Supply      string
	Unit                string
	Spark               template.HTML
	Variants            []variantCell
	Now, Planned        *float64 // currency per hour
	Moves               bool     // the plan costs another amount
}

// variantCell is what a model runs of a variant.
type variantCell struct {
	Name    string
	Ready   *int
	Desired *int
	Moves   bool // desired is not what is ready
}

// Overview writes the page of all models.
func (c *Console) Overview(w io.Writer, l Look, o *Overview) error {
	e := explain.New(o.Snapshot)
	p := &overviewPage{Frame: c.newFrame("Overview", "", l, e), Plan: e.Plan, Causes: causesOf(e.Inputs), Progress: progressOf(o.Record)}
	p.Summary = unsaid(p.Summary, p.Causes)
	if p.Progress != nil {
		p.Progress.Text = unsaid(p.Progress.Text, p.Causes)
	}
	record, _ := known(o.Record)
	p.lookingBack(l)
	if e.NothingKnown() {
		p.Causes = []cause{{Text: "no result. Prometheus has no data of this time, or nothing that is asked for.", Inputs: len(e.Inputs)}}
	}
	down := len(p.Causes) > 0 && p.Causes[0].Inputs == len(e.Inputs)
	if p.Attention, p.More = e.Attention(); down {
		p.Attention, p.More = nil, 0 // It is all for one reason, which has been said.
	}
	for i := range p.Attention {
		if a := &p.Attention[i]; planned(o.Snapshot)(a.Index) > 0 {
			a.Trouble = shortText(o.Snapshot, a.Index, explain.Percent(*o.Snapshot.Models[a.Index].Shortfall))
		}
		p.Attention[i].Trouble += foundOf(o.Findings, p.Attention[i].ID, "")
	}
	p.Costs = costsOf(o.Snapshot, e)
	for _, b := range e.Budgets {
		p.Budgets = append(p.Budgets, barOf(o.Snapshot, b))
	}
	for i := range e.Models {
		row := rowOf(o.Snapshot, record, e, i)
		if down && row.State.Severity == explain.SeverityError {
			row.State.Text = "no input has an answer"
		}
		p.Models = append(p.Models, row)
	}
	return c.write(w, "overview", p)
}

// progress is how far the past has been worked out.
type progress struct {
	Text string
	More bool // the rest follows in a moment
}

// progressOf says how far the past has been worked out; nil where it has.
func progressOf(r *past.Record) *progress {
	switch {
	case r == nil || r.Complete:
		return nil
	case r.Err != nil:
		return &progress{Text: "The last steps are missing: " + r.Err.Error() + "."}
	}
	return &progress{fmt.Sprintf("The past is being worked out: %d of %d steps.", len(r.Points), r.Steps()), true}
}

// causesOf groups the inputs that fail by how they fail, the most first.
func causesOf(inputs []collector.Input) []cause {
	var all []cause
	at := map[string]int{}
	for i := range inputs {
		in := &inputs[i]
		if in.Failure == "" {
			continue
		}
		key := string(in.Failure)
		if _, ok := at[key]; !ok {
			at[key] = len(all)
			all = append(all, cause{Text: in.Error})
		}
		all[at[key]].Inputs++
	}
	slices.SortStableFunc(all, func(a, b cause) int { return b.Inputs - a.Inputs })
	return all
}

// unsaid is a text without the causes that the page says in a place of their own.
func unsaid(text string, causes []cause) string {
	for _, c := range causes {
		text = strings.ReplaceAll(text, ": "+c.Text, "")
	}
	return text
}

func costsOf(s *collector.Snapshot, e *explain.Explanation) costs {
	c := costs{Now: s.CostNow(), Planned: s.Plan.Cost}
	if s.Plan.Cost == nil {
		return c
	}
	single, starting := 0.0, 0.0
	for i := range e.Models {
		switch best := explain.BestSingle(s, i); {
		case best != nil:
			single += best.Cost
		case e.Models[i].Cost != nil:
			single += *e.Models[i].Cost
			c.Left++
		case s.Models[i].CostNow() != nil: // The plan keeps what nothing is known about as it is.
			single += *s.Models[i].CostNow()
			c.Left++
		}
		if e.Models[i].StartCost != nil {
			starting += *e.Models[i].StartCost
		}
	}
	c.Single = &single
	if starting > 0 {
		c.Starting = &starting
	}
	return c
}

func barOf(s *collector.Snapshot, b collector.Budget) budgetBar {
	bar := budgetBar{Budget: b, Text: explain.Number(b.Used) + " of " + explain.Number(b.Limit) + " " + b.Unit}
	switch {
	case b.Limit == nil:
		bar.Text, bar.Note = "limit not known", "Its limit is not known, so no variant that uses it is decided."
	case b.Used == nil:
		bar.Text = "limit " + explain.Number(b.Limit) + " " + b.Unit
	case *b.Limit > 0:
		bar.Share = min(1, *b.Used / *b.Limit)
	}
	switch {
	case b.Exceeded:
		bar.Full, bar.Note = true, "Minimums alone exceed the limit."
	case b.ShadowPrice != nil && *b.ShadowPrice > 0:
		bar.Full, bar.Note = true, "Nothing is left: one more would save "+explain.Money(b.ShadowPrice)+" per hour."
	case b.Limit != nil && b.Used != nil && *b.Limit > 0 && full(*b.Used, *b.Limit):
		bar.Full, bar.Note = true, "Nothing is left."
		if names := lacking(s, b.Name, planned(s)); len(names) > 0 {
			bar.Note = "Nothing is left for " + firstOf(names) + "."
		}
	}
	return bar
}

func rowOf(s *collector.Snapshot, r *past.Record, e *explain.Explanation, i int) modelRow {
	m := &e.Models[i]
	row := modelRow{
		ID: m.ID(), Name: m.Name, Namespace: m.Namespace, State: stateOf(s, i, m), Now: s.Models[i].CostNow(), Planned: m.Cost,
		Demand: explain.Number(nil), Supply: explain.Number(nil),
	}
	row.Moves = row.Planned != nil && explain.Money(row.Planned) != explain.Money(row.Now)
	if j := leading(m); j >= 0 {
		x := &m.Signals[j]
		row.Demand, row.Supply, row.Unit = explain.Number(x.Measured), explain.Number(x.Ready), x.Unit
		row.Spark = sparkline(r, i, j, x.Unit)
	}
	for j := range m.Variants {
		v := &m.Variants[j]
		if orZero(v.Desired) > 0 || orZero(v.Current) > 0 || orZero(v.Ready) > 0 || !v.Up {
			moves := v.Desired != nil && v.Ready != nil && *v.Desired != *v.Ready
			row.Variants = append(row.Variants, variantCell{v.Name, v.Ready, v.Desired, moves})
		}
	}
	return row
}

func orZero(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// leading is the place of the signal that a model is best known by: the one that decides, or else the first; -1 for none.
func leading(m *explain.Model) int {
	for j := range m.Signals {
		if m.Signals[j].Name == m.Binding {
			return j
		}
	}
	return min(0, len(m.Signals)-1)
}

// state is how a model is, in a word and in full.
type state struct {
	Severity explain.Severity
	Word     string
	Text     string
}

// stateOf says what matters most about a model.
func stateOf(s *collector.Snapshot, index int, m *explain.Model) state {
	for i := range m.Variants {
		if m.Variants[i].Desired == nil {
			return state{explain.SeverityError, "no number", lack(&m.Variants[i])}
		}
	}
	if m.Shortfall != nil && *m.Shortfall > 0 {
		return state{explain.SeverityError, "short", shortText(s, index, explain.Percent(*m.Shortfall))}
	}
	for i := range m.Signals {
		s := &m.Signals[i]
		if s.Measured != nil && s.Ready != nil && *s.Ready < *s.Measured {
			return state{explain.SeverityWarning, "behind", "ready replicas serve " + explain.Number(s.Ready) + " of " + explain.Number(s.Measured) + " " + s.Unit}
		}
	}
	for i := range m.Variants {
		if v := &m.Variants[i]; !v.Up {
			return state{explain.SeverityWarning, "partly known", lack(v)}
		}
	}
	return movement(m)
}

// lack is what is missing about a variant.
func lack(v *explain.Variant) string { return v.Name + ": " + explain.Lack(v.Name, v.Missing) }

// movement is what is under way for a model of which all is well.
func movement(m *explain.Model) state {
	var starting, held, draining int
	for i := range m.Variants {
		s := past.StatesOf(&m.Variants[i].Variant)
		if math.IsNaN(s.Serving) {
			continue
		}
		starting, held, draining = starting+int(s.Starting), held+int(s.Held), draining+int(s.Draining)
	}
	var parts []string
	if starting > 0 {
		parts = append(parts, fmt.Sprintf("%d starting", starting))
	}
	if held > 0 {
		parts = append(parts, fmt.Sprintf("%d held for a swap", held))
	}
	if draining > 0 {
		parts = append(parts, fmt.Sprintf("%d draining", draining))
	}
	switch {
	case held > 0:
		return state{explain.SeverityOK, "swap", strings.Join(parts, ", ")}
	case len(parts) > 0:
		return state{explain.SeverityOK, "moving", strings.Join(parts, ", ")}
	}
	return state{explain.SeverityOK, "ok", "served as planned"}
}
