// Package calibrate fits the profiles of model servers to what has been seen of them: a benchmark's results, or a Prometheus'
// history. The fit itself is in package optimizer; here the observations are gathered, and the results written and drawn.
package calibrate

import (
	"fmt"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// Subject is one model server and what was seen of it. Of a benchmark only the observations are known.
type Subject struct {
	Namespace string `json:"namespace,omitempty"`
	Model     string `json:"model,omitempty"`
	Variant   string `json:"variant,omitempty"`

	Observations []optimizer.Observation `json:"-"`
	// Dropped is how many steps were left out, by reason.
	Dropped map[string]int `json:"dropped,omitempty"`

	// MaxBatch and MaxQueue are not measured but given.
	MaxBatch int `json:"max_batch"`
	MaxQueue int `json:"max_queue"`
	// SLO is nil where there are no targets to find a capacity for.
	SLO *optimizer.SLO `json:"slo,omitempty"`
}

// Result is a subject's profile and capacity, or why there is none.
type Result struct {
	Subject
	*optimizer.Calibration
	// Capacity is nil without an SLO.
	Capacity *optimizer.CalibratedCapacity `json:"capacity,omitempty"`
	// Error says why there is no calibration.
	Error string `json:"error,omitempty"`
}

// Fit fits a subject's profile, and finds its capacity at the median lengths that were seen.
func Fit(s Subject) Result {
	r := Result{Subject: s}
	c, err := optimizer.Calibrate(s.Observations)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	r.Calibration = c
	if s.SLO == nil {
		return r
	}
	capacity, err := c.Capacity(optimizer.CapacityQuestion{SLO: *s.SLO, Lengths: c.Lengths(), MaxBatch: s.MaxBatch, MaxQueue: s.MaxQueue})
	if err != nil {
		r.Calibration, r.Error = nil, fmt.Sprintf("capacity: %v", err)
		return r
	}
	r.Capacity = &capacity
	return r
}

// Failed tells whether a subject has no profile.
func Failed(results []Result) bool {
	for i := range results {
		if results[i].Calibration == nil {
			return true
		}
	}
	return len(results) == 0
}
