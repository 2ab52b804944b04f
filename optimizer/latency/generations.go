package latency

// cacheGeneration is how many answers are kept before those not asked for
// meanwhile are dropped.
const cacheGeneration = 8192

// generations remembers the answers to questions that were asked of late. The
// zero value is ready to use. It must not be used concurrently.
type generations[Q comparable, A any] struct {
	recent, older map[Q]A
}

// get returns what is remembered, or works it out. An error is not remembered.
func (g *generations[Q, A]) get(question Q, work func() (A, error)) (A, error) {
	answer, known := g.recent[question]
	if known {
		return answer, nil
	}
	if answer, known = g.older[question]; !known {
		var err error
		if answer, err = work(); err != nil {
			return answer, err
		}
	}
	if len(g.recent) >= cacheGeneration {
		g.recent, g.older = nil, g.recent
	}
	if g.recent == nil {
		g.recent = map[Q]A{}
	}
	g.recent[question] = answer
	return answer, nil
}
