package console_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/collector/server"
	"github.com/variant-exporter/variant-exporter/collector/whatif"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// history is an answer of /api/v1/history, as a client reads it.
type history struct {
	From, To time.Time
	Step     float64 `json:"step_seconds"`
	Complete bool
	Missing  string
	Times    []int64
	Cost     struct{ Current, Planned []*float64 }
	Models   []struct {
		Name, Namespace string
		Signals         []struct {
			Name, Unit                              string
			Measured, Stabilized, Forecast, Planned []*float64
			Ready                                   []*float64 `json:"ready_supply"`
			Supply                                  []*float64 `json:"planned_supply"`
		}
		Variants []struct {
			Name                              string
			Current, Ready, Planned, Desired  []*float64
			Serving, Held, Starting, Draining []*float64
			Reasons                           []optimizer.Reason `json:"reason"`
		}
		Latencies []struct {
			Name     string
			Quantile float64
			Target   *float64
			Values   []*float64
		}
	}
}

// TestHistory holds the history at each of some moments to the explanation of that moment.
func TestHistory(t *testing.T) {
	s := newStage(t)
	base := s.serve(t, nil)
	var h history
	answer(t, base+"/api/v1/history?range=1h", http.StatusOK, &h)
	require.True(t, h.Complete, h.Missing)
	require.Len(t, h.Times, 121)
	require.Len(t, h.Models, 3)
	assert.Equal(t, stageNow, h.To)
	assert.InDelta(t, 30, h.Step, 0)
	for _, i := range []int{0, 30, 60, 111, 120} {
		var e explain.Explanation
		at := time.Unix(h.Times[i], 0).UTC()
		answer(t, base+"/api/v1/explain?at="+at.Format(time.RFC3339), http.StatusOK, &e)
		require.Equal(t, at, e.Time)
		assert.Equal(t, e.Plan.Cost, h.Cost.Planned[i], at)
		for m := range e.Models {
			for j := range e.Models[m].Signals {
				want, got := &e.Models[m].Signals[j], &h.Models[m].Signals[j]
				assert.Equal(t, []*float64{want.Measured, want.Stabilized, want.Forecast, want.Planned, want.Ready, want.Supply},
					[]*float64{got.Measured[i], got.Stabilized[i], got.Forecast[i], got.Planned[i], got.Ready[i], got.Supply[i]}, at)
			}
			for j := range e.Models[m].Variants {
				want, got := &e.Models[m].Variants[j], &h.Models[m].Variants[j]
				assert.InDelta(t, float64(*want.Desired), *got.Desired[i], 0, at)
				assert.InDelta(t, float64(*want.Current), *got.Serving[i]+*got.Held[i]+*got.Starting[i], 0, at)
				assert.Equal(t, want.Reason, got.Reasons[i], at)
			}
		}
	}
	assert.Empty(t, h.Models[0].Latencies)

	answer(t, base+"/api/v1/history?range=15m&model="+url.QueryEscape(llama), http.StatusOK, &h)
	require.Len(t, h.Models, 1)
	require.Len(t, h.Models[0].Latencies, 2)
	assert.Equal(t, "ttft", h.Models[0].Latencies[0].Name)
	assert.InDelta(t, 0.5, *h.Models[0].Latencies[0].Target, 1e-9)
	assert.Len(t, h.Models[0].Latencies[0].Values, len(h.Times))

	answer(t, base+"/api/v1/history?range=15m&at=2026-11-03T09:00:05Z", http.StatusOK, &h)
	assert.Equal(t, time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC), h.To)
}

// TestErrorsOfTheAPI holds that every error is JSON, and says what is wrong.
func TestErrorsOfTheAPI(t *testing.T) {
	base := newStage(t).serve(t, nil)
	for path, want := range map[string]string{
		"/api/v1/history?range=7y":               `400 range: there is no range "7y": want one of 15m, 1h, 6h, 24h`,
		"/api/v1/history?model=x":                "404 there is no model x; there is " + llama + ", " + qwen + ", batch/intfloat/e5-large",
		"/api/v1/explain?at=soon":                `400 at: "soon" is neither a time such as 2026-11-02T15:04:05Z or 1793631845 nor how long ago, such as 7d`,
		"/api/v1/plan?at=2027-01-01T00:00:00Z":   "400 at: 2027-01-01T00:00:00Z is in the future",
		"/api/v1/inputs?at=0001-01-01T00:00:00Z": "400 at: 0001-01-01T00:00:00Z is before 1970",
		"/api/v1/plan?at=%zz":                    `400 the address is wrong: invalid URL escape "%zz"`,
		"/api/v1/what-if":                        "405 /api/v1/what-if takes POST",
		"/api/v1/nothing":                        "404 there is no /api/v1/nothing",
	} {
		var failed struct{ Error string }
		status := 0
		_, err := fmt.Sscanf(want, "%d", &status)
		require.NoError(t, err)
		answer(t, base+path, status, &failed)
		assert.Equal(t, want[4:], failed.Error, path)
	}
}

