package replay

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"time"
)

//go:embed page.tmpl
var pageTemplate string

// The heights of charts, in the units of their drawing.
const (
	heightOfCost    = 200
	heightOfDemand  = 200
	heightOfVariant = 130
)

// page is what the template shows.
type page struct {
	From, To, Step string
	Steps          int
	Total          []shownLine
	Charts         []chart
	Models         []shownModel
	Notes          []string
}

type shownLine struct{ Name, Ran, Followed, Difference string }

type shownModel struct {
	Name                                                 string
	RanShort, RanLargest, FollowedShort, FollowedLargest string
	Variants                                             [][]string
	Charts                                               []chart
}

// WriteHTML writes a page with the comparison and its course over time, which needs nothing else to be shown.
func WriteHTML(w io.Writer, r *Result) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("read the page's template: %w", err)
	}
	p := page{
		From: r.From.Format(time.DateTime), To: r.To.Format(time.DateTime), Step: shortDuration(r.StepSeconds), Steps: r.Steps,
		Charts: costCharts(r), Notes: r.Notes,
	}
	for _, l := range r.Total.lines() {
		p.Total = append(p.Total, shownLine{l.name, l.ran, l.followed, l.difference})
	}
	for i := range r.Models {
		p.Models = append(p.Models, showModel(r, &r.Models[i]))
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// costCharts show what a moment cost, and what it all came to. A variant counts where both are known.
func costCharts(r *Result) []chart {
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
	return []chart{
		newChart(r, "Cost per hour", heightOfCost, bothWays(rate[ran], rate[wouldRun])),
		newChart(r, "Cost since the beginning", heightOfCost, bothWays(sum[ran], sum[wouldRun])),
	}
}

func bothWays(ran, followed []float64) []plotted {
	return []plotted{{name: "ran", class: "ran", values: ran}, {name: "followed", class: "followed", values: followed}}
}

func showModel(r *Result, m *Model) shownModel {
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
		series := append([]plotted{{name: "demand", class: "demand", values: demand, area: true}},
			bothWays(floats(s.RanSupply), floats(s.FollowedSupply))...)
		series[1].name, series[2].name = "ran could carry", "followed could carry"
		shown.Charts = append(shown.Charts, newChart(r, s.Name+", "+s.Unit, heightOfDemand, series))
	}
	for i := range m.Variants {
		v := &m.Variants[i]
		x, y := &v.Total.Ran, &v.Total.Followed
		shown.Variants = append(shown.Variants, []string{
			v.Name, fixed(x.ReplicaHours), fixed(y.ReplicaHours), fixed(x.Cost), fixed(y.Cost),
			strconv.Itoa(x.Changes), strconv.Itoa(y.Changes), number(v.HeldMinutes),
		})
		series := bothWays(counts(v.Current), counts(v.Followed))
		if known(series[ran].values) {
			shown.Charts = append(shown.Charts, newChart(r, v.Name+", replicas", heightOfVariant, series))
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
