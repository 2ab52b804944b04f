package engines_test

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is a series and its value at a moment.
type sample struct {
	labels map[string]string
	value  float64
}

// shard is a number of a series that two stores can be told apart by.
func (s sample) shard() uint32 {
	h := fnv.New32a()
	for _, name := range slices.Sorted(maps.Keys(s.labels)) {
		_, _ = h.Write([]byte(name + "=" + s.labels[name] + ";"))
	}
	return h.Sum32()
}

// workload is a Deployment whose pods serve a model with vLLM.
type workload struct {
	model, name string
	replicas    int
	running     float64 // requests of a pod
	blocks      int     // of 16 tokens, in the cache of a pod
	requests    float64 // per second that a pod completes
}

// pool is a gateway in front of a model.
type pool struct {
	model           string
	queued, running float64
	requests        float64 // per second that arrive
}

const (
	namespace    = "llm"
	inputTokens  = 800.0
	outputTokens = 200.0
	kvUsage      = 0.45
	// origin is before every sample, so that counters only grow.
	origin = int64(1_700_000_000)
)

// workloads are all that runs. Their numbers are what testdata/variant_exporter.yml.tmpl plans at rest.
func workloads() []workload {
	return []workload{
		{model: "chat", name: "chat-l4", replicas: 4, running: 14, blocks: 2000, requests: 1},
		{model: "chat", name: "chat-h100", replicas: 1, running: 56, blocks: 8000, requests: 4},
		{model: "code", name: "code-l4", replicas: 6, running: 7, blocks: 2000, requests: 1},
		{model: "code", name: "code-h100", replicas: 1, running: 34, blocks: 8000, requests: 4},
		{model: "tokens", name: "tokens-h100", replicas: 3, running: 30, blocks: 8000, requests: 4.5},
		{model: "first", name: "first-h100", replicas: 3, running: 30, blocks: 8000, requests: 4},
		{model: "fast", name: "fast-h100", replicas: 3, running: 30, blocks: 8000, requests: 14.0 / 3},
		{model: "even", name: "even-h100", replicas: 3, running: 30, blocks: 8000, requests: 14.0 / 3},
		{model: "batch", name: "batch-l4", replicas: 3, running: 3, blocks: 2000, requests: 1},
	}
}

func pools() []pool {
	return []pool{
		{model: "chat", queued: 20, running: 100, requests: 8},
		{model: "fast", running: 90, requests: 14},
		{model: "batch", queued: 2, running: 8, requests: 1},
	}
}

// scene is what there is at a moment, where the gauges of the models chat, code and batch are multiplied by a level. Rates are the
// same at all levels, for they would take minutes to follow.
func scene(at time.Time, level float64) []sample {
	var all []sample
	for _, w := range workloads() {
		all = append(all, w.samples(at, level)...)
	}
	for _, p := range pools() {
		all = append(all, p.samples(at, level)...)
	}
	return all
}

// moves reports whether the level acts on a model.
func moves(model string) bool { return model == "chat" || model == "code" || model == "batch" }

func series(value float64, pairs ...string) sample {
	s := sample{labels: map[string]string{"namespace": namespace}, value: value}
	for pair := range slices.Chunk(pairs, 2) {
		s.labels[pair[0]] = pair[1]
	}
	return s
}

// seconds since the origin, for counters.
func seconds(at time.Time) float64 { return float64(at.UnixMilli()-origin*1000) / 1000 }

// podName is as a ReplicaSet names its pods.
func podName(workload string, i int) string {
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, workload, i)
	n := h.Sum32()
	suffix := make([]byte, 5)
	for j := range suffix {
		suffix[j] = letters[n%uint32(len(letters))]
		n /= uint32(len(letters))
	}
	return workload + "-5d4c7b9f86-" + string(suffix)
}

func (w workload) samples(at time.Time, level float64) []sample {
	replicas := float64(w.replicas)
	all := []sample{}
	for _, metric := range []string{
		"kube_deployment_spec_replicas", "kube_deployment_status_replicas", "kube_deployment_status_replicas_ready",
		"kube_deployment_status_replicas_updated",
	} {
		all = append(all, series(replicas, "__name__", metric, "deployment", w.name, "job", "kube-state-metrics"))
	}
	for i := range w.replicas {
		pod := podName(w.name, i)
		all = append(all,
			series(1, "__name__", "kube_pod_status_ready", "pod", pod, "condition", "true", "job", "kube-state-metrics"),
			series(float64(origin), "__name__", "kube_pod_created", "pod", pod, "job", "kube-state-metrics"))
		all = append(all, w.pod(at, level, pod)...)
	}
	return all
}

