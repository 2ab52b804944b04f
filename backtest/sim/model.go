package sim

import (
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim/expose"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// model is a served model with its state.
type model struct {
	*scenario.Model
	place    int
	streams  []*scenario.Arrivals
	variants []*variant
	engine   engine
	books    *books

	input, output float64 // mean tokens over the whole load
	ttft, itl     float64 // targets in seconds; 0: none
	split         bool    // prefill and decode are served by different pods
	count         expose.Counters
	past          []count // arrivals at the scrapes of the last minute
}

// engine serves the requests of one model.
type engine interface {
	// advance serves from one time to another, which lie in one slot of the arrivals.
	advance(slot int, from, to float64)
	join(p *pod)                     // it became ready
	leave(p *pod, now float64)       // it is gone, with what it still serves
	empty(p *pod) bool               // it serves nothing
	load(p *pod) expose.Load         // what it serves
	queued() float64                 // requests that wait at the gateway
	inSystem() float64               // requests that have arrived and are neither served, refused nor given up
	counted(p *pod) *expose.Counters // of one pod
	finish(now float64) float64      // books what is left at the end, and returns how much is under way
}

func newModel(s *Sim, spec *scenario.Model) *model {
	m := &model{Model: spec, place: len(s.models), ttft: float64(spec.SLO.TTFT), itl: float64(spec.SLO.ITL)}
	requests := 0.0
	for i := range s.Arrivals {
		a := &s.Arrivals[i]
		if a.Model != spec.Model {
			continue
		}
		m.streams = append(m.streams, a)
		for slot, n := range a.Counts {
			requests += float64(n)
			m.input += float64(n) * a.Input[slot]
			m.output += float64(n) * a.Output[slot]
		}
	}
	if requests > 0 {
		m.input, m.output = m.input/requests, m.output/requests
	} else {
		m.input, m.output = 1, 1
	}
	return m
}

// start makes the engine, once the variants are known.
func (m *model) start(s *Sim) {
	for _, v := range m.variants {
		m.split = m.split || v.Role != config.RoleBoth
	}
	m.books = s.ledger.models[m.place]
	for _, v := range m.variants {
		p := physicsOf(v, m)
		v.rate = p.largestRate(m.ttft, m.itl)
	}
	if s.Mode == Fluid {
		m.engine = newFluid(s, m)
	} else {
		m.engine = newExact(s, m)
	}
}

// rateAt is the rate that the load intends in a slot.
func (m *model) rateAt(slot int) float64 {
	rate := 0.0
	for _, a := range m.streams {
		rate += a.Rates[min(slot, len(a.Rates)-1)]
	}
	return rate
}

// carried is the rate that the pods which serve now can carry within the targets: of both roles the lesser.
func (s *Sim) carried(m *model) float64 {
	var by [3]float64
	for _, p := range s.pods {
		if p.v.model == m && p.serves(s.now) {
			by[roleOf(p.v.Role)] += p.v.rate / p.v.slow
		}
	}
	if !m.split {
		return by[roleBoth]
	}
	return min(by[rolePrefill], by[roleDecode]) + by[roleBoth]
}

// The roles, as places.
const (
	roleBoth = iota
	rolePrefill
	roleDecode
)

func roleOf(r config.Role) int {
	switch r {
	case config.RolePrefill:
		return rolePrefill
	case config.RoleDecode:
		return roleDecode
	case config.RoleBoth:
	}
	return roleBoth
}

// slotSeconds is the length of a slot.
const slotSeconds = float64(scenario.Slot) / float64(time.Second)
