package calibration

import "fmt"

// What no server shows, but milliseconds taken as seconds do.
const (
	slowestToken  = 1.0  // seconds between tokens
	firstOverNext = 3000 // time to the first token over that to the next
)

// checkUnits refuses times that look like milliseconds.
func checkUnits(observations []Observation) error {
	var itl, ttft []float64
	for i := range observations {
		if o := &observations[i]; o.ITL > 0 {
			itl = append(itl, o.ITL)
			if o.TTFT > 0 {
				ttft = append(ttft, o.TTFT)
			}
		}
	}
	next, first := median(itl), median(ttft)
	switch {
	case next > slowestToken:
		return &InsufficientError{Reason: fmt.Sprintf("itl is %.4g s (median): no server takes that long for a token; times are in seconds, and these look like milliseconds", next)}
	case next > 0 && first > firstOverNext*next:
		return &InsufficientError{Reason: fmt.Sprintf("ttft is %.4g s where itl is %.4g s (medians): times are in seconds, and ttft looks like milliseconds", first, next)}
	}
	return nil
}

// milliseconds is how many observations have a time between tokens that no
// server shows. Where most have, checkUnits refuses them.
func (c *Fitted) milliseconds() int {
	count := 0
	for i := range c.observations {
		if c.observations[i].ITL > slowestToken {
			count++
		}
	}
	return count
}
