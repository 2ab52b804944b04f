package calibrate_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/calibrate"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// exposed are the names under which a server tells what calibrate asks for.
type exposed struct {
	running, waiting, labels       string
	input, output, requests        string // counters
	itl, itls, queue, queues       string // sums and counts
	first, firsts, inputs, outputs string
}

// told are samples of a server, every 15 seconds, under a load that goes up and down.
func (e exposed) told(profile latency.Profile, l latency.Lengths) string {
	server, _ := latency.NewServer(profile, l)
	const steps, step = 960, 15.0
	values := map[string]*strings.Builder{}
	total := map[string]float64{}
	put := func(name string, v float64) {
		if name == "" {
			return
		}
		if values[name] == nil {
			values[name] = &strings.Builder{}
		}
		fmt.Fprintf(values[name], " %g", v)
	}
	count := func(name string, more float64) {
		total[name] += more
		put(name, total[name])
	}
	for i := range steps {
		n := math.Round(30 + 25*math.Sin(float64(i/20)/7))
		rate := server.RateOf(n) * step
		itl, first := server.Decode(n), server.Prefill(n)+server.Decode(n)
		put(e.running, n)
		put(e.waiting, 0)
		count(e.requests, rate)
		count(e.input, rate*l.Input)
		count(e.output, rate*l.Output)
		count(e.inputs, rate)
		count(e.outputs, rate)
		count(e.itl, rate*l.Output*itl)
		count(e.itls, rate*l.Output)
		count(e.first, rate*(first+0.05))
		count(e.firsts, rate)
		count(e.queue, rate*(0.05+itl))
		count(e.queues, rate)
	}
	var text strings.Builder
	text.WriteString("load 15s\n")
	for name, v := range values {
		for _, copied := range []string{"10.0.0.1:8000", "copy"} { // as an HA pair of Prometheus
			if copied == "copy" {
				copied = `10.0.0.1:8000",prometheus_replica="b`
			}
			fmt.Fprintf(&text, "  %s{namespace=\"llm\",pod=\"a-0\",instance=\"%s\"%s} %s\n", name, copied, e.labels, strings.TrimSpace(v.String()))
		}
	}
	return text.String()
}

// TestGatherServers finds the profile of a server of each preset in its own series, told twice.
func TestGatherServers(t *testing.T) {
	truth := latency.Profile{Alpha: 8e-3, Beta: 2e-5, Gamma: 4e-7, MaxBatch: 256, MaxQueue: 2560}
	lengths := latency.Lengths{Input: 600, Output: 200}
	sglang := exposed{
		running: "sglang:num_running_reqs", waiting: "sglang:num_queue_reqs", labels: `,model_name="m"`,
		input: "sglang:prompt_tokens_total", output: "sglang:generation_tokens_total", requests: "sglang:num_requests_total",
		itl: "sglang:inter_token_latency_seconds_sum", itls: "sglang:inter_token_latency_seconds_count",
		first: "sglang:time_to_first_token_seconds_sum", firsts: "sglang:time_to_first_token_seconds_count",
		queue: "sglang:queue_time_seconds_sum", queues: "sglang:queue_time_seconds_count",
	}
	for name, e := range map[string]exposed{
		"vllm": {
			running: "vllm:num_requests_running", waiting: "vllm:num_requests_waiting", labels: `,model_name="m",engine="0"`,
			input: "vllm:request_prompt_tokens_sum", inputs: "vllm:request_prompt_tokens_count",
			output: "vllm:request_generation_tokens_sum", outputs: "vllm:request_generation_tokens_count",
			itl: "vllm:inter_token_latency_seconds_sum", itls: "vllm:inter_token_latency_seconds_count",
			first: "vllm:time_to_first_token_seconds_sum", firsts: "vllm:time_to_first_token_seconds_count",
			queue: "vllm:request_queue_time_seconds_sum", queues: "vllm:request_queue_time_seconds_count",
		},
		"sglang": sglang,
		"trtllm": {
			running: "trtllm_num_requests_running", waiting: "trtllm_num_requests_waiting",
			input: "trtllm_prompt_tokens_total", output: "trtllm_generation_tokens_total", requests: "trtllm_request_success_total",
			itl: "trtllm_time_per_output_token_seconds_sum", itls: "trtllm_time_per_output_token_seconds_count",
			first: "trtllm_time_to_first_token_seconds_sum", firsts: "trtllm_time_to_first_token_seconds_count",
			queue: "trtllm_request_queue_time_seconds_sum", queues: "trtllm_request_queue_time_seconds_count",
		},
		"tgi": {
			running: "tgi_batch_current_size", input: "tgi_request_input_length_sum", inputs: "tgi_request_input_length_count",
			output: "tgi_request_generated_tokens_sum", outputs: "tgi_request_generated_tokens_count",
			itl: "tgi_request_mean_time_per_token_duration_sum", itls: "tgi_request_mean_time_per_token_duration_count",
		},
	} {
		t.Run(name, func(t *testing.T) {
			subjects, err := calibrate.Gather(t.Context(), prometheus(t, e.told(truth, lengths)), calibrate.History{
				Config: load(t, serverConfig(name)), ReplicaLabel: "pod", MaxBatch: 256,
				From: time.Unix(0, 0), To: time.Unix(14400, 0), Step: 5 * time.Minute,
			})
			require.NoError(t, err)
			require.Len(t, subjects, 1)
			s := subjects[0]
			require.Greater(t, len(s.Observations), 20, "%v", s.Dropped)
			for _, o := range s.Observations {
				assert.InDelta(t, lengths.Input, o.Lengths.Input, 1)
				assert.Equal(t, e.first != "", o.TTFT > 0)
			}
			s.SLO = &latency.SLO{ITL: 0.03}
			r := calibrate.Fit(s)
			require.Empty(t, r.Error)
			server, err := latency.NewServer(truth, lengths)
			require.NoError(t, err)
			want, err := server.Capacity(*s.SLO)
			require.NoError(t, err)
			assert.InEpsilon(t, want.Rate, r.Capacity.Rate.Value, 0.05)
		})
	}
	subjects, err := calibrate.Gather(t.Context(), prometheus(t, sglang.told(truth, lengths)), calibrate.History{
		Config: load(t, serverConfig("trtllm")), ReplicaLabel: "pod", MaxBatch: 256, From: time.Unix(0, 0), To: time.Unix(14400, 0), Step: 5 * time.Minute,
	})
	require.NoError(t, err)
	assert.Contains(t, calibrate.Fit(subjects[0]).Error, "which are those of the preset trtllm unless")
}

// serverConfig is a configuration with one variant of one preset.
func serverConfig(preset string) string {
	return `
prometheus: {url: URL}
models:
  - {name: m, namespace: llm, presets: [` + preset + `], signals: [concurrency], variants: [{name: a, scale_target: {kind: StatefulSet}, cost: 1, capacity: {concurrency: 1}}]}
`
}
