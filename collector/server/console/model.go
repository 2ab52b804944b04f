package console

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/chart"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// Model is one model at one moment.
type Model struct {
	Snapshot    *collector.Snapshot
	Index       int
	Explanation *explain.Explanation // of this model, with its runner-up
	Record      *past.Record         // nil where the past is not known
	Latencies   []past.Latency
	Findings    []collector.Finding // of what is not wholly known
}

type modelPage struct {
	Frame
	*explain.Model
	State     state
	Best      *explain.Single
	Costs     string
	Rows      []variantRow
	Signals   []signalBlock
	Latencies []chart.Chart
	Changes   []decisionChange
	Step      string // between the moments that are compared
	Progress  *progress
}

// signalBlock is a signal with its course.
type signalBlock struct {
	collector.Signal
	Chart    *chart.Chart
	Witness  string
	Decides  bool
	Headroom string
	Follows  string // what a measured headroom follows from
	Waiting  string // what waits, in its own unit
	Found    string // what was found out about what is missing of it
}

// variantRow is a variant with its replicas by state.
type variantRow struct {
	explain.Variant
	Sentence string
	States   past.States
	Known    bool // how many replicas there are
	Arrivals string
	Chart    *chart.Chart
}

// decisionChange is a moment at which another number of replicas was desired.
type decisionChange struct {
	At       time.Time
	Variant  string
	From, To string
	Reason   optimizer.Reason
}

// Model writes the page of one model.
func (c *Console) Model(w io.Writer, l Look, o *Model) error {
	m, whole := &o.Explanation.Models[0], o.Record
	record, skipped := known(o.Record)
	o.Record = record
	p := &modelPage{Frame: c.newFrame(m.Name, "model", l, o.Explanation), Model: m, State: stateOf(o.Snapshot, o.Index, m), Best: explain.BestSingle(o.Snapshot, o.Index)}
	p.State.Text += foundOf(o.Findings, m.ID(), "")
	p.lookingBack(l)
	p.Hidden = []Link{{"id", m.ID()}}
	p.Costs = strings.TrimSpace(m.Costs())
	for j := range m.Signals {
		p.Signals = append(p.Signals, signalOf(o, m, j))
	}
	for j := range m.Variants {
		p.Rows = append(p.Rows, variantOf(o, m, j))
	}
	if drawn(o.Record) {
		for j, latency := range o.Latencies {
			latency.Values = latency.Values[min(skipped, len(latency.Values)):]
			p.Latencies = append(p.Latencies, latencyChart(fmt.Sprintf("latency-%d", j), o.Record, &latency))
		}
		p.Changes, p.Step = changesOf(o.Record, o.Index, m), seconds(o.Record.Range.Step.Seconds())
	}
	p.Progress = progressOf(whole)
	return c.write(w, "model", p)
}

// drawn reports whether there is enough of the past to draw.
func drawn(r *past.Record) bool { return r != nil && len(r.Points) > 1 }

func signalOf(o *Model, m *explain.Model, j int) signalBlock {
	s := &m.Signals[j]
	b := signalBlock{Signal: *s, Decides: s.Name == m.Binding, Witness: witnessOf(s), Found: foundOf(o.Findings, m.ID(), s.Name), Follows: capital(explain.Margin(s))}
	if s.Headroom != nil {
		b.Headroom = explain.Percent(*s.Headroom)
	}
	if s.Backlog != nil {
		b.Waiting = explain.Number(s.Backlog) + " " + s.UnitWaiting()
	}
	if drawn(o.Record) {
		drawing := signalChart(fmt.Sprintf("signal-%d", j), o.Record, o.Index, j, s)
		b.Chart = &drawing
	}
	return b
}

// witnessOf says who told a signal.
func witnessOf(s *collector.Signal) string {
	switch {
	case s.Sources == nil:
		return "nothing can witness it"
	case s.Expected == nil:
		return "told by " + word(*s.Sources, "source", "sources")
	}
	return fmt.Sprintf("told by %d of %s", *s.Sources, word(*s.Expected, "source", "sources"))
}

func variantOf(o *Model, m *explain.Model, j int) variantRow {
	v := &m.Variants[j]
	_, sentence, _ := strings.Cut(v.Sentence(), ": ")
	r := variantRow{Variant: *v, Sentence: capital(sentence), States: past.StatesOf(&v.Variant), Arrivals: arrivals(v)}
	r.Known = v.Current != nil && v.Ready != nil
	if drawn(o.Record) {
		drawing := replicasChart(fmt.Sprintf("replicas-%d", j), o.Record, o.Index, j, &v.Variant)
		r.Chart = &drawing
	}
	return r
}

// arrivals says when what starts is expected.
func arrivals(v *explain.Variant) string {
	var parts []string
	for _, s := range v.Starting {
		parts = append(parts, fmt.Sprintf("%d expected in %s", s.Replicas, seconds(s.In)))
	}
	if v.Overdue > 0 {
		parts = append(parts, fmt.Sprintf("%d overdue", v.Overdue))
	}
	return strings.Join(parts, ", ")
}

// maxChanges bounds the list of decisions.
const maxChanges = 12

// changesOf lists the latest moments at which another number was desired, the newest first.
func changesOf(r *past.Record, model int, m *explain.Model) []decisionChange {
	var all []decisionChange
	for j := range m.Variants {
		desired := r.Variant(model, j, func(v *past.Variant) float64 { return v.Desired })
		for i := 1; i < len(desired); i++ {
			from, to := plain(desired[i-1]), plain(desired[i])
			if from != to {
				all = append(all, decisionChange{r.Points[i].At, m.Variants[j].Name, from, to, r.Points[i].Models[model].Variants[j].Reason})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b decisionChange) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Variant, b.Variant)) })
	return all[:min(len(all), maxChanges)]
}
