package past

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// The gauges that a sketch is read from. They are for display: no decision rests on them.
const (
	demandGauge = "variant_model_demand"
	supplyGauge = "variant_model_ready_supply"
)

// Sketch is a Record of which only the measured demand and the ready supply of signals are known. It is read from the exporter's own
// gauges by two range queries, where Prometheus has them for the most part of the range; otherwise it is a whole Record, whose every
// step is worked out.
func (k *Keeper) Sketch(ctx context.Context, r Range, end time.Time) (*Record, error) {
	c, err := k.course(courseKey{name: r.Name, gauges: true}, r, end)
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
	grid := v1.Range{Start: c.time(first), End: c.time(last), Step: c.Step}
	points := make([]*Point, last-first+1)
	for i := range points {
		points[i] = k.unknown(c.time(first + int64(i)))
		points[i].settled = now.Sub(points[i].At) >= settled
	}
	told := make([]bool, len(points))
	for gauge, put := range map[string]func(*Signal, float64){
		demandGauge: func(s *Signal, v float64) { s.Measured = v },
		supplyGauge: func(s *Signal, v float64) { s.Ready = v },
	} {
		matrix, err := k.source.QueryRange(ctx, k.gaugeExpr(gauge), grid)
		if err != nil {
			return fmt.Errorf("ask for %s: %w", gauge, err)
		}
		places := k.places()
		for _, series := range matrix {
			at, known := places[signalKey{
				string(series.Metric["target_namespace"]), string(series.Metric["model"]), string(series.Metric["signal"]),
			}]
			if !known {
				continue
			}
			for i, v := range laid(series, first, last, c.Range) {
				if !math.IsNaN(v) {
					put(&points[i].Models[at[0]].Signals[at[1]], v)
					told[i] = true
				}
			}
		}
	}
	if !mostly(told) {
		points = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.points = points
	return nil
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

// signalKey tells signals apart.
type signalKey struct{ namespace, model, signal string }

// places are where each signal stands: its model, and its place in that.
func (k *Keeper) places() map[signalKey][2]int {
	all := map[signalKey][2]int{}
	for i, m := range k.models {
		for j := range m.Signals {
			all[signalKey{m.Namespace, m.Name, m.Signals[j].Name}] = [2]int{i, j}
		}
	}
	return all
}

// unknown is a point of which nothing is known.
func (k *Keeper) unknown(at time.Time) *Point {
	nan := math.NaN()
	p := &Point{At: at, Cost: Cost{nan, nan}, Models: make([]Model, len(k.models))}
	for i, m := range k.models {
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

// gaugeExpr asks for a gauge of the exporter, of which a pair may be scraped.
func (k *Keeper) gaugeExpr(gauge string) string {
	return fmt.Sprintf("max by (target_namespace, model, signal) (%s{%s})", gauge, strings.Trim(k.config.Selector.String(), "{} "))
}
