package decide

import (
	"slices"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// readCapacities works out what a replica of each variant can serve of each signal. What is not known of a variant without
// replicas keeps only that variant out of the plan; of one that serves, it makes the signal say nothing.
func (d *decider) readCapacities(m *model) {
	for _, v := range m.variants {
		v.capacities, v.before = make([]float64, len(m.signals)), make([]float64, len(m.signals))
		for i, s := range m.signals {
			if !v.Carries(s.Signal) {
				continue // of another role
			}
			capacity := d.capacity(v, s)
			if capacity.Missing.OK() {
				v.capacities[i] = capacity.Number
				continue
			}
			if s.out.Ignored {
				continue
			}
			v.missing = capacity.Missing
			if serves(v.runs) && s.out.Planned != nil {
				s.silence(capacity.Missing)
			}
		}
	}
	for _, s := range m.signals {
		m.holdToQueue(s)
	}
}

// unserved makes a signal say nothing of which no capacity is known: its demand would stay unserved whatever is planned, and
// nothing planned for the others would help.
func (m *model) unserved() {
	for i, s := range m.signals {
		carried := slices.ContainsFunc(m.variants, func(v *variant) bool { return v.capacities[i] > 0 })
		if s.out.Planned != nil && *s.out.Planned > 0 && !carried {
			s.silence(match.Missing{Why: "no variant has a known capacity for it"})
		}
	}
}

// silence takes back what a signal says of its demand.
func (s *signal) silence(missing match.Missing) {
	s.out = Signal{Name: s.out.Name, Unit: s.out.Unit, Inputs: s.out.Inputs, Measured: s.out.Measured}
	s.miss(missing)
}

// capacity is what one replica of a variant can serve of a signal.
func (d *decider) capacity(v *variant, s *signal) match.Value {
	if v.Sized(s.Signal) {
		return d.size(v, s)
	}
	value := v.toldCapacity(s)
	if value.Missing.OK() && value.Number > 0 {
		value.Number = v.hold(s, value.Number)
	}
	return value
}

// toldCapacity is a capacity that does not follow from a profile.
func (v *variant) toldCapacity(s *signal) match.Value {
	value := v.read.Capacities[s.Place]
	if q := v.Capacities[s.Place].Query; value.Missing.OK() && value.Number == 0 && q != nil {
		// A server that starts, or one without requests all night, tells 0; only a 0 in the file says that a variant carries nothing.
		value.Missing = match.Missing{Input: q.Name, Why: "a capacity of 0"}
	}
	return value
}

// size asks the queueing model what a replica can serve. While there is no demand the lengths of requests are not known, nor needed.
func (d *decider) size(v *variant, s *signal) match.Value {
	if s.out.Planned == nil || *s.out.Planned == 0 {
		return match.Value{}
	}
	lengths, missing := lengthsOf(&s.read.Lengths)
	if !missing.OK() {
		return match.Value{Missing: missing}
	}
	profile := profileOf(v.Profile)
	if v.Profile.Corrected() {
		ratio, missing := v.correctionOf(s, profile, lengths)
		if !missing.OK() {
			return match.Value{Missing: missing}
		}
		slower, why := d.slowdown(v, s, profile, lengths)
		if why != "" {
			return match.Value{Missing: match.Missing{Input: s.Key(), Why: why}}
		}
		if slower > 0 {
			ratio = slower // the quantile itself was seen, where it is to be kept: it says more than a mean
		}
		v.correct(ratio)
		profile = profile.Scaled(ratio)
	}
	rate, why := d.Memory.sizes.capacity(profile, lengths, sloOf(v.model.SLO))
	if why != "" {
		return match.Value{Missing: match.Missing{Input: s.Key(), Why: why}}
	}
	if before, missing := lengthsOf(&s.read.Before); missing.OK() {
		if was, why := d.Memory.sizes.capacity(profile, before, sloOf(v.model.SLO)); why == "" {
			v.before[s.Place] = was
		}
	}
	return match.Value{Number: rate}
}

// lengthsOf are the lengths of a signal's requests. Where nothing is told of their variation, they count as all alike.
func lengthsOf(read *match.Lengths) (lengths latency.Lengths, missing match.Missing) {
	input, output := read.InputTokens, read.OutputTokens
	if missing = input.Missing.Or(output.Missing); !missing.OK() {
		return lengths, missing
	}
	lengths = latency.Lengths{Input: input.Number, Output: max(1, output.Number)}
	for _, cv := range []struct {
		read match.Value
		to   *float64
		mean float64
	}{{read.InputCV, &lengths.InputCV, lengths.Input}, {read.OutputCV, &lengths.OutputCV, lengths.Output - 1}} {
		switch why := cv.read.Missing; {
		case why.NoResult(), why.Why == match.NotGiven:
		case !why.OK():
			return lengths, why
		case cv.mean > 0:
			*cv.to = min(max(0, cv.read.Number), latency.MaxCV)
		}
	}
	return lengths, match.Missing{}
}

// The bounds of a correction. Believing that a replica serves more than it does is the costlier mistake, so a profile may be
// found less too slow than too fast.
const (
	fastestCorrection = 0.9
	slowestCorrection = 1.5
)

// correctionOf is the time between output tokens that a variant's replicas show per what the model says of the load that they
// have: above 1 they are slower than their profile. Without traffic there is nothing to correct by.
func (v *variant) correctionOf(s *signal, profile latency.Profile, lengths latency.Lengths) (ratio float64, missing match.Missing) {
	itl, running := v.read.ITL[s.Place], v.read.Running[s.Place]
	for _, observed := range []match.Value{itl, running} {
		switch {
		case observed.Missing.NoResult():
			return 1, match.Missing{}
		case !observed.Missing.OK():
			return 0, observed.Missing
		}
	}
	server, err := latency.NewServer(profile, lengths)
	if err != nil {
		return 0, match.Missing{Input: s.Key(), Why: err.Error()}
	}
	if itl.Number == 0 || running.Number == 0 {
		return 1, match.Missing{}
	}
	return min(max(itl.Number/server.Decode(max(1, running.Number)), fastestCorrection), slowestCorrection), match.Missing{}
}

func profileOf(p *config.Profile) latency.Profile {
	queue := latency.DefaultMaxQueue(p.MaxBatch)
	if p.MaxQueue != nil {
		queue = *p.MaxQueue
	}
	profile := latency.Profile{
		Alpha: float64(p.Alpha), Beta: float64(p.Beta), Gamma: float64(p.Gamma), MaxBatch: p.MaxBatch, MaxQueue: queue,
		MaxBatchTokens: p.MaxBatchTokens, KVTokens: float64(p.KVTokens),
	}
	if c := p.Chunk; c != nil {
		profile.Chunk = latency.Chunk{Alpha: float64(c.Alpha), Beta: float64(c.Beta), Gamma: float64(c.Gamma), Attention: float64(c.Attention), Longest: float64(c.Longest)}
	}
	return profile
}

func sloOf(s *config.SLO) latency.SLO {
	slo := latency.SLO{TTFT: float64(s.TTFT), ITL: float64(s.ITL)}
	if s.Quantile != nil {
		slo.Quantile = *s.Quantile
	}
	return slo
}
