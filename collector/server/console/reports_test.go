package console_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/replay"
	"github.com/variant-exporter/variant-exporter/backtest/report"
)

// reports looks at the pages of a backtest and of a replay, which have the charts and the styles of the console, and ask for nothing.
func reports(t *testing.T, b *browser) {
	mux := http.NewServeMux()
	mux.HandleFunc("/backtest", func(w http.ResponseWriter, _ *http.Request) { assert.NoError(t, report.WriteHTML(w, backtestResult())) })
	mux.HandleFunc("/replay", func(w http.ResponseWriter, _ *http.Request) { assert.NoError(t, replay.WriteHTML(w, replayResult())) })
	site := httptest.NewServer(mux)
	defer site.Close()
	for page, charts := range map[string]int{"backtest": 6, "replay": 4} {
		for _, w := range windows() {
			for _, scheme := range []string{"light", "dark"} {
				b.wear(t, w, scheme)
				b.open(t, site.URL+"/"+page)
				assert.Empty(t, eval[[]string](t, b, "performance.getEntriesByType('resource').map((e) => e.name).filter((n) => !n.startsWith('data:'))"), page)
				assert.InDelta(t, charts, eval[float64](t, b, "document.querySelectorAll('.plot canvas').length"), 0, page)
				b.fits(t, w, page)
				b.shoot(t, page+"-"+w.name+"-"+scheme)
			}
		}
	}
	// Another policy is drawn once it is looked at.
	b.open(t, site.URL+"/backtest")
	b.do(t, chromedp.Click(chromedp.CSS("details:nth-of-type(2) summary")))
	require.Eventually(t, func() bool { return eval[float64](t, b, "document.querySelectorAll('.plot canvas').length") == 12 }, waitFor, 20*time.Millisecond)
	b.quiet(t, "reports")
}

// backtestResult is a day under two policies, made up.
func backtestResult() *report.Result {
	r := &report.Result{
		Scenario: "diurnal", Duration: 24 * time.Hour, Warmup: time.Hour,
		Expect: []report.Expectation{{What: "slo_attainment >= 0.999", Holds: true, Found: "0.99996"}, {What: "cost_ratio <= 1.1", Found: "1.1994"}},
		Events: []report.Event{{At: 6 * time.Hour, For: 2 * time.Hour, What: "prometheus down"}, {At: 15 * time.Hour, What: "rollout of llama-8b-h100"}},
		Notes:  []string{"The numbers are made up."},
	}
	for _, name := range []string{"variant_exporter", "hpa-queue"} {
		p := report.Policy{Name: name, Score: report.Score{
			Requests: 1000000, SLOAttainment: 0.99996, Unserved: 0.0002, WorstHour: 0.99, TTFT: &report.Quantiles{P50: 0.2, P95: 0.9, P99: 1.9},
			ITL: &report.Quantiles{P50: 0.03, P95: 0.05, P99: 0.06}, Cost: 1234.56, ReplicaHours: 300.25, Changes: 210, Starts: 100,
		}, Timeline: &report.Timeline{Step: 2 * time.Minute}}
		m := report.ModelCourse{ID: "llm/meta-llama/Llama-3.1-8B-Instruct", TargetTTFT: 2, TargetITL: 0.06}
		v := report.VariantCourse{ID: "llm/llama-8b-h100"}
		for i := range 720 {
			x := float64(i) / 720
			rate := 60 - 40*math.Cos(2*math.Pi*x) + 8*math.Sin(400*x)
			ready, late := math.Ceil((62-40*math.Cos(2*math.Pi*(x-0.01)))/7.53), 0.4+0.2*math.Sin(90*x)
			starting, pending := math.Mod(float64(i/70), 3), math.Mod(float64(i/110), 2)
			m.Rate, m.Carried = append(m.Rate, rate), append(m.Carried, 7.53*ready)
			m.TTFT50, m.TTFT95, m.ITL95 = append(m.TTFT50, late/3), append(m.TTFT95, late), append(m.ITL95, late/40)
			m.Attained = append(m.Attained, 1-0.02*math.Mod(float64(i/90), 2))
			v.Desired, v.Ready, v.Starting = append(v.Desired, ready+starting), append(v.Ready, ready), append(v.Starting, starting)
			v.Pending, v.Draining = append(v.Pending, pending), append(v.Draining, math.Mod(float64(i/170), 2))
			p.Timeline.Cost = append(p.Timeline.Cost, 4.1*(ready+starting))
		}
		p.Timeline.Models, p.Timeline.Variants = []report.ModelCourse{m}, []report.VariantCourse{v}
		r.Policies = append(r.Policies, p)
	}
	return r
}

// replayResult is three days of a model with one variant, made up.
func replayResult() *replay.Result {
	const steps = 3 * 24 * 60
	r := &replay.Result{From: stageBegin, To: stageBegin.Add(steps * time.Minute), StepSeconds: 60, Steps: steps, Notes: []string{"The numbers are made up."}}
	s := replay.Signal{Name: "concurrency", Unit: "requests"}
	v := replay.Variant{Name: "llama-8b-h100", Desired: make([]*int, steps), Ready: make([]*int, steps), FollowedReady: make([]*int, steps), Reason: make([]string, steps)}
	for i := range steps {
		demand := 300 + 200*math.Sin(float64(i)/229)
		n, followed, cost := 6, int(math.Ceil(1.15*demand/96)), 4.1
		could, would := 96.0*6, 96*float64(followed)
		s.Demand, s.RanSupply, s.FollowedSupply = append(s.Demand, &demand), append(s.RanSupply, &could), append(s.FollowedSupply, &would)
		v.Current, v.Followed, v.Cost = append(v.Current, &n), append(v.Followed, &followed), append(v.Cost, &cost)
	}
	r.Models = []replay.Model{{Namespace: "llm", Name: "meta-llama/Llama-3.1-8B-Instruct", Signals: []replay.Signal{s}, Variants: []replay.Variant{v}}}
	return r
}