// pod is what vLLM tells of itself.
func (w workload) pod(at time.Time, level float64, pod string) []sample {
	running := w.running
	if moves(w.model) {
		running *= level
	}
	served := w.requests * seconds(at)
	target := []string{"pod", pod, "instance", pod + ":8000", "job", "vllm"}
	own := slices.Concat(target, []string{"model_name", w.model, "engine", "0"})
	metric := func(value float64, name string, more ...string) sample {
		return series(value, slices.Concat([]string{"__name__", name}, own, more)...)
	}
	all := []sample{
		series(1, slices.Concat([]string{"__name__", "up"}, target)...),
		series(1, slices.Concat([]string{
			"__name__", "vllm:cache_config_info", "engine", "0", "num_gpu_blocks", strconv.Itoa(w.blocks), "block_size", "16",
		}, target)...),
		metric(running, "vllm:num_requests_running"),
		metric(0, "vllm:num_requests_waiting"),
		metric(kvUsage, "vllm:kv_cache_usage_perc"),
		metric(served, "vllm:request_success_total", "finished_reason", "stop"),
		metric(served*inputTokens, "vllm:prompt_tokens_total"),
		metric(served*outputTokens, "vllm:generation_tokens_total"),
		metric(served*inputTokens, "vllm:request_prompt_tokens_sum"),
		metric(served, "vllm:request_prompt_tokens_count"),
		metric(served*outputTokens, "vllm:request_generation_tokens_sum"),
		metric(served, "vllm:request_generation_tokens_count"),
		metric(served*0.3, "vllm:time_to_first_token_seconds_sum"),
		metric(served, "vllm:time_to_first_token_seconds_count"),
		metric(served*outputTokens*0.03, "vllm:inter_token_latency_seconds_sum"),
		metric(served*outputTokens, "vllm:inter_token_latency_seconds_count"),
	}
	// Nine in ten within 0.4 s.
	for _, bucket := range []struct {
		bound string
		share float64
	}{{"0.1", 0.1}, {"0.2", 0.3}, {"0.4", 0.9}, {"0.8", 1}, {"+Inf", 1}} {
		all = append(all, metric(served*bucket.share, "vllm:time_to_first_token_seconds_bucket", "le", bucket.bound))
	}
	return all
}

// samples are what llm-d's endpoint picker tells.
func (p pool) samples(at time.Time, level float64) []sample {
	queued, running := p.queued, p.running
	if moves(p.model) {
		queued, running = queued*level, running*level
	}
	arrived := p.requests * seconds(at)
	pod := podName(p.model+"-epp", 0)
	target := []string{"pod", pod, "instance", pod + ":9090", "job", "epp"}
	metric := func(value float64, name string, more ...string) sample {
		return series(value, slices.Concat([]string{"__name__", name}, target, more)...)
	}
	request := []string{"model_name", p.model, "target_model_name", p.model, "fairness_id", "default", "priority", "0"}
	return []sample{
		metric(1, "up"),
		series(1, "__name__", "kube_pod_status_ready", "pod", pod, "condition", "true", "job", "kube-state-metrics"),
		metric(3, "llm_d_epp_ready_endpoints", "name", p.model),
		metric(queued, "llm_d_epp_flow_control_queue_size", append([]string{"inference_pool", p.model}, request...)...),
		metric(running, "llm_d_epp_request_running", request...),
		metric(arrived, "llm_d_epp_request_total", request...),
		metric(arrived*inputTokens, "llm_d_epp_request_input_tokens_sum", request...),
		metric(arrived, "llm_d_epp_request_input_tokens_count", request...),
		metric(arrived*outputTokens, "llm_d_epp_request_output_tokens_sum", request...),
		metric(arrived, "llm_d_epp_request_output_tokens_count", request...),
	}
}

// everything is what a store keeps that has no other beside it.
func everything(sample) bool { return true }

// withoutOddPods is what the first of two Prometheus keeps that share the model servers.
func withoutOddPods(s sample) bool { return !oddPods(s) }

// oddPods is what the second keeps.
func oddPods(s sample) bool {
	pod := s.labels["pod"]
	if pod == "" || !strings.HasPrefix(s.labels["job"], "vllm") {
		return false
	}
	return sample{labels: map[string]string{"pod": pod}}.shard()%2 == 1
}

// evenSeries are those that a cluster without replication keeps on the other storage node.
func evenSeries(s sample) bool { return s.shard()%2 == 0 }
