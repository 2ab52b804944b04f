package match_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// gridConfig has two models with two variants each, of which two may have the same pods.
const gridConfig = `
prometheus: {url: http://prometheus.example}
defaults: {headroom: 0, scale_down_window: 5m}
scale_targets: {current: current, ready: ready}
signals:
  load: {unit: requests, demand: demand, on_missing: zero, alive: alive}
  kv: {unit: tokens, usage: usage}
models:
  - {name: m, namespace: ns, match: {pool: [p, q]}, variants: [
      {name: a, cost: 1, capacity: {load: 10, kv: 10}}, {name: b, cost: 1, capacity: {load: 10, kv: 10}}]}
  - {name: n, namespace: ns, variants: [
      {name: c, pods: "c-.*", cost: 1, capacity: {load: 10, kv: 10}}, {name: d, pods: "[cd]-.*", cost: 1, capacity: {load: 10, kv: 10}}]}
`

type owners struct {
	program *query.Program
	matcher *match.Matcher
}

func compile(tb require.TestingT) owners {
	c, found := config.Load("test.yml", gridConfig)
	require.NotNil(tb, c, "%v", found)
	p := query.Compile(c)
	return owners{p, match.New(p)}
}

func (o owners) lay(tb require.TestingT, h *query.History, matrix model.Matrix, first int64, steps int) match.Grid {
	g, err := o.matcher.Lay(context.Background(), h, matrix, first, steps)
	require.NoError(tb, err)
	return g
}

// history is one of an expression's for a kind of owner.
func (o owners) history(expr string) *query.History {
	for _, h := range o.program.Histories {
		if h.Expr == expr {
			return h
		}
	}
	panic("no history of " + expr)
}

var (
	gridStep  = 15 * time.Second
	gridStart = time.Unix(1767225600, 0)
	gridFirst = gridStart.UnixNano() / int64(gridStep)
)

// stream is a series with values at the steps from the first on; NaN stands for no sample, and 0.25 for a histogram.
func stream(metric model.Metric, values ...float64) *model.SampleStream {
	s := &model.SampleStream{Metric: metric}
	for i, v := range values {
		at := model.TimeFromUnixNano(gridStart.Add(time.Duration(i) * gridStep).UnixNano())
		switch {
		case math.IsNaN(v):
		case v == 0.25:
			s.Histograms = append(s.Histograms, model.SampleHistogramPair{Timestamp: at, Histogram: &model.SampleHistogram{Count: 1}})
		default:
			s.Values = append(s.Values, model.SamplePair{Timestamp: at, Value: model.SampleValue(v)})
		}
	}
	return s
}

var nan, inf = math.NaN(), math.Inf(1)

func of(pairs ...string) model.Metric {
	m := model.Metric{"namespace": "ns"}
	for i := 0; i < len(pairs); i += 2 {
		m[model.LabelName(pairs[i])] = model.LabelValue(pairs[i+1])
	}
	return m
}

func target(name string) model.Metric {
	return of("scale_target_kind", "Deployment", "scale_target_name", name)
}

func pod(name string) model.Metric { return of("pod", name+"-6d4cf56db6-xxxxx") }

// values are what a grid says of every owner at every step.
func values(g match.Grid) [][]float64 {
	all := make([][]float64, len(g.Cells))
	for i := range all {
		all[i] = g.History(i, gridStart.Add(time.Duration(g.Steps-1)*gridStep)).Values
	}
	return all
}

