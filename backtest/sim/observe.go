package sim

import (
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
)

// count is how many requests had arrived at a time.
type count struct{ at, arrived float64 }

// observe keeps what a scrape sees, for policies that look at the fleet itself.
func (s *Sim) observe() {
	o := &policy.Observation{At: seconds(s.now)}
	for i, m := range s.models {
		x := policy.Model{ID: m.Model.Model, Queue: m.engine.queued(), Arrived: m.count.Arrived, Facts: s.Setup.Models[i].Facts}
		x.Rate = m.recent(s.now)
		for _, p := range s.pods {
			if p.v.model == m && p.serves(s.now) {
				l := m.engine.load(p)
				x.Pods = append(x.Pods, policy.Pod{Variant: p.v.ID(), Running: l.Running, Waiting: l.Waiting, KV: l.KV})
			}
		}
		o.Models = append(o.Models, x)
	}
	for i, v := range s.variants {
		x := policy.Variant{ID: v.ID(), Model: v.Model, Current: v.spec, Facts: s.Setup.Variants[i].Facts}
		for _, p := range s.pods {
			switch {
			case p.v != v || !p.live():
			case p.serves(s.now):
				x.Ready++
			default:
				x.Starting = append(x.Starting, seconds(s.now-p.ordered))
			}
		}
		o.Variants = append(o.Variants, x)
	}
	s.seen = o
}

// recent is the rate of arrivals over the last minute.
func (m *model) recent(now float64) float64 {
	m.past = append(m.past, count{now, m.count.Arrived})
	for len(m.past) > 1 && m.past[1].at <= now-time.Minute.Seconds() {
		m.past = m.past[1:]
	}
	first := m.past[0]
	if now <= first.at {
		return 0
	}
	return (m.count.Arrived - first.arrived) / (now - first.at)
}

// SetupOf describes a scenario to a policy. Rates are by the truth of the fleet.
func SetupOf(o Options) policy.Setup {
	s := policy.Setup{Every: time.Duration(o.Scenario.Evaluate), Pools: o.Scenario.Pools, Future: futureOf(o)}
	models := map[string]*model{}
	shell := &Sim{Options: o, scenario: o.Scenario}
	for i := range o.Scenario.Models {
		m := newModel(shell, &o.Scenario.Models[i])
		shell.models = append(shell.models, m)
		models[m.Model.Model] = m
		s.Models = append(s.Models, policy.Model{ID: m.Model.Model, Facts: policy.ModelFacts{
			TTFT: seconds(m.ttft), ITL: seconds(m.itl), InputTokens: m.input, OutputTokens: m.output,
		}})
	}
	for i := range o.Scenario.Variants {
		spec := &o.Scenario.Variants[i]
		m := models[spec.Model]
		p := physicsOf(&variant{Variant: spec}, m)
		b, ok := o.Bounds[spec.ID()]
		if !ok {
			b = Bounds{0, -1}
		}
		s.Variants = append(s.Variants, policy.Variant{
			ID: spec.ID(), Model: spec.Model, Current: spec.Replicas,
			Facts: policy.VariantFacts{
				Role: string(spec.Role), Pool: spec.Pool, Accelerators: *spec.Accelerators, Cost: spec.Cost,
				Startup: time.Duration(spec.Startup), Min: b.Min, Max: b.Max, Rate: p.largestRate(m.ttft, m.itl),
				MaxBatch: spec.Profile.MaxBatch, KVTokens: spec.KVTokens,
			},
		})
	}
	return s
}

func futureOf(o Options) *policy.Future {
	f := &policy.Future{
		Tick:  time.Duration(slotSeconds * float64(time.Second)),
		Rates: map[string][]float64{}, Arrivals: map[string][]float64{}, Burstiness: map[string][]float64{},
	}
	for i := range o.Arrivals {
		a := &o.Arrivals[i]
		if f.Rates[a.Model] == nil {
			n := len(a.Counts)
			f.Rates[a.Model], f.Arrivals[a.Model], f.Burstiness[a.Model] = make([]float64, n), make([]float64, n), make([]float64, n)
		}
		rates, arrivals, burst := f.Rates[a.Model], f.Arrivals[a.Model], f.Burstiness[a.Model]
		for slot := range a.Counts {
			if sum := rates[slot] + a.Rates[slot]; sum > 0 {
				burst[slot] = (burst[slot]*rates[slot] + a.Burst[slot]*a.Rates[slot]) / sum
			}
			rates[slot] += a.Rates[slot]
			arrivals[slot] += float64(a.Counts[slot]) / slotSeconds
		}
	}
	return f
}