func TestWhatIfOfTheAPI(t *testing.T) {
	base := newStage(t).serve(t, nil)
	var now, past whatif.Answer
	ask(t, base, map[string]any{}, http.StatusOK, &now)
	assert.InDelta(t, now.Cost.Before, now.Cost.After, 1e-9, "a question without a change gets the plan in force")
	var e explain.Explanation
	answer(t, base+"/api/v1/explain", http.StatusOK, &e)
	assert.InDelta(t, *e.Plan.Cost, now.Cost.Before, 1e-9)
	ask(t, base, map[string]any{"demand": []any{map[string]any{"factor": 3}}}, http.StatusOK, &now)
	assert.Greater(t, now.Cost.After, now.Cost.Before)

	resp, err := http.Post(base+"/api/v1/what-if?at=2026-11-03T08:30:00Z", "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	decodeAnswer(t, resp, http.StatusOK, &past)
	assert.Equal(t, time.Date(2026, 11, 3, 8, 30, 0, 0, time.UTC), past.Time)
	for body, want := range map[string]string{
		`{"demands":[]}`: `read the question: json: unknown field "demands"`,
		``:               "read the question: no JSON: want an object, such as {}",
		`[]`:             "read the question: the question cannot be this array",
		`{"budgets":[{"budget":"x","limit":"1"}]}`: "read the question: budgets.limit cannot be this string",
		`{}{}`:                                   "read the question: there is text after the question",
		`{"budgets":[{"budget":"x","limit":1}]}`: `there is no budget "x", or its limit is not known`,
	} {
		resp, err := http.Post(base+"/api/v1/what-if", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		defer func() { require.NoError(t, resp.Body.Close()) }()
		var failed struct{ Error string }
		decodeAnswer(t, resp, http.StatusBadRequest, &failed)
		assert.Equal(t, want, failed.Error)
	}
	large, err := http.Post(base+"/api/v1/what-if", "application/json", strings.NewReader(`{"without":[`+strings.Repeat(" ", 70000)+`]}`))
	require.NoError(t, err)
	defer func() { require.NoError(t, large.Body.Close()) }()
	var failed struct{ Error string }
	decodeAnswer(t, large, http.StatusRequestEntityTooLarge, &failed)
	assert.Equal(t, "the question is larger than 65536 bytes", failed.Error)
}

// TestViewers counts evaluations: many who look at all pages at once, over several intervals, cause one evaluation in each.
func TestViewers(t *testing.T) {
	s := newStage(t)
	base := s.serve(t, func(o *server.Options) { o.MaxRequests = 0 })
	require.Eventually(t, func() bool { // Before, the server's own evaluation makes room for that of a viewer.
		resp, err := http.Get(base + "/-/ready")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}, waitFor, 10*time.Millisecond)
	require.Equal(t, int64(1), s.evaluations.Load())
	paths := []string{"/", "/inputs", "/configuration", "/what-if", "/model?id=" + url.QueryEscape(llama), "/api/v1/explain", "/api/v1/inputs", "/api/v1/plan", "/api/v1/history?range=15m"}
	for interval := range 4 {
		s.clock.Set(stageNow.Add(time.Duration(interval) * past.Interval))
		var viewers sync.WaitGroup
		for i := range 40 {
			viewers.Go(func() {
				resp, err := http.Get(base + paths[i%len(paths)])
				if assert.NoError(t, err) {
					body, err := io.ReadAll(resp.Body)
					assert.NoError(t, err)
					assert.NoError(t, resp.Body.Close())
					assert.Equal(t, http.StatusOK, resp.StatusCode, "%s: %s", paths[i%len(paths)], body)
				}
			})
		}
		viewers.Wait()
		assert.Equal(t, int64(interval+1), s.evaluations.Load())
	}
}

// TestChartsBeginWithTheData holds that a range that is longer than what is known is no reason for an empty chart.
func TestChartsBeginWithTheData(t *testing.T) {
	base := newStage(t).serve(t, nil)
	var h history
	answer(t, base+"/api/v1/history?range=6h", http.StatusOK, &h)
	require.Len(t, h.Times, 121)
	require.Nil(t, h.Models[0].Signals[0].Measured[0])
	resp, err := http.Get(base + addresses()["model"] + "&range=6h")
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Contains(t, string(body), fmt.Sprintf(`"from":%d,"to":%d,`, stageBegin.Unix(), h.To.Unix()))
	assert.NotContains(t, string(body), fmt.Sprintf(`"from":%d,`, h.From.Unix()))
}

// TestPagesWithoutScript holds that every number is in the page itself.
func TestPagesWithoutScript(t *testing.T) {
	base := newStage(t).serve(t, nil)
	for path, wants := range map[string][]string{
		addresses()["model"]: {"6 expected in ", "make before break", "The runner-up is ", "nothing can witness it", `role="img" aria-label="Over the last 1h demand was `},
		"/inputs":            {"For 3 signals.", `href="https://prometheus.example.com/tools/graph?g0.end_input=2026-11-03&#43;09%3A52%3A00&amp;g0.expr=current&amp;`, "0 to 293"},
		"/configuration":     {"password: &lt;secret&gt;", "external_url: https://prometheus.example.com/tools", "llama-8b-a100"},
		"/":                  {"The plan leaves a part of the demand of 1 model unserved.", "18.1 % of the planned demand is unserved: nothing is left of h200", "Nothing is left for llm/Qwen/Qwen3-32B.", "One variant each"},
	} {
		resp, err := http.Get(base + path)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		for _, want := range wants {
			assert.Contains(t, string(body), want, path)
		}
		assert.NotContains(t, string(body), "s3cret", path)
	}
}
