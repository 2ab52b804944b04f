package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
)

//go:embed page.tmpl
var pageTemplate string

// The heights of charts, in the units of their drawing.
const (
	tall  = 200
	small = 130
)

// page is what the template shows.
type page struct {
	Scenario, Length, Warmup string
	Titles                   []string
	Rows                     []shownRow
	Expect                   []shownExpectation
	Failed                   int
	Events                   []shownEvent
	Policies                 []shownPolicy
	Notes                    []string
}

type shownRow struct {
	Name  string
	Cells []string
}

type shownExpectation struct {
	What, Found string
	Holds       bool
}

type shownEvent struct{ At, For, What string }

type shownPolicy struct {
	Name   string
	Open   bool
	Charts []chart
}

// WriteHTML writes a page with the scorecard and the course of every policy over time. It needs nothing else to be shown.
func WriteHTML(w io.Writer, r *Result) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("read the page's template: %w", err)
	}
	p := page{Scenario: r.Scenario, Length: short(r.Duration), Notes: r.Notes}
	if r.Warmup > 0 {
		p.Warmup = short(r.Warmup)
	}
	for _, c := range shown() {
		p.Titles = append(p.Titles, c.title)
	}
	for _, e := range r.Expect {
		p.Expect = append(p.Expect, shownExpectation{e.What, e.Found, e.Holds})
		if !e.Holds {
			p.Failed++
		}
	}
	for _, e := range r.Events {
		shown := shownEvent{At: short(e.At), What: e.What}
		if e.For > 0 {
			shown.For = short(e.For)
		}
		p.Events = append(p.Events, shown)
	}
	for i := range r.Policies {
		p.add(r, &r.Policies[i])
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func (p *page) add(r *Result, policy *Policy) {
	row := shownRow{Name: policy.Name}
	for _, c := range shown() {
		row.Cells = append(row.Cells, c.cell(policy))
	}
	p.Rows = append(p.Rows, row)
	if policy.Timeline == nil {
		return
	}
	c := canvas{r.Duration, r.Events}
	p.Policies = append(p.Policies, shownPolicy{policy.Name, len(p.Policies) == 0, charts(c, policy.Timeline)})
}

// charts shows what came, what it met, and what it cost.
func charts(c canvas, t *Timeline) []chart {
	var all []chart
	for i := range t.Models {
		all = append(all, modelCharts(c, &t.Models[i])...)
	}
	for i := range t.Variants {
		v := &t.Variants[i]
		drawn := c.draw(v.ID+": replicas", small, states(v))
		drawn.States = true
		all = append(all, drawn)
	}
	return append(all, c.draw("Cost per hour", small, []plotted{{"cost", "cost", t.Cost, true}}))
}

func modelCharts(c canvas, m *ModelCourse) []chart {
	missed := make([]float64, len(m.Attained))
	for i, v := range m.Attained {
		missed[i] = 100 * (1 - v)
	}
	all := []chart{
		c.draw(m.ID+": requests per second", tall, []plotted{
			{"arrived", "load", m.Rate, true}, {"ready replicas can carry", "ready", m.Carried, false},
		}),
		c.draw(m.ID+": percent of requests outside the targets", small, []plotted{{"missed", "missed", missed, true}}),
		c.draw(m.ID+": time to first token, seconds", tall, target(m.TargetTTFT, []plotted{
			{"95 percent", "late", m.TTFT95, false}, {"median", "middle", m.TTFT50, false},
		})),
	}
	return append(all, c.draw(m.ID+": time between tokens, milliseconds", small, target(1000*m.TargetITL, []plotted{
		{"95 percent", "late", scaled(m.ITL95, 1000), false},
	})))
}

// target adds a line at the target, where there is one.
func target(value float64, series []plotted) []plotted {
	if value <= 0 {
		return series
	}
	return append(series, plotted{"target", "target", []float64{value}, false})
}

func scaled(values []float64, by float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = by * v
	}
	return out
}

// states stacks the replicas of a variant by state. The tallest area is drawn first, and the others over it.
func states(v *VariantCourse) []plotted {
	layers := []plotted{
		{"ready", "ready", v.Ready, true},
		{"loading", "starting", v.Starting, true},
		{"without a place", "pending", v.Pending, true},
		{"draining", "draining", v.Draining, true},
	}
	sum := make([]float64, len(v.Ready))
	for i := range layers {
		for j := range sum {
			if j < len(layers[i].values) && !math.IsNaN(layers[i].values[j]) {
				sum[j] += layers[i].values[j]
			}
		}
		layers[i].values = append([]float64(nil), sum...)
	}
	stack := []plotted{layers[3], layers[2], layers[1], layers[0]}
	return append(stack, plotted{"desired", "desired", v.Desired, false})
}
