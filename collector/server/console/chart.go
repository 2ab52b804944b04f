package console

import (
	"math"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/past"
)

// Chart is what the script of a page draws, and the words for whoever does not see it.
type Chart struct {
	ID    string `json:"-"`
	Title string `json:"-"`
	Text  string `json:"-"` // what it shows, in a sentence

	Unit   string  `json:"unit"`
	From   int64   `json:"from"` // Unix seconds
	To     int64   `json:"to"`
	Times  []int64 `json:"times"`
	Series []Line  `json:"series"`
	Stack  bool    `json:"stack,omitempty"` // the series that are filled stand on each other, the first below
	Whole  bool    `json:"whole,omitempty"` // the numbers are whole
	Low    bool    `json:"low,omitempty"`   // a chart of little height
}

// Line is one of a chart's series. Its colour is a name of the style sheet's.
type Line struct {
	Label  string      `json:"label"`
	Color  string      `json:"color"`
	Values past.Column `json:"values"`
	Fill   bool        `json:"fill,omitempty"`
	Dash   bool        `json:"dash,omitempty"`
	Step   bool        `json:"step,omitempty"`
}

func newChart(id, title, unit string, r *past.Record) Chart {
	c := Chart{ID: id, Title: title, Unit: unit, From: r.From.Unix(), To: r.To.Unix(), Times: []int64{}}
	for _, at := range r.Times() {
		c.Times = append(c.Times, at.Unix())
	}
	return c
}

// add adds a series, unless nothing of it is known.
func (c *Chart) add(l Line) {
	if !math.IsNaN(greatest(l.Values)) {
		c.Series = append(c.Series, l)
	}
}

// signalChart is demand against supply.
func signalChart(id string, r *past.Record, model, signal int, s *collector.Signal) Chart {
	of := func(number func(*past.Signal) float64) past.Column { return r.Signal(model, signal, number) }
	c := newChart(id, "Demand and supply of "+s.Name, s.Unit, r)
	c.add(Line{Label: "ready supply", Color: "supply", Fill: true, Step: true, Values: of(func(s *past.Signal) float64 { return s.Ready })})
	c.add(Line{Label: "planned supply", Color: "plan", Dash: true, Step: true, Values: of(func(s *past.Signal) float64 { return s.Supply })})
	c.add(Line{Label: "planned demand", Color: "planned", Values: of(func(s *past.Signal) float64 { return s.Planned })})
	c.add(Line{Label: "held", Color: "held", Step: true, Values: of(func(s *past.Signal) float64 { return s.Stabilized })})
	c.add(Line{Label: "forecast", Color: "forecast", Dash: true, Values: of(func(s *past.Signal) float64 { return s.Forecast })})
	c.add(Line{Label: "measured", Color: "demand", Values: of(func(s *past.Signal) float64 { return s.Measured })})
	c.Text = sparkText(r, of(func(s *past.Signal) float64 { return s.Measured }), of(func(s *past.Signal) float64 { return s.Ready }), s.Unit)
	return c
}

// replicasChart is the replicas of a variant by state.
func replicasChart(id string, r *past.Record, model, variant int, v *collector.Variant) Chart {
	of := func(number func(*past.Variant) float64) past.Column { return r.Variant(model, variant, number) }
	c := newChart(id, "Replicas of "+v.Name, "replicas", r)
	c.Stack, c.Whole, c.Low = true, true, true
	for _, state := range []Line{
		{Label: "serving", Color: "serving", Values: of(func(v *past.Variant) float64 { return v.Serving })},
		{Label: "held for a swap", Color: "kept", Values: of(func(v *past.Variant) float64 { return v.Held })},
		{Label: "starting", Color: "starting", Values: of(func(v *past.Variant) float64 { return v.Starting })},
		{Label: "draining", Color: "draining", Values: of(func(v *past.Variant) float64 { return v.Draining })},
	} {
		if state.Fill, state.Step = true, true; greatest(state.Values) > 0 {
			c.add(state)
		}
	}
	c.add(Line{Label: "desired", Color: "planned", Step: true, Values: of(func(v *past.Variant) float64 { return v.Desired })})
	c.Text = "Desired replicas over the last " + r.Range.Name + ": " + between(of(func(v *past.Variant) float64 { return v.Desired }))
	return c
}

// latencyChart is what was observed against its target.
func latencyChart(id string, r *past.Record, l *past.Latency) Chart {
	c := newChart(id, l.Title, "s", r)
	c.Low = true
	values := l.Values[:min(len(l.Values), len(c.Times))]
	c.add(Line{Label: quantileText(l.Quantile), Color: "demand", Values: values})
	if l.Target != nil {
		target := make(past.Column, len(values))
		for i := range target {
			target[i] = *l.Target
		}
		c.add(Line{Label: "target", Color: "target", Dash: true, Values: target})
	}
	c.Text = l.Title + " over the last " + r.Range.Name + ": " + between(values) + " s"
	return c
}

func between(values []float64) string {
	most := greatest(values)
	if math.IsNaN(most) {
		return "not known"
	}
	least := -greatest(negated(values))
	if least == most {
		return plain(most)
	}
	return plain(least) + " to " + plain(most)
}
