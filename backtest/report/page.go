package report

import (
	_ "embed"
	"fmt"
	"io"
	"strconv"

	"github.com/variant-exporter/variant-exporter/collector/chart"
)

//go:embed page.tmpl
var pageTemplate string

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
	Charts []chart.Chart
}

// WriteHTML writes a page with the scorecard and the course of every policy over time. It needs nothing else to be shown.
func WriteHTML(w io.Writer, r *Result) error {
	t, err := chart.NewPage(pageTemplate)
	if err != nil {
		return err //nolint:wrapcheck // it says what it is
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
	if err := t.ExecuteTemplate(w, "page", p); err != nil {
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
	c := course{Timeline: policy.Timeline, policy: len(p.Policies), end: r.Duration}
	for i, e := range r.Events {
		from, to := wholeSeconds(e.At), wholeSeconds(min(e.At+e.For, r.Duration))
		c.marks = append(c.marks, chart.Mark{From: from, To: max(from, to), Label: strconv.Itoa(i + 1)})
	}
	p.Policies = append(p.Policies, shownPolicy{policy.Name, len(p.Policies) == 0, c.charts()})
}
