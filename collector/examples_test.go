package collector_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

// exampleCase is an hour of series in promqltest's notation, with a sample every 30 seconds, and what a person works out from them.
type exampleCase struct {
	file    string
	series  string
	demand  map[string]float64 // per signal, as measured
	desired map[string]int     // per variant
}

const (
	exampleStep = 30 * time.Second
	exampleSpan = time.Hour
)

// TestExamples evaluates the configurations of docs/examples on Prometheus' own engine.
func TestExamples(t *testing.T) {
	tested := map[string]bool{}
	for name, c := range exampleCases() {
		tested[c.file] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
	files, err := filepath.Glob("../docs/examples/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		require.True(t, tested[filepath.Base(file)], "%s is not tested", file)
	}
}

func (c exampleCase) run(t *testing.T) {
	cfg, found, err := config.LoadFile(filepath.Join("../docs/examples", c.file))
	require.NoError(t, err)
	require.Empty(t, found, "%s", found)
	e, at := evaluatorOf(t, cfg, c.series)
	s := e.Evaluate(t.Context(), at)
	for _, in := range s.Inputs {
		require.NoError(t, in.Err, in.Name)
		require.Empty(t, in.Bad, in.Name)
	}
	demand, desired := map[string]float64{}, map[string]int{}
	for _, signal := range s.Models[0].Signals {
		require.NotNil(t, signal.Measured, "%s: %s", signal.Name, signal.Missing)
		demand[signal.Name] = *signal.Measured
	}
	for _, v := range s.Models[0].Variants {
		require.NotNil(t, v.Desired, "%s: %s", v.Name, v.Missing)
		desired[v.Name] = *v.Desired
	}
	require.Equal(t, c.desired, desired)
	require.InDeltaMapValues(t, c.demand, demand, 1e-6)
}

// evaluatorOf asks an engine that has some series, one a line, which end at a moment.
func evaluatorOf(t *testing.T, c *config.Config, series string) (e *collector.Evaluator, at time.Time) {
	t.Helper()
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	at = start.Add(exampleSpan)
	e, err := collector.NewEvaluator(c, storing(t, series, start), collector.EvaluatorOptions{
		Concurrency: 1, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e, at
}

// storing is an engine that has some series, one a line, as samplesOf reads them.
func storing(t *testing.T, series string, start time.Time) *embedded.Engine {
	t.Helper()
	engine, err := embedded.New(embedded.Config{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	for line := range strings.Lines(series) {
		if line = strings.TrimSpace(line); line != "" {
			require.NoError(t, engine.Append(t.Context(), samplesOf(t, line, start)))
		}
	}
	return engine
}

// samplesOf reads a series as promqltest writes it. The last value holds until the end.
func samplesOf(t *testing.T, line string, start time.Time) model.Vector {
	t.Helper()
	labels, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(line)
	require.NoError(t, err, line)
	metric := model.Metric{}
	for name, value := range labels.Map() {
		metric[model.LabelName(name)] = model.LabelValue(value)
	}
	var samples model.Vector
	for i := range int(exampleSpan/exampleStep) + 1 {
		at := start.Add(time.Duration(i) * exampleStep)
		samples = append(samples, &model.Sample{
			Metric: metric, Value: model.SampleValue(values[min(i, len(values)-1)].Value), Timestamp: model.TimeFromUnixNano(at.UnixNano()),
		})
	}
	return samples
}

// replicasOf are the replicas of a Deployment in namespace llm, all ready.
func replicasOf(deployment, n string) string {
	return `kube_deployment_spec_replicas{namespace="llm",deployment="` + deployment + `"} ` + n + `
		kube_deployment_status_replicas_ready{namespace="llm",deployment="` + deployment + `"} ` + n + "\n"
}

func exampleCases() map[string]exampleCase {
	const (
		gateway = `namespace="llm",instance="epp",service="llama-70b-epp"`
		one     = `namespace="llm",model_name="llama-8b",pod="llama-8b-h100-6d4cf56db6-xxxxx"`
		two     = `namespace="llm",model_name="llama-8b",pod="llama-8b-h100-6d4cf56db6-zzzzz"`
		decode  = `namespace="llm",model_name="llama-70b",pod="llama-70b-decode-h100-6d4cf56db6-`
	)
	h100 := func(n string) string { return replicasOf("llama-8b-h100", n) }
	queueAndRunning := func(queue, running string) string {
		return h100("2") + `
			llm_d_epp_flow_control_queue_size{` + gateway + `,model_name="llama-8b",inference_pool="p"} ` + queue + `
			llm_d_epp_request_running{` + gateway + `,model_name="llama-8b",target_model_name="llama-8b"} ` + running + `
			inference_objective_running_requests{` + gateway + `,model_name="llama-8b"} ` + running + `
			llm_d_epp_ready_endpoints{` + gateway + `,name="p"} 2`
	}
	// Two pods of 1,000 blocks of 16 tokens.
	blocks := func(n string) string {
		return h100("2") + `
			vllm:cache_config_info{namespace="llm",pod="llama-8b-h100-6d4cf56db6-xxxxx",block_size="16",num_gpu_blocks="` + n + `"} 1
			vllm:cache_config_info{namespace="llm",pod="llama-8b-h100-6d4cf56db6-zzzzz",block_size="16",num_gpu_blocks="` + n + `"} 1
		`
	}
	used := func(first, second, waiting string) string {
		return `
			vllm:kv_cache_usage_perc{` + one + `} ` + first + `
			vllm:kv_cache_usage_perc{` + two + `} ` + second + `
			vllm:num_requests_waiting{` + one + `} ` + waiting + `
			vllm:num_requests_waiting{` + two + `} 0
		`
	}
	// Requests of 3,900 and 100 tokens: 8192 x 100 / 4000 = 204.8 fit into a batch.
	lengths := `
		vllm:request_prompt_tokens_sum{` + one + `} 0+39000x120
		vllm:request_prompt_tokens_count{` + one + `} 0+10x120
		vllm:request_generation_tokens_sum{` + one + `} 0+1000x120
		vllm:request_generation_tokens_count{` + one + `} 0+10x120
	`
	running := func(first, second string) string {
		return `
			vllm:num_requests_running{` + one + `} ` + first + `
			vllm:num_requests_running{` + two + `} ` + second + "\n"
	}
	roles := func(tokens, kv string) string {
		return replicasOf("llama-70b-prefill-h100", "2") + replicasOf("llama-70b-decode-h100", "4") + `
			llm_d_epp_inflight_tokens{` + gateway + `,endpoint_name="x",producer_name="inflight-load-producer"} ` + tokens + `
			llm_d_epp_ready_endpoints{` + gateway + `,name="p"} 6
			vllm:kv_cache_usage_perc{` + decode + `bbbbb"} ` + kv + `
			vllm:kv_cache_usage_perc{` + decode + `ccccc"} ` + kv + `
			vllm:kv_cache_usage_perc{` + decode + `ddddd"} ` + kv + `
			vllm:kv_cache_usage_perc{` + decode + `fffff"} ` + kv + `
			vllm:kv_cache_usage_perc{namespace="llm",model_name="llama-70b",pod="llama-70b-prefill-h100-6d4cf56db6-bbbbb"} 0.9`
	}
	// Every request between the two bounds.
	histogram := func(metric, from, to string) string {
		return metric + `_bucket{` + one + `,le="` + from + `"} 0
			` + metric + `_bucket{` + one + `,le="` + to + `"} 0+10x120
			` + metric + `_bucket{` + one + `,le="+Inf"} 0+10x120
		`
	}
	itl := histogram("vllm:inter_token_latency_seconds", "0.0", "0.05")
	arrivals := h100("2") + `
		llm_d_epp_request_total{` + gateway + `,model_name="llama-8b",target_model_name="llama-8b"} 0+600x120
		llm_d_epp_request_input_tokens_sum{` + gateway + `,model_name="llama-8b",target_model_name="llama-8b"} 0+480000x120
		llm_d_epp_request_input_tokens_count{` + gateway + `,model_name="llama-8b",target_model_name="llama-8b"} 0+600x120
		llm_d_epp_request_output_tokens_sum{` + gateway + `,model_name="llama-8b",target_model_name="llama-8b"} 0+120000x120
		llm_d_epp_request_output_tokens_count{` + gateway + `,model_name="llama-8b",target_model_name="llama-8b"} 0+600x120
		llm_d_epp_ready_endpoints{` + gateway + `,name="p"} 2
	`
	// More requests came five minutes ago. Had they come long ago, the autoscaler of the first variant would not follow.
	power := h100("2") + replicasOf("llama-8b-b200", "0") + running("90x111 300", "90x111 300") + `
		vllm:num_requests_waiting{` + one + `} 0
		vllm:num_requests_waiting{` + two + `} 0
	`
	return map[string]exampleCase{
		"queue and running: the queue asks for more": {
			"gateway-queue-and-running.yml", queueAndRunning("5", "40"),
			map[string]float64{"queued": 5, "running": 40},
			map[string]int{"llama-8b-h100": 5},
		},
		"queue and running: what runs asks for more": { // ceil(70 / 16)
			"gateway-queue-and-running.yml", queueAndRunning("0", "70"),
			map[string]float64{"queued": 0, "running": 70},
			map[string]int{"llama-8b-h100": 5},
		},
		"cache: (0.9 + 0.8) x 16,000 tokens, 11,200 a replica": {
			"kv-saturation.yml", blocks("1000") + used("0.9", "0.8", "3"),
			map[string]float64{"kv": 27200, "waiting": 3},
			map[string]int{"llama-8b-h100": 3},
		},
		"cache: the queue asks for more": { // ceil(9 / 2)
			"kv-saturation.yml", blocks("1000") + used("0.9", "0.8", "9"),
			map[string]float64{"kv": 27200, "waiting": 9},
			map[string]int{"llama-8b-h100": 5},
		},
		// 313,600 tokens in use, per 0.85, and a twentieth of 180 x 4,000 that wait, of 128,000 a replica: 3.2. Requests: 430 / 0.85 /
		// 204.8 = 2.5.
		"tokens: bound by memory": {
			"token-capacity.yml", blocks("10000") + used("0.98", "0.98", "180") + lengths + running("125", "125"),
			map[string]float64{"memory": 1033600, "compute": 430},
			map[string]int{"llama-8b-h100": 4},
		},
		// 32,000 tokens / 0.85 / 128,000 = 0.3. Requests: 800 / 0.85 / 204.8 = 4.6.
		"tokens: bound by compute": {
			"token-capacity.yml", blocks("10000") + used("0.1", "0.1", "0") + lengths + running("400", "400"),
			map[string]float64{"memory": 32000, "compute": 800},
			map[string]int{"llama-8b-h100": 5},
		},
		// 60,000 / 23,892 = 2.5 and 4 x 0.6 / 0.8 = 3.
		"roles": {
			"prefill-decode.yml", roles("60000", "0.6"),
			map[string]float64{"prefill_backlog": 60000, "decode_kv": 2.4},
			map[string]int{"llama-70b-prefill-h100": 3, "llama-70b-decode-h100": 3},
		},
		// 6 and 5 are wanted, of 2 accelerators each, and there are 12: 3 of each leave both roles 40 % short.
		"roles: too few accelerators for both": {
			"prefill-decode.yml", roles("120000", "1"),
			map[string]float64{"prefill_backlog": 120000, "decode_kv": 4},
			map[string]int{"llama-70b-prefill-h100": 3, "llama-70b-decode-h100": 3},
		},
		// TTFT 2.85 s of 3 s, ITL 45 ms of 100 ms: 4 x 0.95 / 0.55 = 6.9.
		"SLO ratio": {
			"slo-ratio.yml", h100("4") + running("10", "10") + itl + histogram("vllm:time_to_first_token_seconds", "1.5", "3.0"),
			map[string]float64{"slo_ratio": 3.8},
			map[string]int{"llama-8b-h100": 7},
		},
		"SLO ratio: at most twice the target": { // 4 x 2 / 0.55
			"slo-ratio.yml", h100("4") + running("10", "10") + itl + histogram("vllm:time_to_first_token_seconds", "10.0", "20.0"),
			map[string]float64{"slo_ratio": 8},
			map[string]int{"llama-8b-h100": 15},
		},
		"SLO ratio: idle": {
			"slo-ratio.yml", h100("2") + running("0", "0"), map[string]float64{"slo_ratio": 0}, map[string]int{"llama-8b-h100": 3},
		},
		// 20 requests per second and 15 %, of 4.77 a replica, as size says: 4.8.
		"latency targets": {
			"latency-targets.yml", arrivals, map[string]float64{"latency": 20}, map[string]int{"llama-8b-h100": 8},
		},
		// Measured 600 W a replica; the other variant has never run and counts with 1,000 W. 600 requests do not fit into 2,500 W:
		// 2 x 96 + 1 x 160 = 352 do at 2,200 W, 4 x 96 = 384 at 2,400 W.
		"power as measured": {
			"power.yml", power + `
				DCGM_FI_DEV_POWER_USAGE{UUID="1",namespace="llm",pod="llama-8b-h100-6d4cf56db6-xxxxx"} 600
				DCGM_FI_DEV_POWER_USAGE{UUID="2",namespace="llm",pod="llama-8b-h100-6d4cf56db6-zzzzz"} 600`,
			map[string]float64{"concurrency": 600},
			map[string]int{"llama-8b-h100": 4, "llama-8b-b200": 0},
		},
		// 700 and 1,000 W: 3 x 96 = 288 at 2,100 W, 2 x 160 = 320 at 2,000 W, or 2 x 96 + 1 x 160 = 352 at 2,400 W.
		"power where nothing is measured": {
			"power.yml", power, map[string]float64{"concurrency": 600}, map[string]int{"llama-8b-h100": 2, "llama-8b-b200": 1},
		},
	}
}
