package latency

// transitions are the shares with which one state of a mixture follows another.
// No state is more than reach below the one before.
type transitions struct {
	to    [bins][bins]float64
	reach int
}

const (
	leastDown = 1e-30  // share with which a state is left downwards
	mostShare = 1e+100 // that a weight may grow to
)

// stationary is the distribution that stays, by the elimination of W. Grassmann,
// M. Taksar and D. Heyman (Operations Research, 1985): state by state, from the
// highest down, without a subtraction. It overwrites the transitions.
func (c *transitions) stationary() (share [bins]float64) {
	for n := bins - 1; n > 0; n-- {
		lowest, down := max(0, n-c.reach), 0.0
		for _, part := range c.to[n][lowest:n] {
			down += part
		}
		down = max(down, leastDown)
		last := c.to[n][lowest:n]
		for i := range n {
			part := c.to[i][n] / down
			c.to[i][n] = part
			if part == 0 {
				continue
			}
			for j, back := range last {
				c.to[i][lowest+j] += part * back
			}
		}
	}
	share[0] = 1
	all := 1.0
	for n := 1; n < bins; n++ {
		for i, part := range share[:n] {
			share[n] += part * c.to[i][n]
		}
		if all += share[n]; all > mostShare {
			scale(share[:n+1], 1/all)
			all = 1
		}
	}
	scale(share[:], 1/all)
	return share
}

func scale(xs []float64, by float64) {
	for i := range xs {
		xs[i] *= by
	}
}
