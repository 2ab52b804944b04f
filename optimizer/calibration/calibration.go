// Package calibration fits the profile of a model server to what was observed
// of it. It takes an [Observation] for each span of steady load and returns a
// [Fitted] profile with its intervals, errors and warnings, and the [Capacity]
// that the profile has within an SLO.
//
// It is pure and needs nothing but the standard library. docs/calibration.md
// says how to use it.
package calibration

import (
	"errors"
	"fmt"
	"math"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// Observation is what was observed of one replica over a span of steady load.
type Observation struct {
	// Concurrency is the mean number of requests in service.
	Concurrency float64
	// Lengths are the mean tokens of the requests.
	Lengths latency.Lengths
	// ITL is the mean time between output tokens, in seconds; 0 if it was
	// not observed.
	ITL float64
	// TTFT is the mean time to the first token of requests that did not wait
	// for service, in seconds; 0 if it was not observed.
	TTFT float64
	// Arrivals say when the requests came.
	Arrivals latency.Arrivals
	// Throughput are the requests completed per second, 0 if they were not
	// observed, and Quantiles what was measured besides the means, by rising
	// share. A profile is fitted to neither.
	Throughput float64
	Quantiles  []Quantile
}

// Rate is that of completions, in requests per second: as observed, or by
// Little's law. Without the throughput and the time to the first token it is
// not known, and 0.
func (o *Observation) Rate() float64 {
	if o.Throughput > 0 || o.TTFT == 0 {
		return o.Throughput
	}
	return o.Concurrency / (o.TTFT + max(0, o.Lengths.Output-1)*o.ITL)
}

// Quantile is what a share of the requests (TTFT) and of the tokens (ITL) did
// not exceed, in seconds; 0 if it was not observed.
type Quantile struct{ Share, TTFT, ITL float64 }

// Estimate is a value with its interval, at the Confidence.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Span is the range of observed values.
type Span struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// FitError says how far observations of one kind are from the fit.
type FitError struct {
	// Observations is how many there are, Outliers how many of them the fit
	// disregards.
	Observations int `json:"observations"`
	Outliers     int `json:"outliers"`
	// Median is the median deviation, as a share of the fitted value. It
	// includes the outliers.
	Median float64 `json:"median"`
	// R2 is the share of the variance that the fit explains, each observation
	// weighted as in the fit.
	R2 float64 `json:"r2"`
	// AtHighLoad is the median of observed minus fitted, as a share of the
	// fitted value, over the third with the highest concurrency. Above zero,
	// the server is slower there than the fit says.
	AtHighLoad float64 `json:"at_high_load"`
}

// Fitted is a profile fitted to observations.
type Fitted struct {
	// Alpha, Beta and Gamma are the coefficients of a Profile, in seconds.
	Alpha Estimate `json:"alpha"`
	Beta  Estimate `json:"beta"`
	Gamma Estimate `json:"gamma"`
	// Chunk are the coefficients of iterations that carry a chunk of a prompt,
	// where the observations tell them from those that only decode. Alpha, Beta
	// and Gamma are then those of the latter.
	Chunk *latency.Chunk `json:"chunk,omitempty"`
	// HeldOut is how far predictions are off for loads and lengths that were
	// left out of the fit.
	HeldOut HeldOut `json:"held_out"`
	// Separable is false if the observed lengths do not tell Beta and Gamma
	// apart. Gamma is then fixed at zero, and the intervals span all splits
	// between the two.
	Separable bool `json:"separable"`
	// Condition is the condition number of the three columns that the
	// coefficients multiply, each scaled to length one.
	Condition float64 `json:"condition"`
	// ITL and TTFT are the errors of the fit.
	ITL  FitError `json:"itl"`
	TTFT FitError `json:"ttft"`
	// Concurrency, Input and Output are the ranges observed.
	Concurrency Span `json:"concurrency"`
	Input       Span `json:"input_tokens"`
	Output      Span `json:"output_tokens"`
	// Warnings are sentences that say why the result should not be trusted.
	Warnings []string `json:"warnings"`

	rows     []equation
	weights  []float64
	spread   covariance // of the coefficients
	quantile float64    // of Student's t: half an interval in standard errors

	observations []Observation
	budget       int    // tokens in an iteration, 0 without a bound
	terms        *terms // of both kinds of iterations, or nil
}

// Confidence is the confidence level of all intervals.
const Confidence = 0.95

// MinObservations is the fewest observations that a profile is fitted to.
const MinObservations = 6

// leastSpan is the largest load over the smallest, from which on they differ.
const leastSpan = 1.02

// minConcurrency is the least mean number of requests in service accepted.
const minConcurrency = 1e-6

// InsufficientError says why the observations do not determine a profile.
type InsufficientError struct {
	Reason string
	// Few says that more loads of the same kind would do.
	Few bool
}

func (e *InsufficientError) Error() string { return "cannot fit a profile: " + e.Reason }

// Fit fits a profile to observations.
//
// With n requests of i input and o output tokens in service the model says
//
//	ITL  = alpha   + beta (n (i+o)/(o+1) + 1)      + gamma (n+1) (i + o/2)
//	TTFT = 2 alpha + beta (2n (i+o)/(o+1) + i + 1) + gamma ((2n+1) (i + o/2) + i)
//
// which is linear in alpha, beta and gamma: least squares gives them without a
// search. Errors are relative to the fitted value, with a scale of their own
// for ITL and TTFT. Tukey's biweight, started from Huber's, keeps outliers from
// moving the fit. The coefficients are not negative.
//
// Intervals come from the grouped jackknife with Student's t: up to 25 spans of
// neighbouring observations are left out one after another. Give observations
// in the order of time; the intervals then hold even if successive observations
// are correlated.
//
// An impossible value is a *latency.FieldError. Too few observations, or ones
// that hardly differ, are an *InsufficientError.
func Fit(observations []Observation) (*Fitted, error) { return FitBudget(observations, 0) }

// FitBudget is Fit for a server with a token budget of an iteration, 0 without
// one. The budget matters where prompts are longer than what is left of it.
//
// Where the observations have both latencies and iterations of two kinds explain
// them clearly better, the profile has the coefficients of chunks too.
func FitBudget(observations []Observation, maxBatchTokens int) (*Fitted, error) {
	c := &Fitted{observations: observations, budget: maxBatchTokens}
	for i := range observations {
		if err := observations[i].validate(fmt.Sprintf("observations[%d]", i)); err != nil {
			return nil, err
		}
		c.rows = append(c.rows, observations[i].rows(i)...)
	}
	if len(observations) < MinObservations {
		return nil, &InsufficientError{Reason: fmt.Sprintf("%d observations, at least %d are needed", len(observations), MinObservations), Few: true}
	}
	if err := checkUnits(observations); err != nil {
		return nil, err
	}
	c.see(observations)
	model, err := c.identify()
	if err != nil {
		return nil, err
	}
	if c.Concurrency.Max <= leastSpan*c.Concurrency.Min {
		return nil, &InsufficientError{Reason: fmt.Sprintf("all observations have about %.4g requests in service: what a request adds is not seen", c.Concurrency.Max), Few: true}
	}
	f := fitRobust(c.rows, model, true)
	if f.theta[alpha] < latency.MinTime {
		return nil, &InsufficientError{Reason: "the fixed time of an iteration comes out as zero: latency grows faster than in proportion " +
			"to the requests in service, which is not what this model describes; was it all seen at high load?"}
	}
	c.weights = f.weights
	c.estimate(model, f.theta, len(observations))
	c.HeldOut = holdOut(observations, linear)
	c.chooseChunks()
	c.ITL, c.TTFT = c.errors(kindITL), c.errors(kindTTFT)
	if e := &c.ITL; e.Observations > 0 && (e.R2 < 0 && e.Median > leastScatter || e.R2 < leastExplained && e.Median > trustedError) {
		return nil, &InsufficientError{Reason: fmt.Sprintf("R2 of itl is %.3g: the same time at every load would fit better. "+
			"Observations must be of one replica, and the concurrency that of its requests in service", c.ITL.R2)}
	}
	c.warn(len(observations))
	return c, nil
}

// Profile is the fitted profile of a server with the given batch and queue.
func (c *Fitted) Profile(maxBatch, maxQueue int) latency.Profile {
	p := c.coefficients().profile(maxBatch, maxQueue)
	p.MaxBatchTokens = c.budget
	if c.Chunk != nil {
		p.Chunk = *c.Chunk
	}
	return p
}

// Lengths are the median lengths observed.
func (c *Fitted) Lengths() latency.Lengths {
	return latency.Lengths{Input: c.Input.Median, Output: c.Output.Median}
}

func (c *Fitted) coefficients() coefficients {
	return coefficients{c.Alpha.Value, c.Beta.Value, c.Gamma.Value}
}

func (o *Observation) validate(path string) error {
	plausible := func(v float64) bool { return v == 0 || v >= latency.MinTime && v <= latency.MaxTime }
	switch {
	case !(o.Concurrency >= minConcurrency && o.Concurrency <= latency.MaxTokens):
		return &latency.FieldError{Path: path + ".concurrency", Reason: fmt.Sprintf("%g is not between %g and %g", o.Concurrency, minConcurrency, float64(latency.MaxTokens))}
	case !plausible(o.ITL):
		return &latency.FieldError{Path: path + ".itl", Reason: fmt.Sprintf("%g s is not between %g and %g", o.ITL, latency.MinTime, float64(latency.MaxTime))}
	case !plausible(o.TTFT):
		return &latency.FieldError{Path: path + ".ttft", Reason: fmt.Sprintf("%g s is not between %g and %g", o.TTFT, latency.MinTime, float64(latency.MaxTime))}
	case o.ITL == 0 && o.TTFT == 0:
		return &latency.FieldError{Path: path, Reason: "has neither itl nor ttft"}
	}
	if err := o.Lengths.Validate(); err != nil {
		if field, ok := errors.AsType[*latency.FieldError](err); ok {
			return &latency.FieldError{Path: path + "." + field.Path, Reason: field.Reason}
		}
		return err
	}
	return nil
}

// see records the ranges observed.
func (c *Fitted) see(observations []Observation) {
	span := func(of func(*Observation) float64) Span {
		values := make([]float64, len(observations))
		for i := range observations {
			values[i] = of(&observations[i])
		}
		return spanOf(values)
	}
	c.Concurrency = span(func(o *Observation) float64 { return o.Concurrency })
	c.Input = span(func(o *Observation) float64 { return o.Lengths.Input })
	c.Output = span(func(o *Observation) float64 { return o.Lengths.Output })
}

// Latency is the fitted latency at a load, with its interval: the time between
// output tokens, and the time to the first token of a request that does not
// wait. The interval covers the noise of the observations and the error at loads
// and lengths that were left out.
func (c *Fitted) Latency(concurrency float64, l latency.Lengths) (itl, ttft Estimate) {
	o := &Observation{Concurrency: concurrency, Lengths: l}
	valueITL, valueTTFT := c.says(o)
	at := func(value float64, x coefficients) Estimate {
		noise := 0.0
		if c.terms == nil {
			noise = c.quantile * math.Sqrt(c.spread.along(x))
		}
		half := math.Hypot(noise, c.HeldOut.worst()*value)
		return Estimate{Value: value, Low: max(0, value-half), High: value + half}
	}
	return at(valueITL, itlColumns(concurrency, l)), at(valueTTFT, ttftColumns(concurrency, l))
}

// says are the fitted latencies of an observation.
func (c *Fitted) says(o *Observation) (itl, ttft float64) {
	if c.terms != nil && o.Concurrency > 0 {
		return c.terms.says(o, c.budget)
	}
	return itlColumns(o.Concurrency, o.Lengths).dot(c.coefficients()), ttftColumns(o.Concurrency, o.Lengths).dot(c.coefficients())
}
