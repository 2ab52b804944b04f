// Package calibrate fits the profiles of model servers to what has been seen of them: a benchmark's results, or a Prometheus'
// history. The fit itself is in package optimizer; here the observations are gathered, and the results written and drawn.
package calibrate

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// Subject is one model server and what was seen of it. Of a benchmark only the observations are known.
type Subject struct {
	Namespace string `json:"namespace,omitempty"`
	Model     string `json:"model,omitempty"`
	Variant   string `json:"variant,omitempty"`

	Observations []calibration.Observation `json:"-"`
	// Dropped is how many steps were left out, by reason.
	Dropped map[string]int `json:"dropped,omitempty"`
	// LeftOut says which runs of a benchmark were left out, and why.
	LeftOut []string `json:"left_out,omitempty"`

	// MaxBatch and MaxQueue are not measured but given.
	MaxBatch int `json:"max_batch"`
	MaxQueue int `json:"max_queue"`
	// MaxBatchTokens is given too, 0 without a bound.
	MaxBatchTokens int `json:"max_batch_tokens,omitempty"`
	// KVTokens is the size of the cache, likewise.
	KVTokens int `json:"kv_tokens,omitempty"`
	// asked says whose series were asked for; vLLM's where it is empty.
	asked string
	// SLO is nil where there are no targets to find a capacity for.
	SLO *latency.SLO `json:"slo,omitempty"`
}

// Result is a subject's profile and capacity, or why there is none.
type Result struct {
	Subject
	*calibration.Fitted
	// Profile is the fitted profile, as the command size takes it.
	Profile *latency.Profile `json:"profile,omitempty"`
	// Capacity is nil without an SLO.
	Capacity *calibration.Capacity `json:"capacity,omitempty"`
	// Floor is what the fewer observations of a benchmark say that do not determine a profile.
	Floor *Floor `json:"floor,omitempty"`
	// Error says why there is no calibration.
	Error string `json:"error,omitempty"`
}

// beyondBatch is how far, as a share, an estimate of the requests in service may be above the batch.
const beyondBatch = 0.05

// LeaveOutQueues leaves out the runs of a benchmark with more requests at once than fit into a batch. Those beyond it waited, so
// that neither the requests in service nor the time to the first token are what the run says.
func (s *Subject) LeaveOutQueues() {
	kept := s.Observations[:0:0]
	for i := range s.Observations {
		if n := s.Observations[i].Concurrency; n > (1+beyondBatch)*float64(s.MaxBatch) {
			s.LeftOut = append(s.LeftOut, fmt.Sprintf("run %d: %.4g requests at once are more than max_batch %d: some waited; give --max-batch if the server takes more", i+1, n, s.MaxBatch))
			continue
		}
		kept = append(kept, s.Observations[i])
	}
	s.Observations = kept
}

// UnlessExpr ends the error of a subject without observations: the flags of the command calibrate say what is asked for.
const UnlessExpr = " unless --expr flags say otherwise"

// Fit fits a subject's profile, and finds its capacity at the median lengths that were seen.
func Fit(s Subject) Result {
	r := Result{Subject: s}
	c, err := calibration.FitBudget(s.Observations, s.MaxBatchTokens)
	if err != nil {
		r.Error = err.Error()
		if s.Variant == "" && len(s.Observations) < calibration.MinObservations {
			r.Error += ": a run of a benchmark is one; run it with 1, 2, 4, ... requests at once, and give all results"
		}
		if e, ok := errors.AsType[*calibration.InsufficientError](err); ok && e.Few && s.Variant == "" && len(s.Observations) > 0 {
			if r.Floor, err = s.floor(); err != nil {
				r.Error += ". No capacity either: " + err.Error()
			}
		}
		if s.Variant != "" && len(s.Observations) == 0 && len(s.Dropped) == 0 {
			r.Error += fmt.Sprintf(": its replicas have none of the series asked for, which are %s%s", cmp.Or(s.asked, "vLLM's"), UnlessExpr)
		}
		return r
	}
	r.Fitted = c
	profile := c.Profile(s.MaxBatch, s.MaxQueue)
	profile.KVTokens = float64(s.KVTokens)
	r.Profile = &profile
	if s.SLO == nil {
		return r
	}
	capacity, err := c.Capacity(calibration.CapacityQuestion{
		SLO: *s.SLO, Lengths: c.Lengths(), MaxBatch: s.MaxBatch, MaxQueue: s.MaxQueue, KVTokens: profile.KVTokens,
	})
	if err != nil {
		r.Fitted, r.Profile, r.Error = nil, nil, fmt.Sprintf("capacity: %v", err)
		return r
	}
	r.Capacity = &capacity
	return r
}

// Failed tells whether a subject has neither a profile nor a floor.
func Failed(results []Result) bool {
	for i := range results {
		if results[i].Fitted == nil && results[i].Floor == nil {
			return true
		}
	}
	return len(results) == 0
}
