package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// around plans again without relying on autoscalers that do not follow, and on pods that find no node, and returns what is asked for: both
// may change at any time, so that their variants are asked for as before, as far as the budgets have room.
func (d *decider) around(problem optimizer.Problem, s *solution, o optimizer.Options) (optimizer.Plan, error) {
	for left := d.unfollowed(&s.plan); left > 0; {
		bounded := optimizer.Constrain(d.withMinimums(problem, func(v *variant) bool { return v.reached != nil }), d.relied())
		plan, err := optimizer.Solve(bounded, o)
		if err != nil {
			return s.plan, err //nolint:wrapcheck // Solve says what it was doing.
		}
		dropped := d.nobodyElse(&s.plan, &plan)
		if left -= dropped; dropped == 0 {
			asked := d.stillAsked(&bounded, &plan, &s.plan)
			s.problem, s.plan = bounded, plan
			return asked, nil
		}
	}
	return s.plan, nil
}

// unfollowed notes the variants whose autoscalers do not follow or whose pods find no node, and returns how many there are.
func (d *decider) unfollowed(plan *optimizer.Plan) int {
	found := 0
	for i, m := range d.models {
		if m.known == optimizer.KnownNothing {
			continue
		}
		for j, v := range m.variants {
			n, planned := v.runs.Current.N, plan.Models[i].Variants[j].Replicas
			if n == nil || v.stuck != nil {
				continue
			}
			if placed, ok := v.placed(); ok && planned > placed {
				v.reached, v.unplaced = &placed, true
				found++
			} else if planned > *n && d.waitsInVain(v) {
				v.reached = n
				found++
			}
		}
	}
	return found
}

// withMinimums is a problem in which some variants have no more than their own minimums: what is new or ordered is no reason to keep it where
// no more is relied on of a variant than it has, and the guards keep it only as far as the budgets have room.
func (d *decider) withMinimums(p optimizer.Problem, of func(*variant) bool) optimizer.Problem {
	p.Models = slices.Clone(p.Models)
	for i, m := range d.models {
		p.Models[i].Variants = slices.Clone(p.Models[i].Variants)
		for j, v := range m.variants {
			if of(v) {
				p.Models[i].Variants[j].Min = v.minimum
			}
		}
	}
	return p
}

// relied is the state in which no more is relied on of such variants than they have.
func (d *decider) relied() optimizer.State {
	s := d.state()
	for i, m := range d.models {
		s.Models[i].Variants = slices.Clone(s.Models[i].Variants)
		for j, v := range m.variants {
			if v.reached != nil {
				s.Models[i].Variants[j].Stuck = v.reached
			}
		}
	}
	return s
}

// nobodyElse drops the note on the variants of models of which no other variant takes over, and returns how many these were.
func (d *decider) nobodyElse(before, after *optimizer.Plan) int {
	dropped := 0
	for i, m := range d.models {
		taken := false
		for j, v := range m.variants {
			taken = taken || v.reached == nil && after.Models[i].Variants[j].Replicas > before.Models[i].Variants[j].Replicas
		}
		for _, v := range m.variants {
			if v.reached != nil && !taken {
				v.reached, v.unplaced = nil, false
				dropped++
			}
		}
	}
	return dropped
}

// stillAsked adds to a plan what the plan before it has more of such variants, within the budgets.
func (d *decider) stillAsked(p *optimizer.Problem, plan, before *optimizer.Plan) optimizer.Plan {
	out := *plan
	out.Models = slices.Clone(plan.Models)
	left := map[string]float64{}
	for _, b := range plan.Budgets {
		left[b.Name] = b.Limit*(1+optimizer.Tolerance) - b.Used
	}
	for i, m := range d.models {
		variants := slices.Clone(plan.Models[i].Variants)
		out.Models[i].Variants = variants
		for j, v := range m.variants {
			if v.reached == nil {
				continue
			}
			wanted, uses := before.Models[i].Variants[j], p.Models[i].Variants[j].Uses
			for variants[j].Replicas < wanted.Replicas && takeOne(left, uses) {
				variants[j].Replicas++
				variants[j].Reason = wanted.Reason
			}
		}
	}
	return out
}

// takeOne takes what one replica uses, if there is room.
func takeOne(left, uses map[string]float64) bool {
	for b, use := range uses {
		if use > left[b] {
			return false
		}
	}
	for b, use := range uses {
		left[b] -= use
	}
	return true
}

