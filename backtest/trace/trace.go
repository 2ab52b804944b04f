// Package trace reads recorded load in the public formats.
package trace

import "time"

// Trace is recorded load: either single requests or windows with a rate.
type Trace struct {
	Requests []Request     // in the order of time, the first at 0
	Windows  []Window      // one after the other, the first from 0
	Every    time.Duration // length of a window
}

// Request is one recorded request.
type Request struct {
	At            time.Duration
	Input, Output int // tokens
}

// Window is what was recorded of a stretch of time.
type Window struct {
	Rate          float64 // requests per second
	Burstiness    float64 // variance / mean of the arrivals per 5 s; 1 where it was not recorded
	Input, Output float64 // mean tokens; 0 where they were not recorded
}
