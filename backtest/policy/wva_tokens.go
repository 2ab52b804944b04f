package policy

import (
	"cmp"
	"math"
	"slices"
)

// Saturation V2, internal/engines/analyzers/saturation_v2, the default of v0.9, with the cost-aware greedy of internal/engines/pipeline.
// A replica holds the lesser of 80 percent of its cache and of what its batch can keep in progress. More replicas are ordered when demand
// is above 85 percent of what runs and starts, and taken away when it is below 70 percent of what is ready.
const (
	v2Cache       = 0.80
	v2Up          = 0.85
	v2Down        = 0.70
	v2Queue       = 5.0
	v2BatchTokens = 8192 // EffectiveMaxBatchedTokens with chunked prefill
	v2Remembered  = 10   // observed capacities, a rolling window
)

// tokens is the analyzer with what it has learnt: the tokens that saturated replicas had in use, by variant and bucket of lengths.
type tokens map[string][]float64

func newTokens(Setup) Policy { return newWVA("wva-tokens", tokens{}.decide) }

// supply is a variant with its capacity per replica, in tokens.
type supply struct {
	*Variant
	each float64
}

func (t tokens) decide(g group) map[string]int {
	f := g.model.Facts
	inUse, waiting := 0.0, g.model.Queue
	byVariant := map[string][]Pod{}
	for _, p := range g.shown() {
		byVariant[p.Variant] = append(byVariant[p.Variant], p)
	}
	for _, p := range g.pods() {
		waiting += p.Waiting
	}
	var all []supply
	ready, anticipated := 0.0, 0.0
	for _, v := range g.variants {
		pods := byVariant[v.ID]
		for _, p := range pods {
			inUse += v.tokens(p, f)
		}
		s := supply{v, t.capacity(v, pods, f)}
		all = append(all, s)
		ready += float64(v.Ready) * s.each
		anticipated += float64(v.Ready+v.pending()) * s.each
	}
	request := f.InputTokens + f.OutputTokens
	if g.role == "prefill" {
		request = f.InputTokens
	}
	demand := inUse + waiting*request

	required := math.Max(0, demand/v2Up-anticipated)
	spare := math.Max(0, ready-demand/v2Down)
	if required > 0 {
		return scaleUp(all, required)
	}
	return scaleDown(all, spare)
}

// tokens returns what a pod holds in its cache. A scenario without a cache size counts the requests in service.
func (v *Variant) tokens(p Pod, f ModelFacts) float64 {
	if v.Facts.KVTokens > 0 {
		return math.Round(p.KV * v.Facts.KVTokens)
	}
	return p.Running * (f.InputTokens + f.OutputTokens/2)
}

// capacity returns the median over the replicas of a variant of what each can hold, or what is derived where none is ready.
func (t tokens) capacity(v *Variant, pods []Pod, f ModelFacts) float64 {
	memory := math.Inf(1)
	if v.Facts.KVTokens > 0 {
		memory = v2Cache * v.Facts.KVTokens
	}
	key := v.ID + bucket(f.OutputTokens)
	var each []float64
	for _, p := range pods {
		compute := t.compute(key, v, f)
		if used := v.tokens(p, f); p.Waiting >= v2Queue && used > 0 {
			compute = used
			t[key] = append(t[key], used)
			t[key] = t[key][max(0, len(t[key])-v2Remembered):]
		}
		each = append(each, math.Min(memory, compute))
	}
	if len(each) == 0 {
		return math.Min(memory, t.compute(key, v, f))
	}
	slices.Sort(each)
	if n := len(each); n%2 == 0 {
		return math.Trunc((each[n/2-1] + each[n/2]) / 2)
	}
	return each[len(each)/2]
}

// compute returns what is remembered of saturated replicas, or what the batch can keep in progress.
func (t tokens) compute(key string, v *Variant, f ModelFacts) float64 {
	if seen := t[key]; len(seen) > 0 {
		sum := 0.0
		for _, s := range seen {
			sum += s
		}
		return sum / float64(len(seen))
	}
	return derived(v.Facts.MaxBatch, f)
}

func derived(maxBatch int, f ModelFacts) float64 {
	if f.InputTokens+f.OutputTokens <= 0 {
		return math.Inf(1)
	}
	n := math.Min(v2BatchTokens*f.OutputTokens/(f.InputTokens+f.OutputTokens), float64(maxBatch))
	return n * (f.InputTokens + f.OutputTokens/2)
}

func bucket(output float64) string {
	switch {
	case output < 100:
		return "|short"
	case output < 500:
		return "|medium"
	default:
		return "|long"
	}
}

// scaleUp takes the variant with the least cost per capacity, as many as are needed or allowed, and goes on with the next.
func scaleUp(all []supply, required float64) map[string]int {
	wanted := held(all)
	slices.SortStableFunc(all, func(a, b supply) int {
		return cmp.Or(cmp.Compare(a.Facts.Cost/a.each, b.Facts.Cost/b.each), cmp.Compare(a.ID, b.ID))
	})
	for _, s := range all {
		if required <= 0 || s.each <= 0 || math.IsInf(s.each, 1) {
			continue
		}
		n := s.bound(s.Current+ceil(required/s.each), 0) - s.Current
		wanted[s.ID] += max(0, n)
		required -= float64(max(0, n)) * s.each
	}
	return wanted
}

// scaleDown removes what is spare from the most expensive variant first. The cheapest keeps one replica if no other has any.
func scaleDown(all []supply, spare float64) map[string]int {
	wanted := held(all)
	slices.SortStableFunc(all, func(a, b supply) int {
		return cmp.Or(cmp.Compare(b.Facts.Cost, a.Facts.Cost), cmp.Compare(a.each, b.each), cmp.Compare(a.ID, b.ID))
	})
	others := 0
	for i, s := range all {
		least := s.Facts.Min
		if i == len(all)-1 && others == 0 {
			least = max(least, 1)
		}
		if s.each > 0 && !math.IsInf(s.each, 1) {
			n := min(int(spare/s.each), max(0, s.Current-least))
			wanted[s.ID] -= n
			spare -= float64(n) * s.each
		}
		others += wanted[s.ID]
	}
	return wanted
}

func held(all []supply) map[string]int {
	wanted := map[string]int{}
	for _, s := range all {
		wanted[s.ID] = s.Current
	}
	return wanted
}
