package calibrate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/calibrate"
	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// vllmRun is a result of vLLM's serving benchmark with the keys that are read and some that are not.
func vllmRun(concurrency int, ttft, itl float64) string {
	return fmt.Sprintf(`{"date":"20261101-101010","backend":"vllm","model_id":"m","num_prompts":400,"request_rate":"inf","burstiness":1.0,
"max_concurrency":%d,"duration":100.0,"completed":400,"total_input_tokens":204800,"total_output_tokens":51200,"request_throughput":4.0,
"mean_ttft_ms":%g,"median_ttft_ms":1,"p99_ttft_ms":1,"mean_tpot_ms":%g,"mean_itl_ms":%g,"p99_itl_ms":50.0}`, concurrency, ttft, itl, itl)
}

func TestReadBenchmark(t *testing.T) {
	fixed := latency.Lengths{Input: 512, Output: 128}
	for name, tc := range map[string]struct {
		text string
		want []calibration.Observation
	}{
		"vLLM": {
			vllmRun(8, 25, 6) + "\n" + vllmRun(16, 30, 7),
			[]calibration.Observation{{Concurrency: 8, Lengths: fixed, ITL: 0.006, TTFT: 0.025, Arrivals: latency.Replacing}, {Concurrency: 16, Lengths: fixed, ITL: 0.007, TTFT: 0.03, Arrivals: latency.Replacing}},
		},
		"vLLM with rates": {
			strings.Replace(vllmRun(8, 25, 6), `"inf"`, `4.0`, 1),
			[]calibration.Observation{{Concurrency: 4 * (0.025 + 127*0.006), Lengths: fixed, ITL: 0.006, TTFT: 0.025}},
		},
		"an array": {
			"[" + vllmRun(8, 25, 6) + ",\n" + vllmRun(16, 30, 7) + "]",
			[]calibration.Observation{
				{Concurrency: 8, Lengths: fixed, ITL: 0.006, TTFT: 0.025, Arrivals: latency.Replacing},
				{Concurrency: 16, Lengths: fixed, ITL: 0.007, TTFT: 0.03, Arrivals: latency.Replacing},
			},
		},
		"numbers of Python": {
			strings.NewReplacer(`"inf"`, `Infinity`, `"mean_itl_ms":6`, `"mean_itl_ms":NaN,"note":"NaN \"Infinity"`).Replace(vllmRun(8, 25, 6)),
			[]calibration.Observation{{Concurrency: 8, Lengths: fixed, ITL: 0.006, TTFT: 0.025, Arrivals: latency.Replacing}},
		},
		"guidellm": {
			`{"metadata":{},"benchmarks":[{"config":{"strategy":{"type_":"concurrent"}},"metrics":{"request_concurrency":{"successful":{"mean":7.5}},
"prompt_token_count":{"successful":{"mean":500,"std_dev":400}},"output_token_count":{"successful":{"mean":100,"std_dev":1}},
"time_to_first_token_ms":{"successful":{"mean":20}},"inter_token_latency_ms":{"successful":{"mean":6}}}}]}`,
			[]calibration.Observation{{Concurrency: 7.5, Lengths: latency.Lengths{Input: 500, InputCV: 0.8, Output: 100}, ITL: 0.006, TTFT: 0.02, Arrivals: latency.Replacing}},
		},
		"genai-perf": {
			`{"request_throughput":{"unit":"requests/sec","avg":4},"request_latency":{"unit":"ms","avg":2000},
"time_to_first_token":{"unit":"ms","avg":40},"inter_token_latency":{"unit":"us","avg":9000},
"output_sequence_length":{"unit":"tokens","avg":200,"std":100},"input_sequence_length":{"unit":"tokens","avg":550,"std":0}}`,
			[]calibration.Observation{{Concurrency: 8, Lengths: latency.Lengths{Input: 550, Output: 200, OutputCV: 0.5}, ITL: 0.009, TTFT: 0.04}},
		},
		"SGLang": {
			strings.NewReplacer(`"inf"`, `Infinity`, `"max_concurrency":8`, `"max_concurrency":null,"concurrency":7.5`, `"num_prompts":400,`, ``).Replace(
				strings.Replace(vllmRun(8, 25, 6), `"inf"`, `4.0`, 1)),
			[]calibration.Observation{{Concurrency: 7.5, Lengths: fixed, ITL: 0.006, TTFT: 0.025}},
		},
		"vLLM, of which each message has several tokens": {
			strings.Replace(vllmRun(8, 25, 6), `"mean_itl_ms":6`, `"mean_itl_ms":17.5`, 1),
			[]calibration.Observation{{Concurrency: 8, Lengths: fixed, ITL: 0.006, TTFT: 0.025, Arrivals: latency.Replacing}},
		},
		"vLLM in detail, one request failed": {
			strings.Replace(vllmRun(8, 25, 6), `"request_rate"`, `"input_lens":[256,512,768],"output_lens":[128,0,128],"request_rate"`, 1),
			[]calibration.Observation{{
				Concurrency: 8, Lengths: latency.Lengths{Input: 512, InputCV: 0.5, Output: 128}, ITL: 0.006, TTFT: 0.025, Arrivals: latency.Replacing,
			}},
		},
		"genai-perf's CSV": {
			"Metric,avg,min,max,p99,p95,p90,p75,p50,p25\r\nTime To First Token (ms),40.00,1,1,1,1,1,1,1,1\r\n" +
				"Request Latency (ms),\"2,000.00\",1,1,1,1,1,1,1,1\r\nInter Token Latency (ms),9.00,1,1,1,1,1,1,1,1\r\n" +
				"Output Sequence Length (tokens),200.00,1,1,1,1,1,1,1,1\r\nInput Sequence Length (tokens),550.00,1,1,1,1,1,1,1,1\r\n" +
				"\r\nMetric,Value\r\nRequest Throughput (per sec),4.00\r\n",
			[]calibration.Observation{{Concurrency: 8, Lengths: latency.Lengths{Input: 550, Output: 200}, ITL: 0.009, TTFT: 0.04}},
		},
		"aiperf's CSV": {
			"Metric,avg,min,max,sum,std\nTime to First Token (ms),40.00,1,1,,1\nRequest Latency (ms),\"2,000.00\",1,1,,1\n" +
				"Inter Token Latency (ms),9.00,1,1,,1\nOutput Sequence Length (tokens),200.00,1,1,,100.00\nInput Sequence Length (tokens),550.00,1,1,,0.00\n" +
				"\nMetric,Value\nRequest Throughput (requests/sec),4.00\n",
			[]calibration.Observation{{Concurrency: 8, Lengths: latency.Lengths{Input: 550, Output: 200, OutputCV: 0.5}, ITL: 0.009, TTFT: 0.04}},
		},
		"CSV": {
			"concurrency,input_tokens,output_tokens,ttft,itl\n8,512,128,0.025,0.006\n",
			[]calibration.Observation{{Concurrency: 8, Lengths: fixed, ITL: 0.006, TTFT: 0.025, Arrivals: latency.Replacing}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, leftOut, err := calibrate.ReadBenchmark("bench", []byte(tc.text))
			require.NoError(t, err)
			assert.Empty(t, leftOut)
			require.Len(t, got, len(tc.want))
			for i := range got {
				assert.InDelta(t, tc.want[i].Concurrency, got[i].Concurrency, 1e-9)
				got[i].Concurrency = tc.want[i].Concurrency
				assert.InDelta(t, tc.want[i].ITL, got[i].ITL, 1e-12)
				assert.InDelta(t, tc.want[i].TTFT, got[i].TTFT, 1e-12)
				got[i].ITL, got[i].TTFT = tc.want[i].ITL, tc.want[i].TTFT
				got[i].Throughput, got[i].Quantiles = 0, nil // command/testdata/script/calibrate_few.txtar holds them
				assert.Equal(t, tc.want[i], got[i])
			}
		})
	}
}

func TestReadBenchmarkRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1}`:                         "bench: result 1: not the JSON of a tool that is known",
		`{"mean_itl_ms":6,"completed":0}`: "no completed requests",
		`{"mean_itl_ms":6`:                "bench: read result 1: unexpected EOF",
		`{"benchmarks":[{"metrics":{"time_to_first_token_ms":null}}]}`: "bench: result 1: benchmarks[0]: no successful requests",
		`{"experiments":[]}`:                   "give the summary next to it, profile_export_genai_perf.json",
		`[]`:                                   "bench: holds no run",
		"Metric,avg\nRequest Latency (ms),a\n": `bench: line 2: Request Latency: "a" is not a number`,
		`{"inter_token_latency":{"unit":"weeks","avg":1}}`: `unknown unit of time "weeks"`,
		`[` + vllmRun(8, 25, 6) + `,3]`:                    "bench: result 2: json: cannot unmarshal number",
		``:                                                 "bench:1:1: no header",
		"\xff\xfec\x00o\x00":                               "bench:1:1: the text is UTF-16: save it as CSV in UTF-8",
	} {
		_, _, err := calibrate.ReadBenchmark("bench", []byte(text))
		assert.ErrorContains(t, err, want)
	}
}

// TestReadBenchmarkLeavesOut keeps the runs that can be used beside those that failed.
func TestReadBenchmarkLeavesOut(t *testing.T) {
	guidellm := func(benchmarks ...string) string { return `{"benchmarks":[` + strings.Join(benchmarks, ",") + `]}` }
	const good = `{"metrics":{"request_concurrency":{"successful":{"mean":7.5}},"output_token_count":{"successful":{"mean":100}},
"time_to_first_token_ms":{"successful":{"mean":20}},"inter_token_latency_ms":{"successful":{"mean":6}}}}`
	for name, tc := range map[string]struct {
		text, why string
		kept      int
	}{
		"guidellm, zeros":             {guidellm(good, `{"metrics":{"request_concurrency":{"successful":{"mean":0.0}}}}`, good), "bench: result 1: benchmarks[1]: no successful requests", 2},
		"guidellm, null":              {guidellm(good, `{"metrics":{"request_concurrency":{"successful":null},"output_token_count":null}}`), "benchmarks[1]: no successful requests", 1},
		"guidellm, without streaming": {guidellm(good, strings.Replace(good, `"mean":6`, `"mean":0`, 1)), "benchmarks[1]: no time between tokens", 1},
		"vLLM, all failed":            {vllmRun(8, 25, 6) + strings.Replace(vllmRun(8, 25, 6), `"completed":400`, `"completed":0`, 1), "bench: result 2: no completed requests", 1},
		"vLLM, all at once":           {vllmRun(8, 25, 6) + strings.Replace(vllmRun(8, 25, 6), `"max_concurrency":8`, `"max_concurrency":null`, 1), "result 2: all requests were sent at once", 1},
	} {
		t.Run(name, func(t *testing.T) {
			got, leftOut, err := calibrate.ReadBenchmark("bench", []byte(tc.text))
			require.NoError(t, err)
			assert.Len(t, got, tc.kept)
			require.Len(t, leftOut, 1)
			assert.Contains(t, leftOut[0], tc.why)
		})
	}
}
