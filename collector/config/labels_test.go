package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestLabelsOf(t *testing.T) {
	for expr, want := range map[string]string{
		`x`:                       "all but",
		`x{a=""}`:                 "all but a",
		`x{a=~""}`:                "all but",
		`rate(x{a=""}[5m])`:       "all but a",
		`sum(x)`:                  "only",
		`sum by (a, b) (x)`:       "only a b",
		`sum by (a, b) (x{a=""})`: "only b",
		`sum without (a) (x)`:     "all but a",
		`topk by (a) (1, x)`:      "all but",
		`count_values("v", x)`:    "only v",
		`count_values without (a) ("v", sum by (a, b) (x))`:              "only b v",
		`count_values by (a) (("v"), x)`:                                 "only a v",
		`2 * sum by (a) (x)`:                                             "only a",
		`-sum by (a) (x)`:                                                "only a",
		`vector(1)`:                                                      "only",
		`vector(scalar(x))`:                                              "only",
		`sum by (a) (x) or sum by (b) (x)`:                               "only a b",
		`sum by (a) (x) or x{c=""}`:                                      "all but c",
		`x{c=""} or sum by (c) (x)`:                                      "all but",
		`x{c="",d=""} or x{d="",e=""}`:                                   "all but d",
		`sum by (a) (x) and on () y`:                                     "only a",
		`sum by (a) (x) unless y`:                                        "only a",
		`sum by (a, b) (x) / on (a) sum by (a, c) (y)`:                   "only a",
		`x / ignoring (b) y`:                                             "all but b",
		`sum by (a, b) (x) * on (a) group_left (c, d) sum by (a, c) (y)`: "only a b c",
		`sum by (a, c) (x) * on (a) group_right (c) sum by (a, b) (y)`:   "only a b c",
		`x * on (a) group_left (b) sum by (a) (y)`:                       "all but b",
		`label_replace(sum(x), "a", "$1", "b", "(.*)")`:                  "only a",
		`label_replace(sum(x), ("a"), "$1", "b", "(.*)")`:                "only a",
		`label_join(sum by (b) (x), "a", ",", "b")`:                      "only a b",
		`absent(x{a="1",b=~"2"})`:                                        "only a",
		`absent_over_time(x{a="1"}[5m])`:                                 "only a",
		`histogram_quantile(0.9, sum by (le, a) (x))`:                    "only a le",
		`max_over_time(sum by (a) (x)[5m:1m])`:                           "only a",
		`clamp_min(sum by (a) (x{b=""} @ 300), 0)`:                       "only a",
		`quantile_over_time(0.5, x{a=""}[5m])`:                           "all but a",
		`day_of_month()`:                                                 "only",
	} {
		e, err := newParser().ParseExpr(expr)
		require.NoError(t, err, expr)
		set := labelsOf(e)
		got := "only"
		if set.allBut {
			got = "all but"
		}
		got = strings.Join(append([]string{got}, slices.Sorted(maps.Keys(set.names))...), " ")
		require.Equal(t, want, got, expr)
	}
}

// The series that random expressions are made over. No two of them differ only in what many expressions drop.
const labelled = `
load 1m
	x{a="1",b="1",c="1"} 0+1x10
	x{a="1",b="2"} 0+2x10
	x{a="2",c="2",le="1"} 0+3x10
	x{b="3",d="4"} 1+1x10
	y{a="1",b="1"} 5+1x10
	y{a="2",d="1",le="+Inf"} 4+1x10
	y{c="2"} 3+1x10
	z{a="1"} 1
	z{a="2"} 2
	z{d="1"} 3
`

