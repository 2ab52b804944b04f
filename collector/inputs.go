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

// inputsOf lists the queries about a variant itself: its cost, uses, capacities and replicas.
func (p *program) inputsOf(x *boundVariant) []int {
	all := []int{x.cost.query}
	for _, name := range slices.Sorted(maps.Keys(x.uses)) {
		all = append(all, x.uses[name].query)
	}
	for _, q := range x.capacities {
		all = append(all, q.query)
	}
	return asked(append(all, p.current, p.ready, x.stuck))
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

// limitAges says how old what is behind each answer may be. Of signals that share a query and name ages of their own, the
// smallest counts.
func (p *program) limitAges() {
	for i := range p.queries {
		p.queries[i].maxAge = time.Duration(*p.config.MaxAge)
	}
	own := map[int]config.Duration{}
	for i := range p.models {
		for j := range p.models[i].signals {
			s := &p.models[i].signals[j]
			if s.MaxAge == nil {
				continue
			}
			for _, q := range s.inputs(len(p.queries)) {
				if age, ok := own[q]; !ok || *s.MaxAge < age {
					own[q] = *s.MaxAge
				}
			}
		}
	}
	for q, age := range own {
		if q < len(p.queries) {
			p.queries[q].maxAge = time.Duration(age)
		}
	}
}
