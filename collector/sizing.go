package collector

import (
	"sync"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// sizer remembers what the queueing model says, for several evaluations at once. Its answers do not depend on what it remembers.
type sizer struct {
	mu    sync.Mutex
	cache latency.CapacityCache
}

// capacity is the largest rate at which a replica keeps the targets, or why there is none.
func (s *sizer) capacity(p latency.Profile, l latency.Lengths, slo latency.SLO) (rate float64, missing string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.cache.Capacity(p, l, slo)
	switch {
	case err != nil:
		return 0, err.Error()
	case found.Unreachable != nil:
		return 0, found.Unreachable.String()
	}
	return found.Rate, ""
}

// sized says that a variant's capacity for a signal follows from its profile.
func (d *decision) sized(v, s int) bool {
	x := &d.program.variants[v]
	return !x.capacities[s].set && x.Profile != nil && d.program.models[x.model].signals[s].inputTokens != none
}

// size asks the queueing model what a replica carries. While there is no demand the lengths of requests are not known, nor needed.
func (d *decision) size(v, s int) (rate float64, missing string) {
	x := &d.program.variants[v]
	sig := &d.program.models[x.model].signals[s]
	if planned := d.signals[x.model][s].Planned; planned == nil || *planned == 0 {
		return 0, ""
	}
	input, missing := d.mean(x.model, sig.inputTokens, sig.Labels)
	if missing != "" {
		return 0, missing
	}
	output, missing := d.mean(x.model, sig.outputTokens, sig.Labels)
	if missing != "" {
		return 0, missing
	}
	profile, lengths := profileOf(x.Profile), latency.Lengths{Input: input, Output: max(1, output)}
	if x.Profile.Correct {
		ratio, missing := d.correction(v, s, profile, lengths)
		if missing != "" {
			return 0, missing
		}
		d.facts[v].correction = &ratio
		profile.Alpha, profile.Beta, profile.Gamma = ratio*profile.Alpha, ratio*profile.Beta, ratio*profile.Gamma
	}
	rate, missing = d.sizer.capacity(profile, lengths, sloOf(d.program.models[x.model].SLO))
	if missing != "" {
		missing = sig.Key() + ": " + missing
	}
	return rate, missing
}

// The bounds of a correction. Believing that a replica carries more than it does is the costlier mistake, so a profile may be
// found less too slow than too fast.
const (
	fastestCorrection = 0.9
	slowestCorrection = 1.5
)

// correction is the time between output tokens that a variant's replicas show per what the model says of the load that they have:
// above 1 they are slower than their profile. Without traffic there is nothing to correct by.
func (d *decision) correction(v, s int, profile latency.Profile, lengths latency.Lengths) (ratio float64, missing string) {
	sig := &d.program.models[d.program.variants[v].model].signals[s]
	var observed [2]float64
	for i, query := range []int{sig.observedITL, sig.running} {
		if d.answers[query].err != nil {
			return 0, d.inputs[query].failed()
		}
		found := d.byVariant(quantity{query: query}, sig.Labels).readings[v]
		switch {
		case found.bad != "":
			return 0, d.inputs[query].Name + ": " + found.bad
		case len(found.samples) == 0:
			return 1, ""
		}
		observed[i] = found.median()
	}
	server, err := latency.NewServer(profile, lengths)
	if err != nil {
		return 0, sig.Key() + ": " + err.Error()
	}
	itl, running := observed[0], observed[1]
	if itl == 0 || running == 0 {
		return 1, ""
	}
	return min(max(itl/server.Decode(max(1, running)), fastestCorrection), slowestCorrection), ""
}

// mean reads a mean of a model, such as the length of its requests.
func (d *decision) mean(m, query int, labels config.LabelNames) (value float64, missing string) {
	input := &d.inputs[query]
	if d.answers[query].err != nil {
		return 0, input.failed()
	}
	found := &d.byModel(query, labels)[m]
	switch {
	case found.bad != "":
		return 0, input.Name + ": " + found.bad
	case len(found.samples) == 0:
		return 0, input.Name + ": " + noResult
	}
	return found.median(), ""
}

func profileOf(p *config.Profile) latency.Profile {
	queue := latency.DefaultMaxQueue(p.MaxBatch)
	if p.MaxQueue != nil {
		queue = *p.MaxQueue
	}
	return latency.Profile{
		Alpha: float64(p.Alpha), Beta: float64(p.Beta), Gamma: float64(p.Gamma), MaxBatch: p.MaxBatch, MaxQueue: queue,
	}
}

func sloOf(s *config.SLO) latency.SLO {
	slo := latency.SLO{TTFT: float64(s.TTFT), ITL: float64(s.ITL)}
	if s.Quantile != nil {
		slo.Quantile = *s.Quantile
	}
	return slo
}
