package past

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// signalGauges and variantGauges are the exporter's own gauges that courses are read from, and where each belongs. They are for display:
// no decision rests on them.
func signalGauges() map[string]func(*Signal, float64) {
	return map[string]func(*Signal, float64){
		"variant_model_demand":            func(s *Signal, v float64) { s.Measured = v },
		"variant_model_ready_supply":      func(s *Signal, v float64) { s.Ready = v },
		"variant_model_stabilized_demand": func(s *Signal, v float64) { s.Stabilized = v },
		"variant_model_forecast_demand":   func(s *Signal, v float64) { s.Forecast = v },
		"variant_model_planned_demand":    func(s *Signal, v float64) { s.Planned = v },
	}
}

func variantGauges() map[string]func(*Variant, float64) {
	return map[string]func(*Variant, float64){
		"variant_current_replicas": func(x *Variant, v float64) { x.Current = v },
		"variant_ready_replicas":   func(x *Variant, v float64) { x.Ready = v },
		"variant_planned_replicas": func(x *Variant, v float64) { x.Planned = v },
		"variant_desired_replicas": func(x *Variant, v float64) { x.Desired = v },
		"variant_replica_capacity": nil, // for what is planned can serve
		"variant_decision":         nil, // its label says it
	}
}

// sketchGauges are those of a sketch: a fleet has many models.
func sketchGauges() []string { return []string{"variant_model_demand", "variant_model_ready_supply"} }

// Sketch is a Record of which only the measured demand and the ready supply of signals are known. It is read from the exporter's own
// gauges by a range query, where Prometheus has them for the most part of the range; otherwise it is a whole Record, whose every step is
// worked out.
func (k *Keeper) Sketch(ctx context.Context, r Range, end time.Time) (*Record, error) {
	return k.told(ctx, courseKey{name: r.Name, gauges: true, model: everyModel}, r, end)
}

// ModelRecord is a Record of which only one model is known. It is read as a sketch is: what was decided, as it was shown at the time.
func (k *Keeper) ModelRecord(ctx context.Context, index int, r Range, end time.Time) (*Record, error) {
	return k.told(ctx, courseKey{name: r.Name, gauges: true, model: index}, r, end)
}

// told is a course that is read from gauges, or where they do not tell it a whole Record.
func (k *Keeper) told(ctx context.Context, key courseKey, r Range, end time.Time) (*Record, error) {
	c, err := k.course(key, r, end)
	if err != nil {
		return nil, err
	}
	k.wait(ctx, c)
	record := c.record(k.options.Now())
	if len(record.Points) > 0 || !c.tried() {
		return record, nil
	}
	return k.Record(ctx, r, end)
}

// tried reports whether work on a course has come to an end.
func (c *course) tried() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.looked.IsZero()
}

// sketch reads a course from gauges. It stays without points where they do not tell it.
func (k *Keeper) sketch(ctx context.Context, c *course, now time.Time) error {
	first, last := c.window(now)
	matrix, err := k.queryRange(ctx, k.gaugeExpr(c.model), v1.Range{Start: c.time(first), End: c.time(last), Step: c.Step})
	if err != nil {
		return fmt.Errorf("there is no answer about the past: %w", err)
	}
	reading := k.reading(c, first, last, now)
	for _, series := range matrix {
		reading.add(series)
	}
	points := reading.finish()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.points = points
	return nil
}

// reading puts gauges into points.
type reading struct {
	course      *course
	first, last int64
	points      []*Point
	told        []bool // by step
	signals     map[labelKey]place
	variants    map[labelKey]place
	capacities  map[place]map[int][]float64 // of a variant, by signal and step
}

// place is a model, and a signal or variant of it.
type place struct{ model, item int }

// labelKey tells signals, or variants, apart.
type labelKey struct{ namespace, model, item string }

// reading begins with points of which nothing is known.
func (k *Keeper) reading(c *course, first, last int64, now time.Time) *reading {
	r := &reading{
		course: c, first: first, last: last, points: make([]*Point, last-first+1), told: make([]bool, last-first+1),
		signals: map[labelKey]place{}, variants: map[labelKey]place{}, capacities: map[place]map[int][]float64{},
	}
	for i := range r.points {
		r.points[i] = k.unknown(c.time(first+int64(i)), c.model)
		r.points[i].settled = now.Sub(r.points[i].At) >= settled
	}
	for i, m := range k.models {
		if c.model != everyModel && c.model != i {
			continue
		}
		for j := range m.Signals {
			r.signals[labelKey{m.Namespace, m.Name, m.Signals[j].Name}] = place{i, j}
		}
		for j := range m.Variants {
			r.variants[labelKey{m.Namespace, m.Name, m.Variants[j].Name}] = place{i, j}
		}
	}
	return r
}

