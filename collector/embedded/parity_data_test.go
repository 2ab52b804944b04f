package embedded_test

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
	"github.com/stretchr/testify/require"
)

// parityExprs are of the kinds that presets, guards and users' own signals ask.
var parityExprs = []string{
	"vllm:num_requests_running",
	`sum by (namespace, model_name) (vllm:num_requests_running + vllm:num_requests_waiting)`,
	`sum by (pod) (vllm:num_requests_running{pod=~"llama-h100-.*"})`,
	`avg by (namespace, model_name, pod) (vllm:kv_cache_usage_perc or vllm:gpu_cache_usage_perc)`,
	`quantile(0.5, vllm:num_requests_running)`,
	`stddev without (pod, engine) (vllm:num_requests_running)`,
	`topk(2, sum by (pod) (vllm:num_requests_running))`,
	`count by (model_name) (vllm:num_requests_running > 30)`,
	`group by (pod) (vllm:cache_config_info)`,
	`sum by (model_name) (rate(vllm:generation_tokens_total[1m]))`,
	`increase(vllm:generation_tokens_total[5m])`,
	`max_over_time(sum by (model_name) (vllm:num_requests_running)[5m:15s])`,
	`min_over_time(sum by (model_name) (rate(vllm:generation_tokens_total[1m]))[3m:])`,
	`max by (pod) (max_over_time(vllm:num_requests_waiting[1m]))`,
	`quantile_over_time(0.9, vllm:num_requests_running[10m])`,
	`predict_linear(vllm:num_requests_running[10m], 120)`,
	`deriv(sum by (model_name) (vllm:num_requests_running)[10m:30s])`,
	`sum(vllm:num_requests_running offset 5m)`,
	`clamp_min(sum by (model_name) (llm_d_epp_flow_control_queue_size{inference_pool="llama"}), 0) or (0 * max(up{job="epp"} == 1))`,
	`sum by (model_name) (llm_d_epp_flow_control_queue_size) or sum by (model_name) (inference_extension_flow_control_queue_size)`,
	`clamp_min(sum by (model_name) (llm_d_epp_flow_control_queue_size), 0) + sum by (model_name) (llm_d_epp_request_running)`,
	`max by (name) (llm_d_epp_average_queue_size * llm_d_epp_ready_endpoints)`,
	`max by (name) (llm_d_epp_average_queue_size and (llm_d_epp_ready_endpoints > 0))`,
	`llm_d_epp_average_kv_cache_utilization * 2`,
	`llm_d_epp_average_queue_size / (llm_d_epp_ready_endpoints * 0)`,
	`(vllm:kv_cache_usage_perc or vllm:gpu_cache_usage_perc) * on (namespace, pod) group_left (num_gpu_blocks) vllm:cache_config_info`,
	`sum by (model_name) (vllm:num_requests_running) / on (model_name) count by (model_name) (sum by (model_name, pod) (vllm:num_requests_running))`,
	`sum by (variant) (label_replace(vllm:num_requests_running, "variant", "$1", "pod", "(.+)-[^-]+-[^-]+"))`,
	`label_join(llm_d_epp_ready_endpoints, "id", "/", "namespace", "name")`,
	`histogram_quantile(0.95, sum by (model_name, le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))`,
	`vllm:num_requests_running unless on (pod) vllm:kv_cache_usage_perc`,
	`absent(vllm:num_requests_swapped{model_name="llama"})`,
	`absent(vllm:num_requests_running)`,
	`time() - timestamp(llm_d_epp_ready_endpoints)`,
	`changes(llm_d_epp_ready_endpoints[30m]) + resets(llm_d_epp_ready_endpoints[30m])`,
	`sort_desc(sum by (pod) (vllm:num_requests_running))`,
	`sum(vllm:num_requests_running) > bool 100`,
	`vector(4.10)`,
	`no_such_series`,
	`{__name__=~"llm_d_epp_.*", name="llama"}`,
}

