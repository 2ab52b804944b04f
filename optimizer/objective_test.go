package optimizer_test

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// objective is a plan's worth in every objective, most important first.
type objective struct {
	// short holds, per priority, the largest shortfall and the sum.
	short   []float64
	cost    float64
	changed int
}

// compare orders two objectives; shortfalls and costs within tol are equal.
func (o objective) compare(than objective, tol float64) int {
	for i := range o.short {
		if d := o.short[i] - than.short[i]; math.Abs(d) > tol {
			return cmp.Compare(d, 0)
		}
	}
	if d := o.cost - than.cost; math.Abs(d) > tol*max(1, math.Abs(o.cost)) {
		return cmp.Compare(d, 0)
	}
	return cmp.Compare(o.changed, than.changed)
}

// replicas holds the replicas per model and variant.
type replicas [][]int

func planned(plan optimizer.Plan) replicas {
	n := make(replicas, len(plan.Models))
	for i, m := range plan.Models {
		for _, v := range m.Variants {
			n[i] = append(n[i], v.Replicas)
		}
	}
	return n
}

// worth computes the objectives of replicas by their definition.
func worth(p optimizer.Problem, n replicas) objective {
	largest, sum := map[int]float64{}, map[int]float64{}
	var o objective
	for i := range p.Models {
		m := &p.Models[i]
		x := modelShortfall(m, n[i])
		largest[m.Priority] = max(largest[m.Priority], x)
		sum[m.Priority] += x
		for j := range m.Variants {
			v := &m.Variants[j]
			o.cost += v.Cost*float64(n[i][j]) + v.StartCost*float64(max(0, n[i][j]-v.Current))
			o.changed += max(n[i][j]-v.Current, v.Current-n[i][j])
		}
	}
	for _, priority := range slices.Sorted(maps.Keys(largest)) {
		o.short = append(o.short, largest[priority], sum[priority])
	}
	return o
}

func modelShortfall(m *optimizer.Model, n []int) float64 {
	x := 0.0
	for s, demand := range m.Demand {
		if demand <= 0 {
			continue
		}
		supply := 0.0
		for j := range m.Variants {
			supply += m.Variants[j].Capacity[s] * float64(n[j])
		}
		if short := 1 - supply/demand; short > optimizer.Tolerance {
			x = max(x, short)
		}
	}
	return x
}

// usage returns what replicas take of each budget.
func usage(p optimizer.Problem, n replicas) []float64 {
	used := make([]float64, len(p.Budgets))
	for b := range p.Budgets {
		for i := range p.Models {
			for j := range p.Models[i].Variants {
				used[b] += p.Models[i].Variants[j].Uses[p.Budgets[b].Name] * float64(n[i][j])
			}
		}
	}
	return used
}

// fits reports whether replicas keep all bounds and budgets.
func fits(p optimizer.Problem, n replicas) bool {
	for b, used := range usage(p, n) {
		if used > p.Budgets[b].Limit*(1+optimizer.Tolerance) {
			return false
		}
	}
	for i := range p.Models {
		total := 0
		for j := range p.Models[i].Variants {
			v := &p.Models[i].Variants[j]
			if n[i][j] < v.Min || n[i][j] > maxOf(v) {
				return false
			}
			total += n[i][j]
		}
		if total < p.Models[i].MinReplicas {
			return false
		}
	}
	return true
}

// bruteForce returns the best objectives over all replicas up to most beyond
// the minimums of each variant; nil if no replicas are allowed. Given a
// plan it also returns the least cost of the others with the same shortfalls,
// without those that only add replicas to it.
func bruteForce(p optimizer.Problem, most int, plan replicas) (*objective, float64) {
	f := force{p: p, most: most, plan: plan, runnerUp: math.Inf(1)}
	for i := range p.Models {
		f.at = append(f.at, nil)
		for j := range p.Models[i].Variants {
			f.at[i] = append(f.at[i], p.Models[i].Variants[j].Min)
		}
	}
	f.base = usage(p, f.at)
	if plan != nil {
		f.planned = worth(p, plan)
	}
	f.walk(0, 0, f.base)
	return f.best, f.runnerUp
}

// force walks through all replicas of a problem.
type force struct {
	p        optimizer.Problem
	most     int
	base     []float64
	at       replicas
	best     *objective
	plan     replicas
	planned  objective
	runnerUp float64
}

func (f *force) walk(i, j int, used []float64) {
	if i == len(f.p.Models) {
		f.judge()
		return
	}
	m := &f.p.Models[i]
	if j == len(m.Variants) {
		total := 0
		for _, n := range f.at[i] {
			total += n
		}
		if total >= m.MinReplicas {
			f.walk(i+1, 0, used)
		}
		return
	}
	v := &m.Variants[j]
	high := min(v.Min+f.most, maxOf(v))
	high = max(high, min(v.Current, maxOf(v)))
	for n := v.Min; n <= high; n++ {
		now := slices.Clone(used)
		for b := range f.p.Budgets {
			use := v.Uses[f.p.Budgets[b].Name] * float64(n-v.Min)
			now[b] += use
			if use > 0 && now[b] > max(f.p.Budgets[b].Limit*(1+optimizer.Tolerance), f.base[b]) {
				f.at[i][j] = v.Min
				return
			}
		}
		f.at[i][j] = n
		f.walk(i, j+1, now)
	}
	f.at[i][j] = v.Min
}

// judge compares the replicas at hand.
func (f *force) judge() {
	o := worth(f.p, f.at)
	if f.best == nil || o.compare(*f.best, 1e-8) < 0 {
		f.best = &o
	}
	if f.plan == nil {
		return
	}
	fewer := false
	for i := range f.plan {
		for j := range f.plan[i] {
			fewer = fewer || f.at[i][j] < f.plan[i][j]
		}
	}
	same := o
	same.cost, same.changed = f.planned.cost, f.planned.changed
	if fewer && same.compare(f.planned, 1e-8) == 0 {
		f.runnerUp = min(f.runnerUp, o.cost)
	}
}

func maxOf(v *optimizer.Variant) int {
	if v.Max == nil {
		return math.MaxInt
	}
	return *v.Max
}
