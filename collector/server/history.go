package server

import (
	"context"
	"net/http"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/chart"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// historyAnswer is the course of decisions over a range.
type historyAnswer struct {
	From     time.Time      `json:"from"`
	To       time.Time      `json:"to"`
	Step     float64        `json:"step_seconds"`
	Complete bool           `json:"complete"` // whether no step is missing at the end
	Missing  string         `json:"missing"`  // why steps are missing, where they are not just being worked out
	Times    []int64        `json:"times"`    // Unix seconds
	Cost     historyCost    `json:"cost"`
	Models   []historyModel `json:"models"`
}

// column is one number of each step, in full; null where it was not known.
type column []float64

// MarshalJSON implements json.Marshaler.
func (c column) MarshalJSON() ([]byte, error) { return chart.JSON(c, -1), nil }

// historyCost is in currency per hour.
type historyCost struct {
	Current column `json:"current"`
	Planned column `json:"planned"`
}

type historyModel struct {
	Name      string           `json:"name"`
	Namespace string           `json:"namespace"`
	Signals   []historySignal  `json:"signals"`
	Variants  []historyVariant `json:"variants"`
	Latencies []historyLatency `json:"latencies,omitempty"` // only where one model was asked for
}

// historySignal has the names that an explanation has.
type historySignal struct {
	Name       string `json:"name"`
	Unit       string `json:"unit"`
	Measured   column `json:"measured"`
	Stabilized column `json:"stabilized"`
	Forecast   column `json:"forecast"`
	Planned    column `json:"planned"`
	Ready      column `json:"ready_supply"`
	Supply     column `json:"planned_supply"`
}

type historyVariant struct {
	Name     string             `json:"name"`
	Current  column             `json:"current"`
	Ready    column             `json:"ready"`
	Planned  column             `json:"planned"`
	Desired  column             `json:"desired"`
	Serving  column             `json:"serving"`
	Held     column             `json:"held"`
	Starting column             `json:"starting"`
	Draining column             `json:"draining"`
	Reasons  []optimizer.Reason `json:"reason"`
}

// historyLatency is in seconds.
type historyLatency struct {
	Name     string   `json:"name"`
	Quantile float64  `json:"quantile"`
	Target   *float64 `json:"target"`
	Values   column   `json:"values"`
}

// defaultRange is how far is looked back by default.
const defaultRange = "6h"

// getHistory answers how the decisions came about over a range: of all models, or of one.
func (s *Server) getHistory(w http.ResponseWriter, r *http.Request, v *view) {
	name := r.URL.Query().Get("range")
	if name == "" {
		name = s.opts.defaultRange()
	}
	span, err := past.RangeOf(name)
	if err != nil {
		writeError(w, "range: "+err.Error(), http.StatusBadRequest)
		return
	}
	if v.generation.Past == nil {
		writeError(w, "this exporter cannot ask for the past", http.StatusServiceUnavailable)
		return
	}
	which, err := modelsOf(v, r.URL.Query().Get("model"))
	if err != nil {
		writeError(w, err.Error(), http.StatusNotFound)
		return
	}
	ctx, cancel := context.WithDeadline(r.Context(), v.deadline)
	defer cancel()
	record, err := v.generation.Past.Record(ctx, span, v.at)
	if err != nil {
		writeError(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	answer := historyOf(record, v, which)
	if len(which) == 1 && len(v.snapshot.Models) > 0 && r.URL.Query().Get("model") != "" {
		latencies, err := v.generation.Past.Latencies(ctx, which[0], record)
		if err != nil && answer.Missing == "" {
			answer.Missing = err.Error()
		}
		for _, l := range latencies {
			answer.Models[0].Latencies = append(answer.Models[0].Latencies, historyLatency{l.Name, l.Quantile, l.Target, l.Values[:min(len(l.Values), len(answer.Times))]})
		}
	}
	writeIndented(w, answer, http.StatusOK, "")
}

// modelsOf are the places of the models of a name, or of all.
func modelsOf(v *view, name string) ([]int, error) {
	var all []int
	unknown := &explain.UnknownModelError{Model: name}
	for i := range v.snapshot.Models {
		m := &v.snapshot.Models[i]
		unknown.Known = append(unknown.Known, m.ID())
		if name == "" || name == m.Name || name == m.ID() {
			all = append(all, i)
		}
	}
	if name != "" && len(all) == 0 {
		return nil, unknown
	}
	return all, nil
}

func historyOf(r *past.Record, v *view, which []int) *historyAnswer {
	a := &historyAnswer{
		From: r.From, To: r.To, Step: r.Range.Step.Seconds(), Complete: r.Complete, Times: []int64{}, Models: []historyModel{},
		Cost: historyCost{
			Current: r.Column(func(p *past.Point) float64 { return p.Cost.Current }),
			Planned: r.Column(func(p *past.Point) float64 { return p.Cost.Planned }),
		},
	}
	if r.Err != nil {
		a.Missing = r.Err.Error()
	}
	for _, at := range r.Times() {
		a.Times = append(a.Times, at.Unix())
	}
	for _, i := range which {
		a.Models = append(a.Models, historyOfModel(r, v, i))
	}
	return a
}

func historyOfModel(r *past.Record, v *view, i int) historyModel {
	m := &v.snapshot.Models[i]
	out := historyModel{Name: m.Name, Namespace: m.Namespace, Signals: []historySignal{}, Variants: []historyVariant{}}
	for j := range m.Signals {
		of := func(number func(*past.Signal) float64) column { return r.Signal(i, j, number) }
		out.Signals = append(out.Signals, historySignal{
			Name: m.Signals[j].Name, Unit: m.Signals[j].Unit,
			Measured:   of(func(s *past.Signal) float64 { return s.Measured }),
			Stabilized: of(func(s *past.Signal) float64 { return s.Stabilized }),
			Forecast:   of(func(s *past.Signal) float64 { return s.Forecast }),
			Planned:    of(func(s *past.Signal) float64 { return s.Planned }),
			Ready:      of(func(s *past.Signal) float64 { return s.Ready }),
			Supply:     of(func(s *past.Signal) float64 { return s.Supply }),
		})
	}
	for j := range m.Variants {
		of := func(number func(*past.Variant) float64) column { return r.Variant(i, j, number) }
		out.Variants = append(out.Variants, historyVariant{
			Name:     m.Variants[j].Name,
			Current:  of(func(v *past.Variant) float64 { return v.Current }),
			Ready:    of(func(v *past.Variant) float64 { return v.Ready }),
			Planned:  of(func(v *past.Variant) float64 { return v.Planned }),
			Desired:  of(func(v *past.Variant) float64 { return v.Desired }),
			Serving:  of(func(v *past.Variant) float64 { return v.Serving }),
			Held:     of(func(v *past.Variant) float64 { return v.Held }),
			Starting: of(func(v *past.Variant) float64 { return v.Starting }),
			Draining: of(func(v *past.Variant) float64 { return v.Draining }),
			Reasons:  reasonsOf(r, i, j),
		})
	}
	return out
}

func reasonsOf(r *past.Record, model, variant int) []optimizer.Reason {
	reasons := []optimizer.Reason{}
	for _, p := range r.Points {
		reasons = append(reasons, p.Models[model].Variants[variant].Reason)
	}
	return reasons
}
