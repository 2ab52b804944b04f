package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/chart"
)

// hostile is a name that breaks a page which does not escape it.
const hostile = `</svg><script>alert("x")</script>'&{{.}}`

// madeUp is a day with an outage, under two policies.
func madeUp(steps int) *Result {
	r := &Result{
		Scenario: "diurnal", Duration: 24 * time.Hour, Warmup: time.Hour,
		Policies: []Policy{
			{Name: "variant_exporter", Score: Score{
				Requests: 1000000, SLOAttainment: 0.99996, Unserved: 0.0002, WorstHour: 0.99, TTFT: &Quantiles{0.2, 0.9, 1.9}, ITL: &Quantiles{0.03, 0.05, 0.06},
				Cost: 1234.56, CostRatio: new(1.1994), ReplicaHours: 300.25, Changes: 210, Starts: 100, CancelledStarts: 3, ShortLived: 1, ShortMinutes: 4.5,
			}},
			{Name: hostile, Score: Score{Requests: 1000000, SLOAttainment: 0.5, Unserved: 0.25}},
		},
		Expect: []Expectation{
			{What: "slo_attainment >= 0.999", Holds: true, Found: "0.99996"},
			{What: "cost_ratio <= 1.1", Found: "1.1994"},
		},
		Events: []Event{{At: 6 * time.Hour, For: 2 * time.Hour, What: "prometheus down"}, {At: 15 * time.Hour, What: hostile}},
		Notes:  []string{"made up"},
	}
	r.Policies[0].Timeline = day(steps)
	return r
}

func day(steps int) *Timeline {
	t := &Timeline{Step: 24 * time.Hour / time.Duration(steps)}
	m := ModelCourse{ID: "llm/m", TargetTTFT: 2, TargetITL: 0.06}
	v := VariantCourse{ID: "llm/a"}
	for i := range steps {
		x := float64(i) / float64(steps)
		rate := 60 - 40*math.Cos(2*math.Pi*x) + 8*math.Sin(400*x)
		ready := math.Ceil((62 - 40*math.Cos(2*math.Pi*(x-0.01))) / 7.53)
		starting := math.Mod(float64(i/7), 3)
		late := 0.4 + 0.2*math.Sin(90*x)
		missed := 1.0
		if i%50 < 3 {
			late, missed = 2.7, 0.8
		}
		m.Rate, m.Carried = append(m.Rate, rate), append(m.Carried, 7.53*ready)
		m.TTFT50, m.TTFT95, m.ITL95 = append(m.TTFT50, late/3), append(m.TTFT95, late), append(m.ITL95, late/40)
		m.Attained = append(m.Attained, missed)
		v.Desired, v.Ready, v.Starting = append(v.Desired, ready+starting), append(v.Ready, ready), append(v.Starting, starting)
		v.Pending, v.Draining = append(v.Pending, math.Mod(float64(i/11), 2)), append(v.Draining, math.Mod(float64(i/17), 2))
		t.Cost = append(t.Cost, 11.8*(ready+starting))
	}
	m.TTFT95[steps/2] = math.NaN()
	t.Models, t.Variants = []ModelCourse{m}, []VariantCourse{v}
	return t
}

func TestWriteTable(t *testing.T) {
	var b bytes.Buffer
	r := madeUp(10)
	r.Policies[1].Name = "static"
	require.NoError(t, WriteTable(&b, r))
	require.Equal(t, strings.TrimPrefix(`
            policy  within targets  unserved  worst hour  TTFT p95    p99  ITL p95    cost  / oracle  replica-hours  changes  starts  cancelled  short-lived  short, min
  variant_exporter          99.99%     0.02%      99.00%     900ms  1.90s     50ms  1234.6     1.199          300.2      210     100          3            1         4.5
            static          50.00%    25.00%       0.00%         -      -        -     0.0         -            0.0        0       0          0            0         0.0

ok      slo_attainment >= 0.999: 0.99996
FAILED  cost_ratio <= 1.1: 1.1994
note: made up
`, "\n"), b.String())
}

func TestPercent(t *testing.T) {
	for v, want := range map[float64]string{1: "100.00%", 0.999999: "99.99%", 0.9999: "99.99%", 0.29: "29.00%", 0: "0.00%"} {
		require.Equal(t, want, percent(v))
	}
}

