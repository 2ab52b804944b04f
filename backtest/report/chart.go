package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/chart"
)

// course is what the charts of a policy have in common.
type course struct {
	*Timeline
	policy int // its place among those that are shown
	drawn  int // charts so far
	end    time.Duration
	marks  []chart.Mark
}

func wholeSeconds(d time.Duration) int64 { return int64(d / time.Second) }

// draw draws lines since the beginning of the course.
func (c *course) draw(title, unit string, lines ...chart.Line) chart.Chart {
	steps := 0
	out := chart.Chart{
		ID: fmt.Sprintf("chart-%d-%d", c.policy, c.drawn), Title: title, Unit: unit, Since: true, To: wholeSeconds(c.end), Marks: c.marks,
	}
	for _, l := range lines {
		steps = max(steps, len(l.Values))
		l.Step = true
		out.Add(l)
	}
	for i := range steps {
		out.Times = append(out.Times, wholeSeconds(time.Duration(i)*c.Step))
	}
	if end := wholeSeconds(c.end); steps > 0 && out.Times[steps-1] < end { // The last step lasts until then.
		out.Times = append(out.Times, end)
		for i := range out.Series {
			values := out.Series[i].Values
			out.Series[i].Values = append(slices.Clip(values), values[len(values)-1])
		}
	}
	c.drawn++
	return out
}

// charts show what came, what it met, and what it cost.
func (c *course) charts() []chart.Chart {
	var all []chart.Chart
	for i := range c.Models {
		all = append(all, c.service(&c.Models[i])...)
	}
	for i := range c.Variants {
		all = append(all, c.replicas(&c.Variants[i]))
	}
	cost := c.draw("Cost per hour", "", chart.Line{Label: "cost", Color: "held", Values: c.Cost, Fill: true})
	cost.Low = true
	all = append(all, cost)
	for i := range all {
		all[i].Thin()
	}
	return all
}

// service is the load and the service of a model.
func (c *course) service(m *ModelCourse) []chart.Chart {
	missed := make([]float64, len(m.Attained))
	for i, v := range m.Attained {
		missed[i] = 100 * (1 - v)
	}
	outside := c.draw(m.ID+": requests outside the targets", "%", chart.Line{Label: "missed", Color: "target", Values: missed, Fill: true})
	between := c.draw(m.ID+": time between tokens", "ms", withTarget(1000*m.TargetITL, chart.Line{Label: "p95", Color: "forecast", Values: scaled(m.ITL95, 1000)})...)
	outside.Low, between.Low = true, true
	return []chart.Chart{
		c.draw(m.ID+": requests", "per second",
			chart.Line{Label: "ready replicas can carry", Color: "supply", Values: m.Carried, Fill: true},
			chart.Line{Label: "arrived", Color: "demand", Values: m.Rate}),
		outside,
		c.draw(m.ID+": time to first token", "s", withTarget(m.TargetTTFT,
			chart.Line{Label: "p95", Color: "forecast", Values: m.TTFT95}, chart.Line{Label: "median", Color: "demand", Values: m.TTFT50})...),
		between,
	}
}

// replicas are those of a variant by state.
func (c *course) replicas(v *VariantCourse) chart.Chart {
	out := c.draw("Replicas of "+v.ID, "replicas",
		chart.Line{Label: "ready", Color: "serving", Values: v.Ready, Fill: true},
		chart.Line{Label: "loading", Color: "starting", Values: v.Starting, Fill: true},
		chart.Line{Label: "without a place", Color: "pending", Values: v.Pending, Fill: true},
		chart.Line{Label: "draining", Color: "draining", Values: v.Draining, Fill: true},
		chart.Line{Label: "desired", Color: "planned", Values: v.Desired})
	out.Stack, out.Whole, out.Low = true, true, true
	return out
}

// withTarget adds a line at a target, where there is one.
func withTarget(target float64, lines ...chart.Line) []chart.Line {
	if target <= 0 || len(lines) == 0 {
		return lines
	}
	values := make(chart.Values, len(lines[0].Values))
	for i := range values {
		values[i] = target
	}
	return append(lines, chart.Line{Label: "target", Color: "target", Values: values, Dash: true})
}

func scaled(values []float64, by float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = by * v
	}
	return out
}

// short writes a time as 2d, 1h30m or 45s.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == 0:
		return "0"
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d >= day:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.Round(time.Second).String()
	}
}