// vector draws an expression that yields an instant vector.
func vector(t *rapid.T, depth int) string {
	name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "le"})
	names := func() string {
		return strings.Join(rapid.SliceOfNDistinct(name, 0, 3, rapid.ID[string]).Draw(t, "names"), ", ")
	}
	if depth == 0 {
		metric := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "metric")
		return metric + rapid.SampledFrom([]string{
			"", "", `{a=""}`, `{b=""}`, `{c!=""}`, `{a="1"}`, `{a=~"1|2",b=""}`, `{d=""} offset 1m`, `{a!=""} @ 300`,
		}).Draw(t, "matchers")
	}
	sub := func() string { return "(" + vector(t, rapid.IntRange(0, depth-1).Draw(t, "depth")) + ")" }
	group := func() string {
		return rapid.SampledFrom([]string{"by", "without"}).Draw(t, "grouping") + " (" + names() + ")"
	}
	switch rapid.IntRange(0, 11).Draw(t, "form") {
	case 0, 1:
		op := rapid.SampledFrom([]string{"sum", "max", "avg", "count", "group", "stddev"}).Draw(t, "aggregation")
		return op + " " + group() + " " + sub()
	case 2:
		op := rapid.SampledFrom([]string{"topk", "bottomk", "quantile"}).Draw(t, "aggregation")
		return fmt.Sprintf("%s %s (1, %s)", op, group(), sub())
	case 3:
		return fmt.Sprintf("count_values %s (%q, %s)", group(), name.Draw(t, "label"), sub())
	case 4:
		op := rapid.SampledFrom([]string{"or", "and", "unless"}).Draw(t, "set")
		match := rapid.SampledFrom([]string{"on", "ignoring"}).Draw(t, "match")
		return fmt.Sprintf("%s %s %s (%s) %s", sub(), op, match, names(), sub())
	case 5, 6:
		op := rapid.SampledFrom([]string{"+", "/", ">", "== bool"}).Draw(t, "operator")
		match := rapid.SampledFrom([]string{"on", "ignoring"}).Draw(t, "match")
		return fmt.Sprintf("%s %s %s (%s) %s", sub(), op, match, names(), sub())
	case 7:
		side := rapid.SampledFrom([]string{"group_left", "group_right"}).Draw(t, "side")
		// A label to match on cannot be included.
		return fmt.Sprintf("%s * on (%s) %s (%s) %s", sub(), rapid.SampledFrom([]string{"a", "b", "a, b", ""}).Draw(t, "on"), side,
			rapid.SampledFrom([]string{"", "c", "d", "c, d"}).Draw(t, "included"), sub())
	case 8:
		return fmt.Sprintf(`label_replace(%s, %q, %q, %q, "(.*)")`, sub(), name.Draw(t, "target"),
			rapid.SampledFrom([]string{"$1", "", "v"}).Draw(t, "replacement"), name.Draw(t, "source"))
	case 9:
		return fmt.Sprintf(`label_join(%s, %q, "-", %q, %q)`, sub(), name.Draw(t, "target"), name.Draw(t, "first"), name.Draw(t, "second"))
	case 10:
		form := rapid.SampledFrom([]string{
			"abs(%s)", "clamp_min(%s, 0)", "-%s", "2 * %s", "%s > 1", "histogram_quantile(0.5, %s)", "max_over_time(%s[5m:1m])",
			"timestamp(%s)", "sort(%s)", "vector(scalar(%s))", "absent(%s)", "quantile_over_time(0.5, %s[3m:1m])", "round(%s, 2)",
			"last_over_time(%s[5m:1m])", "histogram_count(%s)", "hour(%s)",
		}).Draw(t, "function")
		return strings.Replace(form, "%s", sub(), 1)
	default:
		return sub()
	}
}

// TestLabelsOfNeverMissesOne compares with Prometheus' own engine: a label of a result that labelsOf rules out would have check
// refuse a good expression.
func TestLabelsOfNeverMissesOne(t *testing.T) {
	storage := promqltest.LoadedStorage(t, labelled)
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 100_000)
	results := 0
	rapid.Check(t, func(rt *rapid.T) {
		for range 100 {
			results += checkLabels(rt, vector(rt, 3), func(expr string) (promql.Vector, error) {
				query, err := engine.NewInstantQuery(t.Context(), storage, nil, expr, time.Unix(300, 0))
				if err != nil {
					return nil, err
				}
				defer query.Close()
				result, err := query.Exec(t.Context()).Vector()
				return slices.Clone(result), err
			})
		}
	})
	t.Logf("%d series", results)
	require.Positive(t, results)
}

// checkLabels evaluates an expression and returns how many series it had.
func checkLabels(t *rapid.T, expr string, evaluate func(string) (promql.Vector, error)) int {
	e, err := newParser().ParseExpr(expr)
	require.NoError(t, err, expr)
	result, err := evaluate(expr)
	if err != nil {
		return 0 // Many random matches are many-to-many.
	}
	set := labelsOf(e)
	for _, s := range result {
		s.Metric.Range(func(l labels.Label) {
			if l.Name != model.MetricNameLabel && !set.has(l.Name) {
				t.Fatalf("%s has %s, which labelsOf rules out", expr, s.Metric)
			}
		})
	}
	return len(result)
}