func TestWriteCSV(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteCSV(&b, madeUp(10)))
	lines, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 3)
	row := map[string]string{}
	for i, name := range lines[0] {
		row[name] = lines[1][i]
	}
	require.Equal(t, "diurnal", row["scenario"])
	require.Equal(t, "0.99996", row["slo_attainment"])
	require.Equal(t, "1.1994", row["cost_ratio_to_oracle"])
	require.Equal(t, "1.9", row["ttft_p99"])
	require.Empty(t, row["energy_kwh"], "it does not apply")
	require.Equal(t, hostile, lines[2][1])
}

// TestColumnsAreComplete holds CSV to have everything that JSON has.
func TestColumnsAreComplete(t *testing.T) {
	text, err := json.Marshal(Policy{})
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(text, &fields))
	for _, c := range columns() {
		key := c.key
		if strings.HasPrefix(key, "ttft_") || strings.HasPrefix(key, "itl_") {
			continue
		}
		require.Contains(t, fields, key)
		delete(fields, key)
	}
	require.Len(t, fields, 3, "the name and the quantiles: %v", fields)
}

// TestWriteHTML holds pages to be whole, whatever names and numbers there are, and to need nothing from elsewhere.
func TestWriteHTML(t *testing.T) {
	for _, steps := range []int{1, 2, 60, 5760} {
		var b bytes.Buffer
		r := madeUp(steps)
		r.Scenario = hostile
		r.Policies[0].Timeline.Models[0].ID = hostile
		require.NoError(t, WriteHTML(&b, r))
		page := b.String()
		for _, never := range []string{`<script>alert`, "<script src", "<img", "url(", "src=", "@import"} {
			require.NotContains(t, page, never)
		}
		require.Contains(t, page, "default-src 'none'")
		require.Contains(t, page, "Permission is hereby granted", "the licence of what is in the page")
		require.Contains(t, page, "1 of 2 fail")
		require.Equal(t, 6, strings.Count(page, "<figure"))
		require.Less(t, len(page), 600_000)
		if path := os.Getenv("BACKTEST_PAGE"); path != "" && steps == 5760 {
			require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
		}
	}
}

// TestCharts holds the charts of a policy to what happened: events as marks, replicas by state on each other, gaps as gaps.
func TestCharts(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteHTML(&b, madeUp(96)))
	var drawn []chart.Chart
	for _, part := range strings.Split(b.String(), `<script type="application/json">`)[1:] {
		var c chart.Chart
		text, _, _ := strings.Cut(part, "</script>")
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		require.Len(t, c.Times, 97, "the last step has an end")
		require.Equal(t, int64(900), c.Times[1])
		require.True(t, c.Since)
		require.Equal(t, []chart.Mark{{From: 6 * 3600, To: 8 * 3600, Label: "1"}, {From: 15 * 3600, To: 15 * 3600, Label: "2"}}, c.Marks)
		for _, l := range c.Series {
			require.Len(t, l.Values, 97, l.Label)
		}
		drawn = append(drawn, c)
	}
	require.Len(t, drawn, 6)
	replicas := drawn[4]
	var labels []string
	for _, l := range replicas.Series {
		labels = append(labels, l.Label)
	}
	require.True(t, replicas.Stack)
	require.Equal(t, []string{"ready", "loading", "without a place", "draining", "desired"}, labels)
	require.InDelta(t, 20, drawn[1].Series[0].Values[1], 1e-9, "percent outside the targets")
	require.Equal(t, "target", drawn[2].Series[2].Label)
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", 45 * time.Second: "45s", 90 * time.Second: "1m30s", 5 * time.Minute: "5m", time.Hour: "1h", 90 * time.Minute: "1h30m",
		24 * time.Hour: "1d", 36 * time.Hour: "1d12h",
	} {
		require.Equal(t, want, short(d))
	}
}

func TestWriteToNowhere(t *testing.T) {
	for _, write := range []func(io.Writer, *Result) error{WriteTable, WriteCSV, WriteHTML} {
		require.Error(t, write(nowhere{}, madeUp(2)))
	}
}

type nowhere struct{}

func (nowhere) Write([]byte) (int, error) { return 0, errors.New("no space left") }
