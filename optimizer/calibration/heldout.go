package calibration

import (
	"cmp"
	"math"
	"slices"
)

// HeldOut are the errors of predictions of the time between output tokens that
// were not fitted: how far a fit to the other observations is off.
type HeldOut struct {
	// ByLoad is the error at loads that are left out, ByLengths that at
	// lengths: the root of the mean square, as a share. ByLengths is 0 if all
	// lengths are alike, and ByLoad if there are too few observations to leave
	// one out.
	ByLoad    float64 `json:"by_load"`
	ByLengths float64 `json:"by_lengths"`
}

// worst is the larger error.
func (h HeldOut) worst() float64 { return max(h.ByLoad, h.ByLengths) }

const (
	loadFolds      = 3
	lengthFolds    = 4
	lengthDistance = 1.25 // lengths that differ by less are alike
)

// predict fits observations and returns the deviations at others.
type predict func(fitted, left []Observation) []float64

// holdOut leaves out one part of the loads, and of the lengths, after the other.
func holdOut(observations []Observation, p predict) HeldOut {
	load := func(o *Observation) float64 { return o.Concurrency }
	folds := loadFolds
	if count := len(observations); count-(count+folds-1)/folds < MinObservations {
		folds = count // of a few, one after the other
	}
	return HeldOut{
		ByLoad:    p.errorOf(observations, byRank(observations, load, folds)),
		ByLengths: p.errorOf(observations, byLengths(observations)),
	}
}

// errorOf is the error at the folds that are left out.
func (p predict) errorOf(observations []Observation, fold []int) float64 {
	folds := slices.Max(fold) + 1
	if folds < 2 {
		return 0
	}
	var all []float64
	for f := range folds {
		var in, out []Observation
		for i := range observations {
			if fold[i] == f {
				out = append(out, observations[i])
			} else {
				in = append(in, observations[i])
			}
		}
		if len(in) < MinObservations {
			continue
		}
		all = append(all, p(in, out)...)
	}
	return rootMeanSquare(all)
}

// byRank puts observations into folds of the same size by a value.
func byRank(observations []Observation, of func(*Observation) float64, folds int) []int {
	order := make([]int, len(observations))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(of(&observations[a]), of(&observations[b])) })
	fold := make([]int, len(observations))
	for rank, i := range order {
		fold[i] = rank * folds / len(order)
	}
	return fold
}

// byLengths puts observations of lengths that are alike into one fold.
func byLengths(observations []Observation) []int {
	alike := func(a, b float64) bool { return max(a, b) <= lengthDistance*max(min(a, b), 1) }
	var seen []Observation
	fold := make([]int, len(observations))
	for i := range observations {
		l := observations[i].Lengths
		at := slices.IndexFunc(seen, func(o Observation) bool { return alike(o.Lengths.Input, l.Input) && alike(o.Lengths.Output, l.Output) })
		if at < 0 {
			at = len(seen)
			seen = append(seen, observations[i])
		}
		fold[i] = at % lengthFolds
	}
	return fold
}

// linear predicts by the published model alone.
func linear(in, out []Observation) []float64 {
	f := fitLinear(in)
	var all []float64
	for i := range out {
		for _, r := range out[i].rows(i) {
			if r.kind == kindITL {
				all = append(all, math.Log(max(r.columns.dot(f), 1e-9)/r.seen))
			}
		}
	}
	return all
}

// fitLinear fits the published model, with gamma if the observations tell it.
func fitLinear(observations []Observation) coefficients {
	c := &Fitted{}
	for i := range observations {
		c.rows = append(c.rows, observations[i].rows(i)...)
	}
	model, _ := c.identify() // where it cannot tell, the error shows it
	return fitRobust(c.rows, model, true).theta
}

// chunked predicts by both kinds of iterations.
func chunked(budget int) predict {
	return func(in, out []Observation) []float64 {
		t := fitChunks(in, budget, fitLinear(in))
		return t.deviations(out, budget)
	}
}