// add takes a series, if it is of something that is configured.
func (r *reading) add(series *model.SampleStream) {
	name := string(series.Metric[model.MetricNameLabel])
	key := labelKey{string(series.Metric["target_namespace"]), string(series.Metric["model"]), string(series.Metric["signal"])}
	signal, known := r.signals[key]
	if put := signalGauges()[name]; put != nil {
		if known {
			r.each(series, func(i int, v float64) {
				put(&r.points[i].Models[signal.model].Signals[signal.item], v)
				r.told[i] = true
			})
		}
		return
	}
	key.item = string(series.Metric["variant"])
	variant, found := r.variants[key]
	if !found {
		return
	}
	switch put := variantGauges()[name]; {
	case put != nil:
		r.each(series, func(i int, v float64) { put(&r.points[i].Models[variant.model].Variants[variant.item], v) })
	case name == "variant_decision":
		reason := optimizer.Reason(series.Metric["reason"])
		r.each(series, func(i int, _ float64) { r.points[i].Models[variant.model].Variants[variant.item].Reason = reason })
	case known:
		if r.capacities[variant] == nil {
			r.capacities[variant] = map[int][]float64{}
		}
		r.capacities[variant][signal.item] = laid(series, r.first, r.last, r.course.Range)
	}
}

// each goes through the steps of which a series tells something.
func (r *reading) each(series *model.SampleStream, do func(step int, v float64)) {
	for i, v := range laid(series, r.first, r.last, r.course.Range) {
		if !math.IsNaN(v) {
			do(i, v)
		}
	}
}

// finish works out what follows from the gauges; nil where they do not tell the most of the range.
func (r *reading) finish() []*Point {
	if !mostly(r.told) {
		return nil
	}
	for i, p := range r.points {
		for m := range p.Models {
			for j := range p.Models[m].Variants {
				v := &p.Models[m].Variants[j]
				v.States = statesOf(v.Current, v.Ready, heldOf(v))
				for signal, capacity := range r.capacities[place{m, j}] {
					p.Models[m].Signals[signal].serve(capacity[i] * v.Planned)
				}
			}
		}
	}
	return r.points
}

// serve adds to the planned supply what a variant can serve of a signal.
func (s *Signal) serve(more float64) {
	switch {
	case math.IsNaN(more):
	case math.IsNaN(s.Supply):
		s.Supply = more
	default:
		s.Supply += more
	}
}

// heldOf is how many replicas stay until those that replace them are ready.
func heldOf(v *Variant) float64 {
	if v.Reason != optimizer.ReasonMakeBeforeBreak || math.IsNaN(v.Desired-v.Planned) {
		return 0
	}
	return v.Desired - v.Planned
}

// mostly reports whether four fifths are told, and the last ones.
func mostly(told []bool) bool {
	const lately = 2
	n := 0
	for _, t := range told {
		if t {
			n++
		}
	}
	return 5*n >= 4*len(told) && len(told) > lately && (told[len(told)-1] || told[len(told)-lately])
}

// unknown is a point of which nothing is known: of all models, or of one.
func (k *Keeper) unknown(at time.Time, only int) *Point {
	nan := math.NaN()
	p := &Point{At: at, Cost: Cost{nan, nan}, Models: make([]Model, len(k.models))}
	for i, m := range k.models {
		if only != everyModel && only != i {
			continue
		}
		p.Models[i] = Model{Signals: make([]Signal, len(m.Signals)), Variants: make([]Variant, len(m.Variants))}
		for j := range p.Models[i].Signals {
			p.Models[i].Signals[j] = Signal{nan, nan, nan, nan, nan, nan}
		}
		for j := range p.Models[i].Variants {
			p.Models[i].Variants[j] = Variant{Current: nan, Ready: nan, Planned: nan, Desired: nan, States: States{nan, nan, nan, nan}}
		}
	}
	return p
}

// gaugeExpr asks for gauges of the exporter, of which a pair may be scraped: for those of a sketch, or for all of one model.
func (k *Keeper) gaugeExpr(index int) string {
	names, matchers := sketchGauges(), []string{}
	if index != everyModel {
		names = nil
		for name := range signalGauges() {
			names = append(names, name)
		}
		for name := range variantGauges() {
			names = append(names, name)
		}
		slices.Sort(names)
		m := k.models[index]
		matchers = append(matchers, fmt.Sprintf("target_namespace=%q", m.Namespace), fmt.Sprintf("model=%q", m.Name))
	}
	matchers = append(matchers, fmt.Sprintf("__name__=~%q", strings.Join(names, "|")))
	if own := strings.Trim(k.config.Selector.String(), "{} "); own != "" {
		matchers = append(matchers, own)
	}
	return fmt.Sprintf("max by (__name__, target_namespace, model, signal, variant, reason) ({%s})", strings.Join(matchers, ", "))
}
