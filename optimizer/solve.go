package optimizer

import (
	"fmt"
	"slices"
)

// Solve returns the best plan for the problem, in the order of objectives of the
// package comment. An invalid problem is a *FieldError; a valid problem always
// gets a plan.
func Solve(p Problem, o Options) (Plan, error) {
	plan, s, err := solve(&p, o)
	if err != nil {
		return Plan{}, err
	}
	s.reasons(&p, &plan, s.points)
	defer s.work.part(explainPart)()
	s.explain(&plan)
	return plan, nil
}

// solve is Solve without the explanation.
func solve(p *Problem, o Options) (Plan, *solver, error) {
	if err := p.validate(); err != nil {
		return Plan{}, nil, fmt.Errorf("check problem: %w", err)
	}
	in, w := compile(p), newWork(o)
	s := &solver{instance: in, work: w, search: &search{work: w}, proven: true}
	s.solveModels()
	s.solveGroups()
	plan := in.assemble(p, s.points)
	s.prove(&plan)
	return plan, s, nil
}

// explainPart is the share of the remaining work that may be spent on the cost of
// the alternatives of a plan.
const explainPart = 0.15

// solver is one run of Solve.
type solver struct {
	*instance
	work   *work
	search *search
	// points holds the plan, home the group of each model that has one, gaps
	// the optimality gap of each model without.
	points [][]int
	home   []*group
	gaps   []float64
	ties   []bool
	groups []*group
	// demands is what each row would need so as never to bind.
	demands []float64
	// shortGap is the optimality gap of the shortfalls; proven says that all
	// objectives are proven.
	shortGap float64
	proven   bool
}

// prove states in the plan what is proven about it.
func (s *solver) prove(plan *Plan) {
	gap := 0.0
	for i, home := range s.home {
		if home == nil {
			gap += s.gaps[i]
			s.proven = s.proven && s.ties[i]
		}
	}
	for _, g := range s.groups {
		gap += g.costGap
		s.proven = s.proven && g.proven
	}
	plan.ShortfallGap = s.shortGap
	total := (plan.Cost + plan.StartCost) * s.scale
	if off := s.rounding * replicasOf(plan); off > Tolerance*total {
		gap += off // costs that differ by less were not told apart
	}
	if gap > 0 {
		plan.Gap = min(1, gap/max(gap, total))
	}
	if s.proven && gap == 0 && s.shortGap == 0 {
		plan.Status = StatusOptimal
	}
}

// replicasOf counts the replicas of a plan.
func replicasOf(plan *Plan) float64 {
	replicas := 0.0
	for i := range plan.Models {
		for _, v := range plan.Models[i].Variants {
			replicas += float64(v.Replicas)
		}
	}
	return replicas
}

// solveModels plans every model as if it shared nothing. If that keeps the
// budgets, it is the optimum.
func (s *solver) solveModels() {
	n := len(s.models)
	s.points, s.home = make([][]int, n), make([]*group, n)
	s.gaps, s.ties = make([]float64, n), make([]bool, n)
	for i, m := range s.models {
		m.relaxMinimum()
		s.points[i], s.gaps[i], s.ties[i] = s.search.solveAlone(m)
	}
}

// solveGroups plans together the models that compete for budgets, unless
// their plans by themselves keep the budgets.
func (s *solver) solveGroups() {
	s.groups = s.compete()
	open := s.groups[:0:0]
	for _, g := range s.groups {
		wanted := make([][]int, len(g.at))
		for i, at := range g.at {
			wanted[i] = s.points[at]
			g.costGap += s.gaps[at]
			g.alone += s.models[at].cost(wanted[i]) - s.gaps[at]
			g.proven = g.proven && s.ties[at]
		}
		if g.fits(wanted) {
			g.plan, g.settled, g.unbound = wanted, true, true
			copy(g.caps, g.floors)
			continue
		}
		g.costGap, g.proven = 0, true
		open = append(open, g)
		for _, m := range g.models {
			m.restoreMinimum()
		}
		if !g.serveAll() {
			g.serveNothing(wanted)
		}
	}
	if len(open) == 0 {
		return
	}
	s.shareOut()
	for at, g := range open {
		g.lowerRest(len(open) - at)
		for i, at := range g.at {
			s.points[at] = g.plan[i]
		}
	}
}

// shareOut minimises the shortfalls, priority by priority: first the largest over
// all models, then in every group the sum.
func (s *solver) shareOut() {
	alone := map[int]float64{}
	var priorities []int
	for i, m := range s.models {
		priorities = append(priorities, m.priority)
		if s.home[i] == nil {
			alone[m.priority] = max(alone[m.priority], m.shortfall(s.points[i]))
		}
	}
	slices.Sort(priorities)
	priorities = slices.Compact(priorities)
	if len(priorities) > fewPriorities {
		defer s.work.part(manyShare)()
	}
	for at, priority := range priorities {
		end := s.work.part(min(1, fewPriorities/float64(len(priorities)-at)))
		s.shareOutOne(priority, alone[priority])
		end()
	}
}

// Of the work that is left, many priorities together may take manyShare. Each may
// take as much as if fewPriorities like it were left.
const (
	fewPriorities = 4
	manyShare     = 0.6
)

// shareOutOne is shareOut for one priority; alone is the largest shortfall of
// the models that share nothing.
func (s *solver) shareOutOne(priority int, alone float64) {
	largest, bound := alone, alone
	for _, g := range s.groups {
		c := g.class(priority)
		if c == nil {
			continue
		}
		low, _ := g.shortfalls(c)
		if !g.settled {
			low = g.lowerLargest(c)
		}
		bound = max(bound, low)
		reached, _ := g.shortfalls(c)
		largest = max(largest, reached)
	}
	gap := max(0, largest-bound)
	for _, g := range s.groups {
		if c := g.class(priority); c != nil && !g.settled {
			gap = max(gap, g.lowerSum(c, largest))
		}
	}
	s.shortGap = max(s.shortGap, gap)
}
