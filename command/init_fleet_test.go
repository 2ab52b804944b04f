package command

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// madeFleet is six hours of what a Prometheus scrapes of a small fleet, up to now: a model on two kinds of accelerators behind a gateway,
// and another in groups of two pods.
type madeFleet struct {
	samples model.Vector
	end     time.Time
}

const (
	madeHistory  = 6 * time.Hour
	madeInterval = 15 * time.Second
	madeLlama    = "meta-llama/Llama-3.1-8B-Instruct"
	madeQwen     = "Qwen/Qwen3-235B"
)

// madePod is a pod of a server: its load is a share of what its profile carries within the targets, in plateaus of twenty minutes.
type madePod struct {
	namespace, name, model string
	node                   string
	created                time.Duration // before the end
	startup                time.Duration
	profile                latency.Profile
	tells                  bool
	accelerators           float64
}

func (f *madeFleet) put(at time.Time, v float64, metric model.Metric) {
	f.samples = append(f.samples, &model.Sample{Metric: metric, Value: model.SampleValue(v), Timestamp: model.TimeFromUnixNano(at.UnixNano())})
}

// steady is a series that does not change.
func (f *madeFleet) steady(v float64, name string, pairs ...string) {
	m := metricOf(name, pairs...)
	for at := f.end.Add(-madeHistory); !at.After(f.end); at = at.Add(madeInterval) {
		f.put(at, v, m)
	}
}

func metricOf(name string, pairs ...string) model.Metric {
	m := model.Metric{model.MetricNameLabel: model.LabelValue(name)}
	for i := 0; i < len(pairs); i += 2 {
		m[model.LabelName(pairs[i])] = model.LabelValue(pairs[i+1])
	}
	return m
}

// serve makes the series of a pod from its readiness on.
func (f *madeFleet) serve(t *testing.T, p madePod) {
	t.Helper()
	begin := f.end.Add(-p.created)
	f.kube(p, begin)
	if !p.tells {
		return
	}
	lengths := latency.Lengths{Input: 600, Output: 200}
	server, err := latency.NewServer(p.profile, lengths)
	require.NoError(t, err)
	best, err := server.Capacity(latency.SLO{TTFT: 2, ITL: 0.06})
	require.NoError(t, err)
	labels := []string{"namespace", p.namespace, "pod", p.name, "instance", p.name + ":8000", "job", "vllm", "model_name", p.model, "engine", "0"}
	series := map[string]model.Metric{}
	put := func(at time.Time, name string, v float64) {
		if series[name] == nil {
			series[name] = metricOf(name, labels...)
		}
		f.put(at, v, series[name])
	}
	counters := map[string]float64{}
	count := func(at time.Time, name string, more float64) {
		counters[name] += more
		put(at, name, counters[name])
	}
	for at := begin.Add(p.startup).Truncate(madeInterval).Add(madeInterval); !at.After(f.end); at = at.Add(madeInterval) {
		share := []float64{0.3, 0.9, 0.5, 0.15, 0.7, 0.4}[int(at.Unix()/1200)%6]
		if f.end.Sub(at) < 20*time.Minute {
			share = 0.5
		}
		rate := share * best.Rate
		means := server.Means(rate)
		put(at, "vllm:num_requests_running", means.InService)
		put(at, "vllm:num_requests_waiting", 0)
		put(at, "vllm:kv_cache_usage_perc", 0.3)
		n := rate * madeInterval.Seconds()
		count(at, "vllm:prompt_tokens_total", n*lengths.Input)
		count(at, "vllm:generation_tokens_total", n*lengths.Output)
		count(at, "vllm:request_success_total", n)
		for _, h := range []struct {
			name     string
			n, value float64
		}{
			{"vllm:request_prompt_tokens", n, lengths.Input},
			{"vllm:request_generation_tokens", n, lengths.Output},
			{"vllm:request_queue_time_seconds", n, means.Wait},
			{"vllm:time_to_first_token_seconds", n, means.TTFT},
			{"vllm:inter_token_latency_seconds", n * lengths.Output, means.ITL},
		} {
			count(at, h.name+"_sum", h.n*h.value)
			count(at, h.name+"_count", h.n)
		}
	}
}

// kube makes what kube-state-metrics and the cluster say of a pod.
func (f *madeFleet) kube(p madePod, begin time.Time) {
	base := []string{"namespace", p.namespace, "pod", p.name}
	f.steady(float64(begin.Unix()), "kube_pod_created", base...)
	f.steady(float64(begin.Add(p.startup).Unix()), "kube_pod_status_ready_time", base...)
	f.steady(1, "kube_pod_info", append(base, "node", p.node)...)
	f.steady(1, "kube_pod_status_ready", append(base, "condition", "true")...)
	f.steady(p.accelerators, "kube_pod_container_resource_requests", append(base, "container", "server", "resource", "nvidia_com_gpu", "unit", "integer")...)
}

// owned says who owns a pod.
func (f *madeFleet) owned(namespace, pod, kind, name string) {
	f.steady(1, "kube_pod_owner", "namespace", namespace, "pod", pod, "owner_is_controller", "true", "owner_kind", kind, "owner_name", name)
}