// sameCells compares numbers by their bits: NaN equals itself, and no sum may differ in its last place.
func sameCells(t require.TestingT, want, got [][]float64, about ...any) {
	require.Len(t, got, len(want), about...)
	for i := range want {
		require.Len(t, got[i], len(want[i]), about...)
		for j := range want[i] {
			require.Equal(t, number(want[i][j]), number(got[i][j]), about...)
		}
	}
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func TestLay(t *testing.T) {
	m, n := of("model_name", "m"), of("model_name", "n")
	none := []float64{nan, nan, nan, nan}
	for name, c := range map[string]struct {
		expr   string
		matrix model.Matrix
		want   [][]float64 // by model or by variant
	}{
		"no answer": {"demand", nil, [][]float64{none, none}},
		"of models": {"demand", model.Matrix{stream(m, 1, 2, nan, 4), stream(n, nan, 0, 5, nan)}, [][]float64{{1, 2, nan, 4}, {nan, 0, 5, nan}}},
		"what one model is known by adds up": {
			"demand",
			model.Matrix{stream(m, 1, 1, 1, nan), stream(of("pool", "p"), 10, nan, 10, nan), stream(of("pool", "q"), 100, 100, nan, nan)},
			[][]float64{{111, 101, 11, nan}, none},
		},
		"bad samples spoil their own step": {
			"demand",
			model.Matrix{stream(m, inf, -1, 0.25, 4), stream(of("pool", "p"), 1, 1, 1, 1), stream(n, 2e18, 1, math.Inf(-1), 7)},
			[][]float64{{nan, nan, nan, 5}, {nan, 1, nan, 7}},
		},
		"two series of one place spoil the steps at which both are": {
			"demand",
			model.Matrix{stream(of("model_name", "m", "job", "x"), 1, nan, 3, nan), stream(of("model_name", "m", "job", "y"), 1, 2, nan, nan)},
			[][]float64{{nan, 2, 3, nan}, none},
		},
		"what may belong to several belongs to none, and spoils all": {
			"demand",
			model.Matrix{stream(m, 1, 1, 1, 1), stream(model.Metric{"model_name": "m", "namespace": "other"}, 9, 9, 9, 9), stream(of("model_name", "x"), 9, 9, 9, 9)},
			[][]float64{{1, 1, 1, 1}, none},
		},
		"a model by its variants and pods": {
			"demand",
			model.Matrix{stream(of("llm_d_ai_variant", "a"), 1, 1, 1, 1), stream(pod("b"), 2, 2, 2, nan)},
			[][]float64{{3, 3, 3, 1}, none},
		},
		"of variants": {
			"usage",
			model.Matrix{stream(of("llm_d_ai_variant", "a"), 1, nan, 0.5, 0), stream(pod("b"), 2, 2, inf, nan), stream(of("pod", "b-6d4cf56db6-zzzzz"), 3, nan, 3, nan)},
			[][]float64{{1, nan, 0.5, 0}, {5, 2, nan, nan}, none, none},
		},
		"a pod that may be of two variants": {
			"usage",
			model.Matrix{stream(pod("c"), 1, 1, nan, nan), stream(of("llm_d_ai_variant", "d"), 2, nan, 2, nan)},
			[][]float64{none, none, {nan, nan, nan, nan}, {nan, nan, 2, nan}},
		},
		"of scale targets": {
			"current",
			model.Matrix{stream(target("a"), 1, 2, nan, 0), stream(target("b"), 3, 3, 3, 3), stream(target("c"), 4, 4, 4, 4), stream(target("x"), 9, 9, 9, 9)},
			[][]float64{{1, 2, nan, 0}, {3, 3, 3, 3}, {4, 4, 4, 4}, none},
		},
		"replicas that are not whole": {
			"current",
			model.Matrix{stream(target("a"), 0.5, 2, 1e15, -1), stream(target("c"), 4, 1.5, 0.25, 4)},
			[][]float64{{nan, 2, nan, nan}, none, {4, nan, nan, 4}, none},
		},
		"two series of one target: what is told twice is told once, and two numbers are none": {
			"current",
			model.Matrix{
				stream(of("scale_target_kind", "Deployment", "scale_target_name", "a", "job", "x"), 1, nan, 3, 4),
				stream(of("scale_target_kind", "Deployment", "scale_target_name", "a", "job", "y"), 1, 2, nan, 5), stream(target("b"), 1, 1, 1, 1),
			},
			[][]float64{{1, 2, 3, nan}, {1, 1, 1, 1}, none, none},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := compile(t)
			g := o.lay(t, o.history(c.expr), c.matrix, gridFirst, 4)
			require.Equal(t, []any{gridStep, gridFirst, 4}, []any{g.Step, g.First, g.Steps})
			sameCells(t, c.want, values(g))
		})
	}
}

// TestLayTimes: what is not at a step of the grid is no part of it.
func TestLayTimes(t *testing.T) {
	o := compile(t)
	s := &model.SampleStream{Metric: of("model_name", "m")}
	for _, at := range []time.Duration{-gridStep, 0, time.Second, gridStep, 2*gridStep - time.Millisecond, 4 * gridStep} {
		s.Values = append(s.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(gridStart.Add(at).UnixNano()), Value: 1})
	}
	g := o.lay(t, o.history("demand"), model.Matrix{s}, gridFirst, 4)
	sameCells(t, [][]float64{{1, 1, nan, nan}, {nan, nan, nan, nan}}, values(g))
	require.Equal(t, 7*time.Second, g.History(0, gridStart.Add(3*gridStep+7*time.Second)).Since)
}

