package query

import "time"

// Windows are read on a grid of 15 seconds. Shorter windows have a finer grid, and longer ones a coarser, which bounds the size
// of the answers. All grids lie at multiples of their step on the clock, for every evaluation alike.
const (
	gridStep   = 15 * time.Second
	longStep   = time.Minute
	shortStep  = 5 * time.Second
	finestStep = time.Second

	gridLeast = time.Minute
	gridMost  = 30 * time.Minute
	shortMost = 25 * time.Second

	stepsOfInput = 5 // that an input window has at least

	// Settled is the age from which on samples are complete: scrapes have been stored, and remote writes have arrived.
	Settled = 2 * time.Minute
)

// StepOf is the step of the grid that a window is read on.
func StepOf(window time.Duration) time.Duration {
	switch {
	case window < shortMost:
		return finestStep
	case window < gridLeast:
		return shortStep
	case window <= gridMost:
		return gridStep
	}
	return longStep
}