var (
	profileH100 = latency.Profile{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 256, MaxQueue: 1024}
	profileL4   = latency.Profile{Alpha: 0.030, Beta: 2e-4, Gamma: 4e-6, MaxBatch: 256, MaxQueue: 1024}
)

// newMadeFleet makes all of it.
func newMadeFleet(t *testing.T) *madeFleet {
	t.Helper()
	f := &madeFleet{end: time.Now().Truncate(madeInterval)}
	for i, product := range []string{"NVIDIA-H100-80GB-HBM3", "NVIDIA-H100-80GB-HBM3", "NVIDIA-L4"} {
		node := "node-" + strconv.Itoa(i)
		f.steady(1, "kube_node_labels", "node", node, "label_nvidia_com_gpu_product", product)
		f.steady(8, "kube_node_status_allocatable", "node", node, "resource", "nvidia_com_gpu", "unit", "integer")
	}
	deployment := func(name, hash, node string, replicas int, profile latency.Profile, startup time.Duration) {
		f.steady(1, "kube_replicaset_owner", "namespace", "llm", "replicaset", name+"-"+hash, "owner_is_controller", "true", "owner_kind", "Deployment", "owner_name", name)
		for i := range replicas {
			pod := name + "-" + hash + "-xxxx" + string("bcdfgh"[i])
			f.owned("llm", pod, "ReplicaSet", name+"-"+hash)
			f.serve(t, madePod{"llm", pod, madeLlama, node, 5*time.Hour - time.Duration(i)*20*time.Minute, startup + time.Duration(i)*10*time.Second, profile, true, 1})
		}
		for _, series := range []string{"kube_deployment_spec_replicas", "kube_deployment_status_replicas", "kube_deployment_status_replicas_ready", "kube_deployment_status_replicas_updated"} {
			f.steady(float64(replicas), series, "namespace", "llm", "deployment", name)
		}
	}
	deployment("llama-8b-h100", "6d4cf56db6", "node-0", 3, profileH100, 85*time.Second)
	deployment("llama-8b-l4", "59bd75cc8f", "node-2", 2, profileL4, 65*time.Second)
	for _, hpa := range []struct {
		name, target string
		least, most  float64
	}{{"llama-h100", "llama-8b-h100", 1, 8}, {"keda-hpa-llama-l4", "llama-8b-l4", 2, 12}} {
		f.steady(hpa.most, "kube_horizontalpodautoscaler_spec_max_replicas", "namespace", "llm", "horizontalpodautoscaler", hpa.name)
		f.steady(hpa.least, "kube_horizontalpodautoscaler_spec_min_replicas", "namespace", "llm", "horizontalpodautoscaler", hpa.name)
		f.steady(1, "kube_horizontalpodautoscaler_info", "namespace", "llm", "horizontalpodautoscaler", hpa.name, "scaletargetref_kind", "Deployment", "scaletargetref_name", hpa.target)
	}
	f.groups(t)
	f.gateway()
	return f
}

// groups makes a LeaderWorkerSet of two groups of two pods.
func (f *madeFleet) groups(t *testing.T) {
	t.Helper()
	for group := range 2 {
		leader := fmt.Sprintf("qwen-%d", group)
		f.owned("chat", leader, "StatefulSet", "qwen")
		f.serve(t, madePod{"chat", leader, madeQwen, "node-1", 4 * time.Hour, 3 * time.Minute, profileH100, true, 2})
		f.owned("chat", leader+"-1", "StatefulSet", leader)
		f.serve(t, madePod{"chat", leader + "-1", madeQwen, "node-1", 4 * time.Hour, 4 * time.Minute, profileH100, false, 2})
	}
	f.steady(2, "kube_statefulset_replicas", "namespace", "chat", "statefulset", "qwen")
	f.steady(2, "kube_statefulset_status_replicas_ready", "namespace", "chat", "statefulset", "qwen")
	for _, series := range []string{"kube_statefulset_status_update_revision", "kube_statefulset_status_current_revision"} {
		f.steady(1, series, "namespace", "chat", "statefulset", "qwen", "revision", "qwen-5f")
	}
}

// gateway makes llm-d's endpoint picker before the first model.
func (f *madeFleet) gateway() {
	scraped := []string{"namespace", "llm", "pod", "epp-7d9c5bf6bd-gwbcx", "instance", "epp:9090", "job", "epp"}
	flow := append([]string{"model_name", madeLlama, "target_model_name", madeLlama, "fairness_id", "default-flow", "priority", "0"}, scraped...)
	f.steady(1, "kube_pod_status_ready", "namespace", "llm", "pod", "epp-7d9c5bf6bd-gwbcx", "condition", "true")
	f.steady(5, "llm_d_epp_ready_endpoints", append([]string{"name", "llama-pool"}, scraped...)...)
	f.steady(0, "llm_d_epp_flow_control_queue_size", append([]string{"inference_pool", "llama-pool"}, flow...)...)
	f.steady(60, "llm_d_epp_request_running", flow...)
	f.steady(100, "llm_d_epp_request_total", flow...)
}
