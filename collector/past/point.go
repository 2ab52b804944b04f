// Package past keeps the decisions of past moments. They are not stored when they are made: each is made again, from what Prometheus
// knows of its time, and so comes out as it did then, and as explain and replay tell it.
package past

import (
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// Point is what was known and decided at one moment, in numbers. What was not known is NaN. Its models, signals and variants are in
// the order of the configuration.
type Point struct {
	At      time.Time
	Cost    Cost
	Models  []Model
	Budgets []Budget

	settled bool // everything about this moment had been stored when it was worked out
}

// Cost is in currency per hour.
type Cost struct {
	Current float64 // of the replicas asked for
	Planned float64
}

// Budget is the limit of a budget, and what the plan used of it, in its unit.
type Budget struct{ Limit, Used float64 }

// Model is what was known and decided of a model.
type Model struct {
	Signals  []Signal
	Variants []Variant
}

// Signal is one signal's demand and supply, in its unit. The names are those of collector.Signal.
type Signal struct {
	Measured, Stabilized, Forecast, Planned float64
	Ready, Supply                           float64 // what the ready, and the planned replicas can serve
}

// Variant is the replicas of a variant: as told, as decided, and by state.
type Variant struct {
	Current, Ready, Planned, Desired float64

	States
	Reason optimizer.Reason
}

// States are the replicas of a variant by what they do. Serving and Held are ready; all but Draining are asked for.
type States struct {
	Serving  float64 // ready, and part of the plan or not to be replaced
	Held     float64 // ready, not planned, and kept until those that replace them are ready
	Starting float64 // asked for, and not ready
	Draining float64 // ready, and no longer asked for
}

// PointOf puts a snapshot into numbers.
func PointOf(s *collector.Snapshot) *Point {
	p := &Point{At: s.At, Cost: Cost{Current: number(s.CostNow()), Planned: number(s.Plan.Cost)}}
	for i := range s.Budgets {
		p.Budgets = append(p.Budgets, Budget{number(s.Budgets[i].Limit), number(s.Budgets[i].Used)})
	}
	for i := range s.Models {
		m := &s.Models[i]
		out := Model{Signals: make([]Signal, len(m.Signals)), Variants: make([]Variant, len(m.Variants))}
		for j := range m.Signals {
			x := &m.Signals[j]
			out.Signals[j] = Signal{
				number(x.Measured), number(x.Stabilized), number(x.Forecast), number(x.Planned), number(x.Ready), number(x.Supply),
			}
		}
		for j := range m.Variants {
			v := &m.Variants[j]
			out.Variants[j] = Variant{count(v.Current), count(v.Ready), count(v.Planned), count(v.Desired), StatesOf(v), v.Reason}
		}
		p.Models = append(p.Models, out)
	}
	return p
}

// StatesOf counts the replicas of a variant by state. All are NaN where the replicas are not known.
func StatesOf(v *collector.Variant) States {
	held := 0.0
	for _, g := range v.Guards {
		if g.Guard == optimizer.ReasonMakeBeforeBreak && g.From != nil && g.To != nil {
			held = float64(*g.To - *g.From)
		}
	}
	return statesOf(count(v.Current), count(v.Ready), held)
}

func statesOf(current, ready, held float64) States {
	serving := math.Min(current, ready)
	if math.IsNaN(serving) {
		return States{math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	}
	held = math.Max(0, math.Min(held, serving))
	return States{Serving: serving - held, Held: held, Starting: current - serving, Draining: ready - serving}
}

func number(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}

func count(n *int) float64 {
	if n == nil {
		return math.NaN()
	}
	return float64(*n)
}
