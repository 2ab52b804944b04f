package console

import (
	"math"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/chart"
	"github.com/variant-exporter/variant-exporter/collector/past"
)

func newChart(id, title, unit string, r *past.Record) chart.Chart {
	c := chart.Chart{ID: id, Title: title, Unit: unit, From: r.From.Unix(), To: r.To.Unix(), Times: []int64{}}
	for _, at := range r.Times() {
		c.Times = append(c.Times, at.Unix())
	}
	return c
}

// signalChart is demand against supply.
func signalChart(id string, r *past.Record, model, signal int, s *collector.Signal) chart.Chart {
	of := func(number func(*past.Signal) float64) chart.Values {
		return chart.Values(r.Signal(model, signal, number))
	}
	c := newChart(id, "Demand and supply of "+s.Name, s.Unit, r)
	c.Add(chart.Line{Label: "ready supply", Color: "supply", Fill: true, Step: true, Values: of(func(s *past.Signal) float64 { return s.Ready })})
	c.Add(chart.Line{Label: "planned supply", Color: "plan", Dash: true, Step: true, Values: of(func(s *past.Signal) float64 { return s.Supply })})
	c.Add(chart.Line{Label: "planned demand", Color: "planned", Values: of(func(s *past.Signal) float64 { return s.Planned })})
	c.Add(chart.Line{Label: "stabilized", Color: "held", Step: true, Values: of(func(s *past.Signal) float64 { return s.Stabilized })})
	c.Add(chart.Line{Label: "forecast", Color: "forecast", Dash: true, Values: of(func(s *past.Signal) float64 { return s.Forecast })})
	c.Add(chart.Line{Label: "measured", Color: "demand", Values: of(func(s *past.Signal) float64 { return s.Measured })})
	c.Text = sparkText(r, of(func(s *past.Signal) float64 { return s.Measured }), of(func(s *past.Signal) float64 { return s.Ready }), s.Unit)
	return c
}

// replicasChart is the replicas of a variant by state.
func replicasChart(id string, r *past.Record, model, variant int, v *collector.Variant) chart.Chart {
	of := func(number func(*past.Variant) float64) chart.Values {
		return chart.Values(r.Variant(model, variant, number))
	}
	c := newChart(id, "Replicas of "+v.Name, "replicas", r)
	c.Stack, c.Whole, c.Low = true, true, true
	for _, state := range []chart.Line{
		{Label: "serving", Color: "serving", Values: of(func(v *past.Variant) float64 { return v.Serving })},
		{Label: "held for a swap", Color: "kept", Values: of(func(v *past.Variant) float64 { return v.Held })},
		{Label: "starting", Color: "starting", Values: of(func(v *past.Variant) float64 { return v.Starting })},
		{Label: "draining", Color: "draining", Values: of(func(v *past.Variant) float64 { return v.Draining })},
	} {
		if state.Fill, state.Step = true, true; greatest(state.Values) > 0 {
			c.Add(state)
		}
	}
	c.Add(chart.Line{Label: "desired", Color: "planned", Step: true, Values: of(func(v *past.Variant) float64 { return v.Desired })})
	c.Text = "Desired replicas over the last " + r.Range.Name + ": " + between(of(func(v *past.Variant) float64 { return v.Desired }))
	return c
}

// latencyChart is what was observed against its target.
func latencyChart(id string, r *past.Record, l *past.Latency) chart.Chart {
	c := newChart(id, l.Title, "s", r)
	c.Low = true
	values := l.Values[:min(len(l.Values), len(c.Times))]
	c.Add(chart.Line{Label: quantileText(l.Quantile), Color: "demand", Values: chart.Values(values)})
	if l.Target != nil {
		target := make(chart.Values, len(values))
		for i := range target {
			target[i] = *l.Target
		}
		c.Add(chart.Line{Label: "target", Color: "target", Dash: true, Values: target})
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
