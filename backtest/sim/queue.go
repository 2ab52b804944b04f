package sim

// cohort is an amount of requests that arrived together.
type cohort struct {
	arrived  float64
	n        float64
	good     float64 // share that is within its targets so far
	patience float64 // 0: without end
}

// queue is cohorts in the order of their arrival.
type queue struct {
	cohorts []cohort
	total   float64
}

func (q *queue) push(c cohort) {
	q.cohorts = append(q.cohorts, c)
	q.total += c.n
}

// take removes an amount from the front.
func (q *queue) take(n float64) []cohort {
	var taken []cohort
	for n > 1e-12 && len(q.cohorts) > 0 {
		c := &q.cohorts[0]
		if c.n > n {
			part := *c
			part.n = n
			c.n -= n
			q.total -= n
			return append(taken, part)
		}
		n -= c.n
		q.total -= c.n
		taken = append(taken, *c)
		q.shift()
	}
	return taken
}

// expire removes those whose patience has ended. It looks at the front only: those behind have waited less.
func (q *queue) expire(now float64, each func(cohort)) {
	for len(q.cohorts) > 0 {
		c := q.cohorts[0]
		if c.patience == 0 || now-c.arrived < c.patience {
			return
		}
		q.total -= c.n
		q.shift()
		each(c)
	}
}

func (q *queue) drain() []cohort {
	all := q.cohorts
	*q = queue{}
	return all
}

func (q *queue) shift() {
	q.cohorts = q.cohorts[1:]
	if len(q.cohorts) == 0 {
		q.cohorts, q.total = q.cohorts[:0], 0
	}
}
