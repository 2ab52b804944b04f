package collector

import (
	"maps"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// inputs lists the queries that a signal's demand rests on, in the order of now, windows, forecasts.
func (s *boundSignal) inputs(queries int) []int {
	var all []int
	for _, q := range []moment{s.now, s.stable, s.earlier} {
		all = append(all, q.demand, q.usage, q.queued)
	}
	all = append(all, s.alive, s.aliveEarlier, s.inputTokens, s.outputTokens, s.observedITL, s.running)
	all = append(all, s.forecasts...)
	for _, q := range []moment{s.idle, s.before} {
		all = append(all, q.demand, q.usage, q.queued)
	}
	all = append(all, s.aliveBefore)
	if s.history != none {
		all = append(all, queries+s.history)
	}
	return asked(all)
}

// inputsOf lists the queries about a variant itself: its cost, uses, capacities and replicas, now and in the past.
func (p *program) inputsOf(m *boundModel, x *boundVariant) []int {
	all := []int{x.cost.query}
	for _, name := range slices.Sorted(maps.Keys(x.uses)) {
		all = append(all, x.uses[name].query)
	}
	for _, q := range x.capacities {
		all = append(all, q.query)
	}
	all = append(all, p.current, p.ready, x.stuck, m.up.query, m.down.query, x.watched)
	for _, q := range x.usable {
		all = append(all, q.demand, q.usage)
	}
	return asked(all)
}

// asked leaves out what is not asked for, and what stands there twice.
func asked(queries []int) []int {
	var kept []int
	for _, q := range queries {
		if q != none && !slices.Contains(kept, q) {
			kept = append(kept, q)
		}
	}
	return kept
}

// limitAges says how old what is behind the answers about signals and replicas may be. Prices, limits and capacities may be as old as
// Prometheus finds them: what tells of them is scraped seldom. Of signals that share a query the smallest age counts.
func (p *program) limitAges() {
	limit := func(queries []int, age config.Duration) {
		for _, q := range queries {
			if q >= len(p.queries) {
				continue // a history, which is no answer at one time
			}
			if known := p.queries[q].maxAge; known == 0 || time.Duration(age) < known {
				p.queries[q].maxAge = time.Duration(age)
			}
		}
	}
	limit(asked([]int{p.current, p.ready}), *p.config.MaxAge)
	for i := range p.models {
		for j := range p.models[i].signals {
			s := &p.models[i].signals[j]
			age := p.config.MaxAge
			if s.MaxAge != nil {
				age = s.MaxAge
			}
			limit(s.inputs(len(p.queries)), *age)
		}
	}
}
