package collector

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// With headroom: auto, demand is planned by its trend and noise, and the multiple of the noise is measured on the last day. Both
// are read at fixed times, so that decisions stay a function of Prometheus' data and the clock: two exporters, or one that was
// restarted, read the same.
const (
	noiseStep    = time.Minute
	noiseWindow  = 10 // steps that trend and deviation are taken from
	noiseDay     = 24 * time.Hour
	noiseChunk   = 6 * time.Hour    // of the day that is asked at once, to bound the size of an answer
	noiseRefresh = 10 * time.Minute // how often the day is looked at anew
	noiseReady   = time.Minute      // from ready to noticed, beside the startup
	noiseShare   = 0.97             // of forecasts that are to be high enough
)

// history is an expression whose past is asked for.
type history struct {
	name, expr string
	labels     config.LabelNames
}

// past is what the past of an expression says, for every model.
type past struct {
	recent   [][]float64 // the last steps before now
	multiple []float64   // of the noise; NaN where there is too little history
	series   int         // of the last steps
	err      error
}

func (p *program) askHistory(name string, e config.Expr, labels config.LabelNames) int {
	for i, h := range p.histories {
		if h.expr == e.String() && h.labels == labels {
			return i
		}
	}
	p.histories = append(p.histories, history{name + ".history", e.String(), labels})
	return len(p.histories) - 1
}

// noiseOf is how far ahead a model's demand is to be foreseen.
func noiseOf(m *config.Model) forecast.Noise {
	ahead := time.Duration(leadOf(m)) + noiseReady
	return forecast.Noise{Window: noiseWindow, Lead: int((ahead + noiseStep - 1) / noiseStep), Quantile: noiseShare}
}

// noiseMeter asks for the past. It remembers the multiples of a day until the next look at one; they do not depend on it.
type noiseMeter struct {
	mu    sync.Mutex
	known map[int]measured
}

type measured struct {
	end      time.Time
	multiple []float64
}

// past reads what the past of a history says at a time.
func (n *noiseMeter) past(ctx context.Context, q promapi.RangeQuerier, p *program, i int, at time.Time) past {
	h := p.histories[i]
	end := at.Truncate(noiseStep)
	recent, err := q.QueryRange(ctx, h.expr, v1.Range{Start: end.Add(-(noiseWindow - 1) * noiseStep), End: end, Step: noiseStep})
	if err != nil {
		return past{err: err}
	}
	multiple, err := n.multiples(ctx, q, p, i, at.Truncate(noiseRefresh))
	return past{recent: p.overTime(h, recent, end, noiseWindow), multiple: multiple, series: len(recent), err: err}
}

// multiples measures the multiple of the noise of every model over the day that ended at a time.
func (n *noiseMeter) multiples(ctx context.Context, q promapi.RangeQuerier, p *program, i int, end time.Time) ([]float64, error) {
	n.mu.Lock()
	last, ok := n.known[i]
	n.mu.Unlock()
	if ok && last.end.Equal(end) {
		return last.multiple, nil
	}
	steps := int(noiseDay / noiseStep)
	var day model.Matrix
	for from := end.Add(-noiseDay); from.Before(end); from = from.Add(noiseChunk) {
		part, err := q.QueryRange(ctx, p.histories[i].expr, v1.Range{Start: from.Add(noiseStep), End: from.Add(noiseChunk), Step: noiseStep})
		if err != nil {
			return nil, err
		}
		day = append(day, part...)
	}
	multiple := make([]float64, len(p.models))
	for m, demand := range p.overTime(p.histories[i], day, end, steps) {
		multiple[m] = math.NaN()
		if demand == nil {
			continue
		}
		if value, ok := noiseOf(p.models[m].Model).Multiple(demand); ok {
			multiple[m] = value
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[int]measured{}
	}
	n.known[i] = measured{end, multiple}
	return multiple, nil
}

// overTime lays an answer over a range out as the demand of every model at the last steps before a time, NaN where there is
// none; nil for a model without any. A value that cannot be used, and a series that could be several models', is none.
func (p *program) overTime(h history, matrix model.Matrix, end time.Time, steps int) [][]float64 {
	demand := make([][]float64, len(p.models))
	for _, s := range matrix {
		owners := p.matcher.modelsOf(identify(s.Metric, h.labels))
		if len(owners) != 1 {
			continue
		}
		values := demand[owners[0]]
		if values == nil {
			values = make([]float64, steps)
			for i := range values {
				values[i] = math.NaN()
			}
			demand[owners[0]] = values
		}
		for _, v := range s.Values {
			step := steps - 1 - int(end.Sub(v.Timestamp.Time())/noiseStep)
			if x := float64(v.Value); step >= 0 && step < steps && x >= 0 && x <= maxValue {
				values[step] = addKnown(values[step], x)
			}
		}
	}
	return demand
}

func addKnown(sum, x float64) float64 {
	if math.IsNaN(sum) {
		return x
	}
	return sum + x
}

// withHeadroom is what to plan for: the demand expected plus the configured share, or as much as trend and noise ask for.
func (d *decision) withHeadroom(m, s int, now, expected float64) (planned float64, missing string) {
	sig := &d.program.models[m].signals[s]
	fixed := expected * (1 + sig.headroom)
	if sig.history == none {
		return fixed, ""
	}
	p := d.past[sig.history]
	if p.err != nil {
		return fixed, d.program.histories[sig.history].name + ": " + string(promapi.ReasonOf(p.err))
	}
	recent, multiple := p.recent[m], p.multiple[m]
	if recent == nil || math.IsNaN(multiple) {
		return fixed, "" // too little history
	}
	// The present stands for the last step, which it is at most one step later than.
	ahead, deviation, known := sig.noise.Ahead(append(slices.Clone(recent[:len(recent)-1]), now))
	if !known {
		return fixed, ""
	}
	return max(expected, ahead+multiple*deviation), ""
}
