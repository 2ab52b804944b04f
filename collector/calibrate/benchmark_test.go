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
			`{"metadata":{},"benchmarks":[{"metrics":{"request_concurrency":{"successful":{"mean":7.5}},
"prompt_token_count":{"successful":{"mean":500,"std_dev":400}},"output_token_count":{"successful":{"mean":100,"std_dev":1}},
"time_to_first_token_ms":{"successful":{"mean":20}},"inter_token_latency_ms":{"successful":{"mean":6}}}}]}`,
			[]calibration.Observation{{Concurrency: 7.5, Lengths: latency.Lengths{Input: 500, InputCV: 0.8, Output: 100}, ITL: 0.006, TTFT: 0.02}},
		},
		"genai-perf": {
			`{"request_throughput":{"unit":"requests/sec","avg":4},"request_latency":{"unit":"ms","avg":2000},
"time_to_first_token":{"unit":"ms","avg":40},"inter_token_latency":{"unit":"us","avg":9000},
"output_sequence_length":{"unit":"tokens","avg":200,"std":100},"input_sequence_length":{"unit":"tokens","avg":550,"std":0}}`,
			[]calibration.Observation{{Concurrency: 8, Lengths: latency.Lengths{Input: 550, Output: 200, OutputCV: 0.5}, ITL: 0.009, TTFT: 0.04}},
		},
		"CSV": {
			"concurrency,input_tokens,output_tokens,ttft,itl\n8,512,128,0.025,0.006\n",
			[]calibration.Observation{{Concurrency: 8, Lengths: fixed, ITL: 0.006, TTFT: 0.025, Arrivals: latency.Replacing}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := calibrate.ReadBenchmark("bench", []byte(tc.text))
			require.NoError(t, err)
			require.Len(t, got, len(tc.want))
			for i := range got {
				assert.InDelta(t, tc.want[i].Concurrency, got[i].Concurrency, 1e-9)
				got[i].Concurrency = tc.want[i].Concurrency
				assert.InDelta(t, tc.want[i].ITL, got[i].ITL, 1e-12)
				assert.InDelta(t, tc.want[i].TTFT, got[i].TTFT, 1e-12)
				got[i].ITL, got[i].TTFT = tc.want[i].ITL, tc.want[i].TTFT
				assert.Equal(t, tc.want[i], got[i])
			}
		})
	}
}

func TestReadBenchmarkRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1}`:                                          "bench: result 1: not the JSON of a tool that is known",
		`{"mean_itl_ms":6,"completed":0}`:                  "no completed requests",
		`{"mean_itl_ms":6`:                                 "bench: read result 1: unexpected EOF",
		vllmRun(8, 25, 6) + `{"benchmarks":[{}]}`:          "bench: result 2: benchmarks[0]: no requests in service, output tokens, time between tokens",
		`{"inter_token_latency":{"unit":"weeks","avg":1}}`: `unit "weeks" of a time is not known`,
		`[` + vllmRun(8, 25, 6) + `,3]`:                    "bench: result 2: json: cannot unmarshal number",
		``:                                                 "bench:1:1: no header",
		"\xff\xfec\x00o\x00":                               "bench:1:1: the text is UTF-16: save it as CSV in UTF-8",
	} {
		_, err := calibrate.ReadBenchmark("bench", []byte(text))
		assert.ErrorContains(t, err, want)
	}
}