// followTimeout is how long an autoscaler may take to follow. Autoscalers act within half a minute, and the windows that some have for
// scaling up are shorter than this.
const followTimeout = 5 * time.Minute

// waitsInVain reports whether more replicas of a variant were needed for longer than an autoscaler takes to follow, their number has not
// changed in that time, and nothing but the autoscaler can have kept it where it is: no limit on change of our own, and no budget.
func (d *decider) waitsInVain(v *variant) bool {
	timeout := min(time.Duration(*v.ProvisionTimeout), followTimeout)
	if timeout == 0 || d.Fleet != nil {
		return false
	}
	held, since := time.Duration(0), v.unchanged()
	if limit := v.model.ScaleUpLimit; v.model.limitedUp {
		held = time.Duration(*limit.Per) // so long the limit kept it
	}
	if since < held+timeout {
		return false
	}
	for _, s := range v.model.signals {
		if v.capacities[s.Place] > 0 && s.lacked(timeout, since-held) {
			return d.hadRoom(v, timeout)
		}
	}
	return false
}

// unchanged is for how long as many replicas of a variant have been asked for as now, as far as is known.
func (v *variant) unchanged() time.Duration {
	asked, since := v.runs.Starts.Current, time.Duration(0)
	for i, n := range slices.Backward(asked.Values) {
		if math.IsNaN(n) {
			continue
		}
		if int(n) != *v.runs.Current.N {
			break
		}
		since = asked.Ago(i)
	}
	if steps := asked.Over(since); !enough(forecast.Known(steps), len(steps)) {
		return 0
	}
	return since
}

// lacked reports whether the demand for a signal exceeded what was asked for throughout some time, and ever since exceeds what of that was asked for
// at its beginning. What was added since may stand in for the rest and does not count: else the rest would be relied on again as soon as it is there.
func (s *signal) lacked(over, since time.Duration) bool {
	demand, missing := s.pastDemand(func(x *match.Demand) match.Past { return x.Starts })
	if !missing.OK() || s.out.Planned == nil {
		return false
	}
	stuck := make([]float64, len(s.model.variants))
	for i, v := range s.model.variants {
		stuck[i] = v.stuckSince(over)
	}
	supply := func(ago, before time.Duration) float64 {
		sum := 0.0
		for i, v := range s.model.variants {
			asked := v.runs.Starts.Current
			if n := forecast.Least([]float64{asked.At(ago), asked.At(before), stuck[i]}); !math.IsNaN(n) {
				sum += v.capacities[s.Place] * n
			}
		}
		return sum * (1 + optimizer.Tolerance)
	}
	var began time.Duration
	steps, known, found := 0, 0, false
	for i := demand.begin(since); i < len(demand.Values); i++ {
		amount, ago := demand.at(i), demand.Ago(i)
		if steps == 0 {
			began = ago
		}
		before := ago // Until then, all that was asked for counts.
		if found {
			before = began
		}
		switch {
		case math.IsNaN(amount):
			steps++
		case amount <= supply(ago, before):
			steps, known, found = 0, 0, false
		default:
			steps, known = steps+1, known+1
		}
		found = found || time.Duration(steps)*demand.Step >= over && enough(known, steps)
	}
	return found
}

// stuckSince is the number of replicas that a variant had been capped at for some time already; NaN where it was not. Others were to stand in for the
// rest since then.
func (v *variant) stuckSince(ago time.Duration) float64 {
	if s := &v.runs.Starts; v.stuck != nil {
		if _, _, ok := verdict(s, ago, v.patience(ago)+s.Current.Step); ok {
			return float64(*v.stuck)
		}
	}
	return math.NaN()
}

// hadRoom reports whether the budgets had room for one more replica of a variant throughout a time, by today's limits.
func (d *decider) hadRoom(v *variant, over time.Duration) bool {
	for i, b := range d.program.Budgets {
		use := v.uses[b.Name]
		if use == 0 || d.limits[i] == nil {
			continue
		}
		var parts []forecast.History
		for _, u := range d.variants {
			if u.uses[b.Name] > 0 {
				parts = append(parts, u.runs.Starts.Current.Scale(u.uses[b.Name]))
			}
		}
		used := forecast.Most(forecast.Sum(parts...).Over(over))
		if used+use > *d.limits[i]*(1+optimizer.Tolerance) {
			return false
		}
	}
	return true
}
