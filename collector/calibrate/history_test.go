package calibrate_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/collector/calibrate"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

const scrapeInterval = 15 * time.Second

// history is a fleet of two variants of one model, under a load that goes up and down by turns, and how it is to be configured.
const history = `
duration: 6h
models: [{model: llm/m/8b, slo: {ttft: 500ms, itl: 40ms}}]
load: [{model: llm/m/8b, shape: steps, points: {%s}, input_tokens: {mean: 512, cv: 0.5}, output_tokens: {mean: 150, cv: 0.5}}]
pools: {any: 10}
variants:
  - {name: h100, namespace: llm, model: m/8b, pool: any, cost: 4, replicas: 1, kv_tokens: 432000, startup: 1m, profile: {alpha: 8ms, beta: 0.02ms, gamma: 0.00041ms, max_batch: 128, max_batch_tokens: 65536}}
  - {name: a100, namespace: llm, model: m/8b, pool: any, cost: 2, replicas: 2, kv_tokens: 432000, startup: 1m, profile: {alpha: 12ms, beta: 0.04ms, gamma: 0.00067ms, max_batch: 128, max_batch_tokens: 65536}}
`

const fleetYAML = `
prometheus: {url: "URL"}
models:
  - name: m/8b
    namespace: llm
    slo: {itl: 40ms}
    presets: [vllm]
    signals: [concurrency]
    variants:
      - {name: h100, cost: 4, capacity: {concurrency: 1}, profile: {alpha: 1ms, beta: 0ms, gamma: 0ms, max_batch: 128, max_queue: 7}}
      - {name: a100, cost: 2, capacity: {concurrency: 1}}
      - {name: never, cost: 2, capacity: {concurrency: 1}}
`

// asItIs is the policy that changes nothing.
type asItIs struct{}

func (asItIs) Name() string                               { return "as it is" }
func (asItIs) Desired(*policy.Observation) map[string]int { return nil }

// record simulates a fleet and returns what a Prometheus scraped of it, as promqltest loads it. The a100s get a third replica on
// the way.
func record(t *testing.T, length time.Duration) string {
	t.Helper()
	var points []string
	for i := range 72 { // every five minutes
		points = append(points, fmt.Sprintf("%dm: %.3g", 5*i, 18*(1+0.85*math.Sin(2*math.Pi*float64(i)/20))))
	}
	s, found := scenario.Load("history.yml", fmt.Sprintf(history, strings.Join(points, ", ")))
	require.NotNil(t, s, "%v", found)
	o := sim.Options{Scenario: s, Arrivals: s.Arrive(1), Seed: 1, Mode: sim.Requests, Policy: asItIs{}}
	o.Setup = sim.SetupOf(o)
	f := sim.New(o)
	values := map[string][]string{}
	steps := int(length / scrapeInterval)
	for i := range steps {
		require.NoError(t, f.Until(t.Context(), time.Duration(i)*scrapeInterval))
		if i == steps/2 {
			f.Scale("a100", 3)
		}
		for _, p := range f.Status().Pods {
			for name, value := range scrape(p) {
				id := fmt.Sprintf("%s{namespace=\"llm\",model_name=\"m/8b\",pod=%q,engine=\"0\"}", name, p.Name)
				for len(values[id]) < i {
					values[id] = append(values[id], "_")
				}
				values[id] = append(values[id], strconv.FormatFloat(value, 'g', -1, 64))
			}
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "load %v\n", model.Duration(scrapeInterval))
	for id, v := range values {
		fmt.Fprintf(&text, "  %s %s\n", id, strings.Join(v, " "))
	}
	return text.String()
}

// scrape are the series of a pod that calibrate reads.
func scrape(p sim.PodStatus) map[string]float64 {
	return map[string]float64{
		"vllm:num_requests_running": p.Running, "vllm:num_requests_waiting": p.Waiting,
		"vllm:request_prompt_tokens_sum": p.PromptTokens, "vllm:request_prompt_tokens_count": p.Done,
		"vllm:request_generation_tokens_sum": p.GeneratedTokens, "vllm:request_generation_tokens_count": p.Done,
		"vllm:inter_token_latency_seconds_sum": p.ITL, "vllm:inter_token_latency_seconds_count": p.Gaps,
		"vllm:time_to_first_token_seconds_sum": p.TTFT, "vllm:time_to_first_token_seconds_count": p.Begun,
	}
}

// prometheus serves what was recorded, by Prometheus' own engine.
func prometheus(t *testing.T, recorded string) *promapi.Client {
	t.Helper()
	storage := promqltest.LoadedStorage(t, recorded)
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 10_000_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number := func(name string) float64 {
			v, err := strconv.ParseFloat(r.FormValue(name), 64)
			assert.NoError(t, err)
			return v
		}
		at := func(name string) time.Time { return time.UnixMilli(int64(1000 * number(name))) }
		step := time.Duration(number("step") * float64(time.Second))
		query, err := engine.NewRangeQuery(r.Context(), storage, nil, r.FormValue("query"), at("start"), at("end"), step)
		if !assert.NoError(t, err) {
			return
		}
		defer query.Close()
		result := query.Exec(r.Context())
		if !assert.NoError(t, result.Err) {
			return
		}
		matrix := model.Matrix{}
		for _, s := range result.Value.(promql.Matrix) {
			stream := &model.SampleStream{Metric: model.Metric{}}
			for name, value := range s.Metric.Map() {
				stream.Metric[model.LabelName(name)] = model.LabelValue(value)
			}
			for _, p := range s.Floats {
				stream.Values = append(stream.Values, model.SamplePair{Timestamp: model.Time(p.T), Value: model.SampleValue(p.F)})
			}
			matrix = append(matrix, stream)
		}
		w.Header().Set("Content-Type", "application/json")
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{
			"status": "success", "data": map[string]any{"resultType": "matrix", "result": matrix},
		}))
	}))
	t.Cleanup(server.Close)
	client, err := promapi.New(promapi.Config{URL: server.URL, HTTPConfig: commonconfig.DefaultHTTPClientConfig, Timeout: time.Minute})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	c, found := config.Load("test.yml", strings.Replace(text, "URL", "http://prometheus.example", 1))
	require.NotNil(t, c, "%v", found)
	return c
}

