package latency_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// iterate simulates what the model averages over, iteration by iteration, as
// vLLM works without chunks: whole prompts hold up everyone in the batch, the
// prefill yields the first token, contexts grow token by token, and who comes
// during an iteration waits for the next. Lengths are those of the mean, or
// exponential around it.
func (c simulation) iterate() measured {
	type running struct {
		arrived, last float64
		input, output float64
		done          float64 // iterations
	}
	p, l := c.profile, c.lengths
	rng := rand.New(rand.NewPCG(c.seed, 1))
	var (
		m              measured
		waiting, batch []*running
		now, area      float64
		arrival        = rng.ExpFloat64() / c.rate
	)
	for left := c.requests; left > 0 || len(batch)+len(waiting) > 0; {
		for ; arrival <= now && left > 0; left-- {
			r := &running{arrived: arrival, input: l.Input, output: l.Output}
			if !c.fixed {
				r.input, r.output = l.Input*rng.ExpFloat64(), math.Ceil((l.Output-0.5)*rng.ExpFloat64())
			}
			waiting = append(waiting, r)
			arrival += rng.ExpFloat64() / c.rate
		}
		for len(waiting) > 0 && len(batch) < p.MaxBatch {
			batch, waiting = append(batch, waiting[0]), waiting[1:]
		}
		if len(batch) == 0 {
			now = arrival
			continue
		}
		took := p.Alpha
		for _, r := range batch {
			if r.done == 0 {
				took += (p.Beta + p.Gamma) * r.input
			} else {
				took += p.Beta + p.Gamma*(r.input+r.done)
			}
		}
		now += took
		area += took * float64(len(batch))
		for _, r := range batch {
			r.done++
			if r.done == 1 {
				m.ttft = append(m.ttft, now-r.arrived)
			} else {
				m.itl = append(m.itl, now-r.last)
			}
			r.last = now
		}
		batch = slices.DeleteFunc(batch, func(r *running) bool { return r.done >= r.output })
	}
	m.inService = area / now
	slices.Sort(m.ttft)
	slices.Sort(m.itl)
	return m
}

// TestModelAgainstIterations measures what averaging over iterations leaves
// out. docs/latency.md has the table.
func TestModelAgainstIterations(t *testing.T) {
	mean := func(xs []float64) float64 {
		sum := 0.0
		for _, x := range xs {
			sum += x
		}
		return sum / float64(len(xs))
	}
	for _, c := range []struct{ input, output float64 }{{100, 400}, {800, 200}, {4000, 30}} {
		for _, fixed := range []bool{true, false} {
			for _, load := range []float64{0.3, 0.6, 0.8} {
				p := latency.Profile{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 256, MaxQueue: 2560}
				l := latency.Lengths{Input: c.input, Output: c.output}
				s := server(t, p, l)
				rate := load * s.MaxRate()
				m := simulation{profile: p, lengths: l, rate: rate, requests: 8000, fixed: fixed, seed: 1}.iterate()
				got := s.Means(rate)
				inService, itl, ttft := got.InService/m.inService-1, got.ITL/mean(m.itl)-1, got.TTFT/mean(m.ttft)-1
				late := 1 - share(m.ttft, s.TTFTQuantile(rate, 0.95))
				slow := 1 - share(m.itl, s.ITLQuantile(rate, 0.95))
				what := fmt.Sprintf("fixed %t, input %4g, output %3g, load %g", fixed, c.input, c.output, load)
				t.Logf("%s: in service %+5.1f %%, mean itl %+5.1f %%, mean ttft %+5.1f %%; later than p95 of ttft: %4.1f %%, of itl %4.1f %%",
					what, 100*inService, 100*itl, 100*ttft, 100*late, 100*slow)
				switch {
				case !fixed:
					if late < 0.1 {
						t.Errorf("%s: %.3f later than p95 of ttft, where the docs warn of more", what, late)
					}
				case c.input <= 800:
					if math.Abs(inService) > 0.1 || math.Abs(itl) > 0.1 || late > 0.08 || slow > 0.15 {
						t.Errorf("%s: further off than the docs say", what)
					}
				case late > 0.2 || slow > 0.15:
					t.Errorf("%s: further off than the docs say", what)
				}
			}
		}
	}
}
