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

// Observation is what was seen of one replica over a span of steady load.
type Observation struct {
	// Concurrency is the mean number of requests in service.
	Concurrency float64
	// Lengths are the mean tokens of the requests.
	Lengths latency.Lengths
	// ITL is the mean time between output tokens, in seconds; 0 where it was
	// not seen.
	ITL float64
	// TTFT is the mean time to the first token of requests that did not wait
	// for service, in seconds; 0 where it was not seen.
	TTFT float64
}

// Estimate is a value with its interval, at the Confidence.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Span is the range in which something was seen.
type Span struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// FitError tells how far observations of one kind lie from the fit.
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
	// AtHighLoad is the median of the observed less the fitted, as a share of
	// the fitted value, over the third with the highest concurrency. Above
	// zero the server is slower there than the fit says.
	AtHighLoad float64 `json:"at_high_load"`
}

// Fitted is a profile fitted to observations.
type Fitted struct {
	// Alpha, Beta and Gamma are the coefficients of a Profile, in seconds.
	Alpha Estimate `json:"alpha"`
	Beta  Estimate `json:"beta"`
	Gamma Estimate `json:"gamma"`
	// Separable is not set where the lengths seen do not tell Beta and Gamma
	// apart. Gamma is then fixed at zero, and the intervals span what any
	// other split between the two would make of all three.
	Separable bool `json:"separable"`
	// Condition is the condition number of the three columns that the
	// coefficients multiply, each scaled to length one.
	Condition float64 `json:"condition"`
	// ITL and TTFT are the errors of the fit.
	ITL  FitError `json:"itl"`
	TTFT FitError `json:"ttft"`
	// Concurrency, Input and Output are what was seen.
	Concurrency Span `json:"concurrency"`
	Input       Span `json:"input_tokens"`
	Output      Span `json:"output_tokens"`
	// Warnings say why the result should not be trusted, in sentences.
	Warnings []string `json:"warnings"`

	rows     []equation
	weights  []float64
	spread   covariance // of the coefficients
	quantile float64    // of Student's t: half an interval in standard errors
}

// Confidence is that of all intervals of a calibration.
const Confidence = 0.95

// MinObservations is the fewest observations that a profile is fitted to.
const MinObservations = 6

// minConcurrency is the least mean of requests in service that is taken.
const minConcurrency = 1e-6

// InsufficientError says why observations do not determine a profile.
type InsufficientError struct{ Reason string }

func (e *InsufficientError) Error() string { return "cannot fit a profile: " + e.Reason }

// Fit fits a profile to observations.
//
// With n requests of i input and o output tokens in service the model says
//
//	ITL  = alpha   + beta (n (i+o)/(o+1) + 1)      + gamma (n+1) (i + o/2)
//	TTFT = 2 alpha + beta (2n (i+o)/(o+1) + i + 1) + gamma ((2n+1) (i + o/2) + i)
//
// which is linear in alpha, beta and gamma, so that they follow from least
// squares with no search. Errors are taken relative to the fitted value, on a
// scale of their own for ITL and TTFT, and bounded by Tukey's biweight (from
// a start by Huber's), so that outliers do not move the fit. The coefficients
// are not negative.
//
// Intervals come from leaving out one after another of up to 25 spans of
// neighbouring observations (the grouped jackknife), with Student's t. Give
// observations in the order of time, then they hold also where what is seen at
// one time resembles what was seen just before.
//
// Observations with a value that is not possible are an error (*latency.FieldError);
// too few of them, or ones that hardly differ, are an *InsufficientError.
func Fit(observations []Observation) (*Fitted, error) {
	c := &Fitted{}
	for i := range observations {
		if err := observations[i].validate(fmt.Sprintf("observations[%d]", i)); err != nil {
			return nil, err
		}
		c.rows = append(c.rows, observations[i].rows(i)...)
	}
	if len(observations) < MinObservations {
		return nil, &InsufficientError{fmt.Sprintf("%d observations, at least %d are needed", len(observations), MinObservations)}
	}
	c.see(observations)
	model, err := c.identify()
	if err != nil {
		return nil, err
	}
	f := fitRobust(c.rows, model, true)
	if f.theta[alpha] < latency.MinTime {
		return nil, &InsufficientError{"the fixed time of an iteration comes out as zero: latency grows faster than in proportion " +
			"to the requests in service, which is not what this model describes; was it all seen at high load?"}
	}
	c.weights = f.weights
	c.estimate(model, f.theta, len(observations))
	c.ITL, c.TTFT = c.errors(kindITL), c.errors(kindTTFT)
	c.warn(len(observations))
	return c, nil
}

// Profile is the fitted profile of a server that takes so many requests.
func (c *Fitted) Profile(maxBatch, maxQueue int) latency.Profile {
	return c.coefficients().profile(maxBatch, maxQueue)
}

// Lengths are the median lengths that were seen.
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
		return &latency.FieldError{Path: path + ".concurrency", Reason: fmt.Sprintf("%g is not within %g and %g", o.Concurrency, minConcurrency, float64(latency.MaxTokens))}
	case !plausible(o.ITL):
		return &latency.FieldError{Path: path + ".itl", Reason: fmt.Sprintf("%g s is not within %g and %g", o.ITL, latency.MinTime, float64(latency.MaxTime))}
	case !plausible(o.TTFT):
		return &latency.FieldError{Path: path + ".ttft", Reason: fmt.Sprintf("%g s is not within %g and %g", o.TTFT, latency.MinTime, float64(latency.MaxTime))}
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

// see notes what was seen.
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

// Latency is what the fit says at a load, with its interval: the time between
// output tokens and, of a request that need not wait, to the first token.
func (c *Fitted) Latency(concurrency float64, l latency.Lengths) (itl, ttft Estimate) {
	at := func(x coefficients) Estimate {
		value := c.coefficients().dot(x)
		half := c.quantile * math.Sqrt(c.spread.along(x))
		return Estimate{Value: value, Low: max(0, value-half), High: value + half}
	}
	return at(itlColumns(concurrency, l)), at(ttftColumns(concurrency, l))
}