// TestGatherFleet: what simulated servers carry comes back from their series alone, through a Prometheus. Their physics is not that of the
// model that is fitted.
func TestGatherFleet(t *testing.T) {
	const length = 200 * time.Minute
	subjects, err := calibrate.Gather(t.Context(), prometheus(t, record(t, length)), calibrate.History{
		Config: load(t, fleetYAML), Expressions: calibrate.VLLM(), ReplicaLabel: "pod", MaxBatch: 200,
		From: time.Unix(0, 0), To: time.Unix(0, 0).Add(length), Step: 5 * time.Minute,
	})
	require.NoError(t, err)
	require.Len(t, subjects, 3)
	assert.Equal(t, []int{128, 7, 200, 2000}, []int{subjects[0].MaxBatch, subjects[0].MaxQueue, subjects[1].MaxBatch, subjects[1].MaxQueue})
	assert.Equal(t, &latency.SLO{ITL: 0.04}, subjects[0].SLO)
	for i, v := range []struct {
		Name    string
		Profile latency.Profile
	}{{"h100", latency.Profile{Alpha: 8e-3, Beta: 20e-6, Gamma: 0.41e-6}}, {"a100", latency.Profile{Alpha: 12e-3, Beta: 40e-6, Gamma: 0.67e-6}}} {
		s := subjects[i]
		assert.Equal(t, v.Name, s.Variant)
		r := calibrate.Fit(s)
		require.Empty(t, r.Error)
		// Requests of one mix of lengths do not tell what a computed token takes from what a cached one takes: only together are they known.
		assert.InEpsilon(t, v.Profile.Alpha, r.Alpha.Value, 0.1)
		assert.Less(t, r.ITL.Median, 0.015)
		server, err := latency.NewServer(latency.Profile{
			Alpha: v.Profile.Alpha, Beta: v.Profile.Beta, Gamma: v.Profile.Gamma, MaxBatch: s.MaxBatch, MaxQueue: s.MaxQueue,
		}, r.Capacity.Lengths)
		require.NoError(t, err)
		truth, err := server.Capacity(*s.SLO)
		require.NoError(t, err)
		t.Logf("%s: capacity %+v, true %.4g; itl %.2g %% off, %d observations, dropped %v",
			v.Name, r.Capacity.Rate, truth.Rate, 100*r.ITL.Median, r.ITL.Observations, r.Dropped)
		assert.InEpsilon(t, truth.Rate, r.Capacity.Rate.Value, 0.03)
		assert.LessOrEqual(t, r.Capacity.Rate.Low, truth.Rate)
	}
	assert.NotZero(t, subjects[1].Dropped["where the set of replicas changed"])
	assert.Empty(t, subjects[2].Observations)
	assert.Equal(t, "cannot fit a profile: 0 observations, at least 6 are needed: its replicas have none of the series asked for, "+
		"which are vLLM's unless --expr flags say otherwise", calibrate.Fit(subjects[2]).Error)
}

