package optimizer

import "fmt"

// Solve returns the best plan for the problem, in the order of objectives that
// the package comment states. The error is a *FieldError about an invalid
// problem; a valid problem always gets a plan.
func Solve(p Problem, o Options) (Plan, error) {
	if err := p.validate(); err != nil {
		return Plan{}, fmt.Errorf("check problem: %w", err)
	}
	in := compile(&p)
	w := newWork(o)
	s := &search{work: w}
	points := make([][]int, len(in.models))
	optimal := true
	for i, m := range in.models {
		m.relaxMinimum()
		k, _, _ := s.solveAlone(m)
		points[i] = k
	}
	plan := in.assemble(&p, points)
	if optimal {
		plan.Status = StatusOptimal
	}
	return plan, nil
}