// anyMatrix draws an answer whose labels may fit, and may fit twice.
func anyMatrix(t *rapid.T, steps int) model.Matrix {
	sample := rapid.OneOf(
		rapid.Float64Range(0, 100), rapid.Map(rapid.IntRange(0, 9), func(n int) float64 { return float64(n) }), rapid.Just(nan),
		rapid.SampledFrom([]float64{0.1, 0.2, 0.3, 0.25, inf, -1, 1e18, 1e300}),
	)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *model.SampleStream {
		metric := model.Metric{}
		known := map[model.LabelName][]model.LabelValue{
			"namespace": {"ns", "ns", "ns", "other"}, "model_name": {"m", "n", "x"}, "pool": {"p", "q", "r"}, "job": {"x", "y", "z"},
			"llm_d_ai_variant": {"a", "b", "c", "d"}, "pod": {"a-6d4cf56db6-xxxxx", "a-6d4cf56db6-zzzzz", "c-6d4cf56db6-xxxxx"},
			"scale_target_kind": {"Deployment"}, "scale_target_name": {"a", "b", "c"},
		}
		for _, name := range slices.Sorted(maps.Keys(known)) {
			if name == "namespace" || rapid.Bool().Draw(t, "has "+string(name)) {
				metric[name] = rapid.SampledFrom(known[name]).Draw(t, string(name))
			}
		}
		return stream(metric, rapid.SliceOfN(sample, steps, steps).Draw(t, "values")...)
	}), 0, 8).Draw(t, "matrix")
}

var gridExprs = []string{"demand", "usage", "current", "alive"}

// TestLayInAnyOrder: a shuffled answer gives the very same grid.
func TestLayInAnyOrder(t *testing.T) {
	o := compile(t)
	rapid.Check(t, func(t *rapid.T) {
		h := o.history(rapid.SampledFrom(gridExprs).Draw(t, "expression"))
		matrix := anyMatrix(t, 5)
		want := o.lay(t, h, matrix, gridFirst, 5)
		got := o.lay(t, h, rapid.Permutation(matrix).Draw(t, "shuffled"), gridFirst, 5)
		sameCells(t, values(want), values(got))
	})
}

// TestTape: a history that is written in parts, forwards and back again, is the one that is laid out at once, from any step on. What is
// cut and dropped is the one of fewer steps.
func TestTape(t *testing.T) {
	o := compile(t)
	rapid.Check(t, func(t *rapid.T) {
		const steps = 60
		h := o.history(rapid.SampledFrom(gridExprs).Draw(t, "expression"))
		matrix := anyMatrix(t, steps)
		part := func(first, behind int) match.Grid {
			return o.lay(t, h, matrix, gridFirst+int64(first), behind-first)
		}
		first, behind := 0, rapid.IntRange(0, 10).Draw(t, "behind")
		g := part(first, behind)
		tape := match.NewTape(gridStep, len(g.Cells))
		tape.Write(gridFirst, 0, &g)
		for behind < steps {
			from := rapid.IntRange(max(first, behind-3), behind).Draw(t, "from")
			first = rapid.IntRange(first, from).Draw(t, "first")
			behind = rapid.IntRange(from, min(steps, from+8)).Draw(t, "behind")
			next := part(from, behind)
			was := tape.Clone().Grid()
			before := cloned(was)
			tape.Write(gridFirst+int64(first), rapid.IntRange(0, 20).Draw(t, "room"), &next)
			sameCells(t, before, was.Cells, "a clone has its own memory")
			got, want := tape.Grid(), part(first, behind)
			require.Equal(t, []int64{gridFirst + int64(first), int64(behind - first)}, []int64{got.First, int64(got.Steps)})
			sameCells(t, values(want), values(got))
			require.Equal(t, fmt.Sprint(want.Strays), fmt.Sprint(got.Strays))
			begin := rapid.IntRange(0, got.Steps).Draw(t, "cut begins")
			end := rapid.IntRange(begin, got.Steps).Draw(t, "cut ends")
			cut := got.Cut(got.First+int64(begin), got.First+int64(end))
			sameCells(t, values(part(first+begin, first+end)), values(cut))
		}
	})
}

// joinAt is what a tape holds that grids were written to, from a step on.
func joinAt(first int64, grids ...match.Grid) match.Grid {
	tape := match.NewTape(grids[0].Step, len(grids[0].Cells))
	for i := range grids {
		tape.Write(first, 0, &grids[i])
	}
	return tape.Grid()
}

func cloned(g match.Grid) [][]float64 {
	all := make([][]float64, len(g.Cells))
	for i := range all {
		all[i] = slices.Clone(g.Cells[i])
	}
	return all
}