// TestGatherRefuses: what cannot be asked, and answers that cannot be used.
func TestGatherRefuses(t *testing.T) {
	c := load(t, fleetYAML)
	const good = `load 15s
  vllm:num_requests_running{namespace="llm",model_name="m/8b",pod="a100-0",llm_d_ai_variant="a100"} 1+0x400
`
	noPod := strings.Replace(good, `pod="a100-0",`, "", 1)
	for name, tc := range map[string]struct {
		recorded string
		change   func(*calibrate.History)
		want     string
	}{
		"short step": {good, func(h *calibrate.History) { h.Step = time.Millisecond }, "a step of 1ms: want whole seconds"},
		"short range": {
			good, func(h *calibrate.History) { h.To = h.From.Add(time.Minute) },
			"1m0s from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z is less than 6 steps of 1m0s",
		},
		"too many steps": {
			good, func(h *calibrate.History) { h.To = h.From.Add(365 * 24 * time.Hour) },
			"8760h0m0s in steps of 1m0s are more than the 11000 points that Prometheus returns of a series: make the step at least 47m48s",
		},
		"not PromQL": {good, func(h *calibrate.History) { h.Expressions.ITL = "rate(x[$window]" }, "expression for itl: 1:11: parse error: unclosed left parenthesis"},
		"no expression": {
			good, func(h *calibrate.History) { h.Expressions.Running = "" },
			"expression for running: unknown position: parse error: no expression found in input",
		},
		"no replica label": {noPod, nil, "running of a100 has no label pod: series without it are sums over replicas, which say nothing of one"},
		"two series of a replica": {
			good, func(h *calibrate.History) {
				h.Expressions.Running = `{__name__=~"vllm:num_requests_running"} or label_replace(vllm:num_requests_running, "x", "1", "", "")`
			},
			"running: two series for pod a100-0 of a100",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := calibrate.History{
				Config: c, Expressions: calibrate.VLLM(), ReplicaLabel: "pod", MaxBatch: 256,
				From: time.Unix(0, 0), To: time.Unix(3600, 0), Step: time.Minute,
			}
			if tc.change != nil {
				tc.change(&h)
			}
			_, err := calibrate.Gather(t.Context(), prometheus(t, tc.recorded), h)
			assert.EqualError(t, err, tc.want)
		})
	}
}

// TestGatherDrops: each reason to leave a step out.
func TestGatherDrops(t *testing.T) {
	values := func(running, spread, completed string) string {
		return `load 60s
  r{namespace="llm",pod="a100-0",llm_d_ai_variant="a100"} ` + running + `
  v{namespace="llm",pod="a100-0",llm_d_ai_variant="a100"} ` + spread + `
  l{namespace="llm",pod="a100-0",llm_d_ai_variant="a100"} ` + completed + `
  t{namespace="llm",pod="a100-0",llm_d_ai_variant="a100"} 0.02x20
  w{namespace="llm",pod="a100-0",llm_d_ai_variant="a100"} 0x4 1x4 8x20
`
	}
	e := calibrate.Expressions{Running: "r", Variance: "v", Waiting: "w", Input: "l", Output: "l", ITL: "t", TTFT: "t * 3"}
	ask := func(t *testing.T, recorded string) calibrate.Subject {
		t.Helper()
		subjects, err := calibrate.Gather(t.Context(), prometheus(t, recorded), calibrate.History{
			Config: load(t, fleetYAML), Expressions: e, ReplicaLabel: "pod", MaxBatch: 256,
			From: time.Unix(7, 123456789), To: time.Unix(659, 987654321), Step: time.Minute, // steps end on whole minutes
		})
		require.NoError(t, err)
		return subjects[1]
	}
	for name, tc := range map[string]struct {
		recorded string
		want     map[string]int
	}{
		"none":     {values("10x20", "10x20", "100x20"), map[string]int{}},
		"idle":     {values("10x4 0x20", "10x20", "100x20"), map[string]int{"idle": 6}},
		"unsteady": {values("10x20", "10x4 90x20", "100x20"), map[string]int{"with unsteady load": 6}},
		"silent":   {values("10x20", "10x20", "100x4 NaN NaN NaN NaN NaN NaN"), map[string]int{"in which no request was completed": 6}},
		"pods":     {values("10x4 stale _ _ _ _ 10x20", "10x20", "100x20"), map[string]int{"where the set of replicas changed": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			s := ask(t, tc.recorded)
			assert.Equal(t, tc.want, s.Dropped)
		})
	}
	s := ask(t, values("10x20", "10x20", "100x20"))
	require.Len(t, s.Observations, 10)
	assert.Equal(t, calibration.Observation{Concurrency: 11, Lengths: latency.Lengths{Input: 100, Output: 100}, ITL: 0.02, TTFT: 0.06}, s.Observations[0])
	assert.InDelta(t, 0.06, s.Observations[6].TTFT, 1e-12, "one waits for the running iteration")
	assert.Zero(t, s.Observations[9].TTFT, "a queue")

	e.Queue = "t * 2" // of which an iteration is no queue
	s = ask(t, values("10x20", "10x20", "100x20"))
	assert.InDelta(t, 0.04, s.Observations[9].TTFT, 1e-12, "without the queue")
}
