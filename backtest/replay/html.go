package replay

import (
	_ "embed"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/chart"
)

//go:embed page.tmpl
var pageTemplate string

// page is what the template shows.
type page struct {
	From, To, Step string
	Steps          int
	Total          []shownLine
	Charts         []chart.Chart
	Models         []shownModel
	Notes          []string
}

type shownLine struct{ Name, Ran, Followed, Difference string }

type shownModel struct {
	Name                                                 string
	RanShort, RanLargest, FollowedShort, FollowedLargest string
	Variants                                             [][]string
	Charts                                               []chart.Chart
}

// WriteHTML writes a page with the comparison and its course over time, which needs nothing else to be shown.
func WriteHTML(w io.Writer, r *Result) error {
	t, err := chart.NewPage(pageTemplate)
	if err != nil {
		return err //nolint:wrapcheck // it says what it is
	}
	p := page{
		From: r.From.Format(time.DateTime), To: r.To.Format(time.DateTime), Step: shortDuration(r.StepSeconds), Steps: r.Steps,
		Charts: costCharts(r), Notes: r.Notes,
	}
	for _, l := range r.Total.lines() {
		p.Total = append(p.Total, shownLine{l.name, l.ran, l.followed, l.difference})
	}
	for i := range r.Models {
		p.Models = append(p.Models, showModel(r, i, &r.Models[i]))
	}
	if err := t.ExecuteTemplate(w, "page", p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// costCharts show what a moment cost, and what it all came to. A variant counts where both are known.
func costCharts(r *Result) []chart.Chart {
	var rate, sum [2][]float64
	for way := range 2 {
		rate[way], sum[way] = make([]float64, r.Steps), make([]float64, r.Steps)
	}
	for i := range r.Steps {
		for m := range r.Models {
			for j := range r.Models[m].Variants {
				v := &r.Models[m].Variants[j]
				if v.Cost[i] == nil || v.Current[i] == nil {
					continue
				}
				rate[ran][i] += *v.Cost[i] * float64(*v.Current[i])
				rate[wouldRun][i] += *v.Cost[i] * float64(*v.Followed[i])
			}
		}
		for way := range 2 {
			sum[way][i] = rate[way][i] * r.hours(1)
			if i > 0 {
				sum[way][i] += sum[way][i-1]
			}
		}
	}
	return []chart.Chart{
		newChart(r, "cost", "Cost per hour", "", bothWays(rate[ran], rate[wouldRun])),
		newChart(r, "sum", "Cost since the beginning", "", bothWays(sum[ran], sum[wouldRun])),
	}
}

// newChart draws lines over all steps.
func newChart(r *Result, id, title, unit string, lines []chart.Line) chart.Chart {
	c := chart.Chart{ID: id, Title: title, Unit: unit, From: r.From.Unix(), To: r.To.Unix()}
	for i := range r.Steps {
		c.Times = append(c.Times, r.From.Unix()+int64(float64(i)*r.StepSeconds))
	}
	for _, l := range lines {
		c.Add(l)
	}
	c.Thin()
	return c
}

func bothWays(ran, followed []float64) []chart.Line {
	return []chart.Line{
		{Label: "ran", Color: "forecast", Values: ran, Step: true, Wide: true},
		{Label: "followed", Color: "plan", Values: followed, Step: true},
	}
}

func showModel(r *Result, index int, m *Model) shownModel {
	x, y := &m.Total.Ran, &m.Total.Followed
	shown := shownModel{
		Name:     m.Namespace + "/" + m.Name,
		RanShort: number(x.ShortfallMinutes), RanLargest: percent(x.LargestShortfall),
		FollowedShort: number(y.ShortfallMinutes), FollowedLargest: percent(y.LargestShortfall),
	}
	for i := range m.Signals {
		s := &m.Signals[i]
		demand := floats(s.Demand)
		if !known(demand) {
			continue
		}
		lines := bothWays(floats(s.RanSupply), floats(s.FollowedSupply))
		lines[ran].Label, lines[wouldRun].Label = "ran could carry", "followed could carry"
		lines = append(lines, chart.Line{Label: "demand", Color: "demand", Values: demand, Fill: true, Step: true})
		shown.Charts = append(shown.Charts, newChart(r, fmt.Sprintf("signal-%d-%d", index, i), s.Name, s.Unit, lines))
	}
	for i := range m.Variants {
		v := &m.Variants[i]
		x, y := &v.Total.Ran, &v.Total.Followed
		shown.Variants = append(shown.Variants, []string{
			v.Name, fixed(x.ReplicaHours), fixed(y.ReplicaHours), fixed(x.Cost), fixed(y.Cost),
			strconv.Itoa(x.Changes), strconv.Itoa(y.Changes), number(v.HeldMinutes),
		})
		lines := bothWays(counts(v.Current), counts(v.Followed))
		if known(lines[ran].Values) {
			drawn := newChart(r, fmt.Sprintf("replicas-%d-%d", index, i), v.Name, "replicas", lines)
			drawn.Low, drawn.Whole = true, true
			shown.Charts = append(shown.Charts, drawn)
		}
	}
	return shown
}

func floats(values []*float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.NaN()
		if v != nil {
			out[i] = *v
		}
	}
	return out
}

func counts(values []*int) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.NaN()
		if v != nil {
			out[i] = float64(*v)
		}
	}
	return out
}

func known(values []float64) bool {
	for _, v := range values {
		if !math.IsNaN(v) {
			return true
		}
	}
	return false
}