// vllmExposition is what a vLLM server shows, shortened.
const vllmExposition = `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="meta-llama/Llama-3.1-8B-Instruct"} 7.0
vllm:num_requests_running{engine="1",model_name="meta-llama/Llama-3.1-8B-Instruct"} 5.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="meta-llama/Llama-3.1-8B-Instruct"} 0.0
vllm:num_requests_waiting{engine="1",model_name="meta-llama/Llama-3.1-8B-Instruct"} 2.0
# HELP vllm:kv_cache_usage_perc KV-cache usage. 1 means 100 percent usage.
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="meta-llama/Llama-3.1-8B-Instruct"} 0.3471
# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="0",num_gpu_blocks="27041"} 1.0
# HELP vllm:generation_tokens_total Number of generation tokens processed.
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="meta-llama/Llama-3.1-8B-Instruct"} 1.2345678e+07
# HELP vllm:time_to_first_token_seconds Histogram of time to first token in seconds.
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1",model_name="meta-llama/Llama-3.1-8B-Instruct"} 40.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="1.0",model_name="meta-llama/Llama-3.1-8B-Instruct"} 95.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="meta-llama/Llama-3.1-8B-Instruct"} 100.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="meta-llama/Llama-3.1-8B-Instruct"} 100.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="meta-llama/Llama-3.1-8B-Instruct"} 31.5
# TYPE vllm:dropped gauge
vllm:dropped 1.0
# TYPE vllm:odd gauge
vllm:odd{kind="nan"} NaN
vllm:odd{kind="inf"} +Inf
`

// fleetScrape is what a scrape of a small fleet yields.
type fleetScrape struct {
	at      model.Time
	samples model.Vector
}

func (f *fleetScrape) add(v float64, name string, pairs ...string) {
	m := model.Metric{model.MetricNameLabel: model.LabelValue(name), "namespace": "llm"}
	for p := 0; p < len(pairs); p += 2 {
		m[model.LabelName(pairs[p])] = model.LabelValue(pairs[p+1])
	}
	f.samples = append(f.samples, &model.Sample{Metric: m, Value: model.SampleValue(v), Timestamp: f.at})
}

// scrapeAt is the i-th scrape of three pods of two variants behind one gateway. The first pod restarts after 60 scrapes, the
// second goes away after 100, and the gateway shows its newer names after 20.
func scrapeAt(at time.Time, i int) model.Vector {
	f := &fleetScrape{at: model.TimeFromUnixNano(at.UnixNano())}
	load := math.Round(20 + 15*math.Sin(float64(i)/9))
	f.addServer("llama-h100-6d5f-a", "vllm:kv_cache_usage_perc", load, 900*float64(i%61))
	if second := len(f.samples); i <= 101 {
		f.addServer("llama-h100-6d5f-b", "vllm:kv_cache_usage_perc", 2*load, 1800*float64(i))
		for _, s := range f.samples[second:] {
			if i == 101 {
				s.Value = model.SampleValue(math.Float64frombits(value.StaleNaN))
			}
		}
	}
	f.addServer("llama-l4-77c9-a", "vllm:gpu_cache_usage_perc", 3*load, 2700*float64(i))
	f.addGateway(load, i)
	return f.samples
}

// addServer adds what one vLLM pod shows that serves a load and has generated a number of tokens.
func (f *fleetScrape) addServer(pod, usage string, load, tokens float64) {
	for _, engine := range []string{"0", "1"} {
		f.add(load, "vllm:num_requests_running", "pod", pod, "model_name", "llama", "engine", engine)
		f.add(load-min(load, 25), "vllm:num_requests_waiting", "pod", pod, "model_name", "llama", "engine", engine)
	}
	f.add(load/150, usage, "pod", pod, "model_name", "llama")
	f.add(tokens, "vllm:generation_tokens_total", "pod", pod, "model_name", "llama")
	f.add(1, "vllm:cache_config_info", "pod", pod, "block_size", "16", "num_gpu_blocks", "27000")
	for b, le := range []string{"0.1", "0.5", "2.5", "+Inf"} {
		f.add(tokens*float64(b+1), "vllm:time_to_first_token_seconds_bucket", "pod", pod, "model_name", "llama", "le", le)
	}
}

// addGateway adds what an endpoint picker shows, under its newer and older names.
func (f *fleetScrape) addGateway(load float64, i int) {
	if i > 20 {
		f.add(load-8, "llm_d_epp_flow_control_queue_size", "inference_pool", "llama", "model_name", "llama")
		f.add(load*6, "llm_d_epp_request_running", "model_name", "llama")
	}
	f.add(load-8, "inference_extension_flow_control_queue_size", "inference_pool", "llama", "model_name", "llama")
	f.add(float64(i/40), "llm_d_epp_ready_endpoints", "name", "llama")
	f.add(load/3, "llm_d_epp_average_queue_size", "name", "llama")
	f.add(math.NaN(), "llm_d_epp_average_kv_cache_utilization", "name", "llama")
	f.add(float64(i%2), "up", "job", "epp")
}

// copyOf copies a directory of samples, which can be open in one process only.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	require.NoError(t, os.CopyFS(to, os.DirFS(dir)))
	return to
}
