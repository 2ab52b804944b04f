package expose

import (
	"strconv"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
)

// SafeAlphabet is what Kubernetes makes names of.
const SafeAlphabet = "bcdfghjklmnpqrstvwxz2456789"

func gatewayPod(model, replica int) string {
	return "epp-" + strconv.Itoa(model) + "-7d9c5bf6bd-gw" + string(SafeAlphabet[replica%len(SafeAlphabet)]) + string(SafeAlphabet[replica/len(SafeAlphabet)]) + "x"
}

// gateway writes what one replica of llm-d's endpoint picker shows. Requests are shared among the replicas.
func (x *Exposer) gateway(m *Model, place, replica int) {
	pod := gatewayPod(place, replica)
	of := targetOf(x.gateways, pod)
	namespace := m.Namespace()
	name := m.ServedName()
	share := 1 / float64(m.Gateway.Replicas)
	scraped := []string{"namespace", namespace, "pod", pod, "instance", pod + ":9090", "job", "epp"}
	flow := append([]string{"model_name", name, "target_model_name", name, "fairness_id", "default-flow", "priority", "0"}, scraped...)
	queued, c := m.Queued, m.Counters
	if queued > 0 || c.Arrived > 0 {
		x.put(of, "llm_d_epp_flow_control_queue_size", "", queued*share, append([]string{"inference_pool", name}, flow...)...)
	}
	if c.Arrived > 0 {
		x.put(of, "llm_d_epp_request_total", "", c.Arrived*share, flow...)
		x.put(of, "llm_d_epp_request_running", "", max(0, m.InSystem-queued)*share, flow...)
	}
	if c.Finished > 0 {
		x.put(of, "llm_d_epp_request_input_tokens_sum", "", c.FinishedInput*share, flow...)
		x.put(of, "llm_d_epp_request_input_tokens_count", "", c.Finished*share, flow...)
		x.put(of, "llm_d_epp_request_output_tokens_sum", "", c.FinishedOutput*share, flow...)
		x.put(of, "llm_d_epp_request_output_tokens_count", "", c.Finished*share, flow...)
	}
	pool := append([]string{"name", name}, scraped...)
	var ready, waiting, running, kv float64
	for _, l := range m.Pods {
		ready, waiting, running, kv = ready+1, waiting+l.Waiting, running+l.Running, kv+l.KV
	}
	x.put(of, "llm_d_epp_ready_endpoints", "", ready, pool...)
	if ready > 0 {
		x.put(of, "llm_d_epp_average_queue_size", "", waiting/ready, pool...)
		x.put(of, "llm_d_epp_average_running_requests", "", running/ready, pool...)
		x.put(of, "llm_d_epp_average_kv_cache_utilization", "", kv/ready, pool...)
	}
	x.put(of, "kube_pod_status_ready", "", 1, "namespace", namespace, "pod", pod, "condition", "true")
	x.put(of, "up", "", 1, scraped...)
}

// pod writes what the telling pods of one replica show, as often as they are scraped.
func (x *Exposer) pod(p *Pod) {
	telling := *p.TellingPods
	for i := range telling {
		name := p.Name
		if i > 0 {
			name += "-" + strconv.Itoa(i)
		}
		for c := range p.Copies {
			key := strconv.Itoa(i) + "/" + strconv.Itoa(c)
			scraped := []string{
				"namespace", p.Namespace, "pod", name, "instance", name + ":8000", "job", "servers", "model_name", p.Model.ServedName(),
			}
			if c > 0 {
				scraped[5], scraped[7] = name+":8000", "servers-"+strconv.Itoa(c)
			}
			if p.Model.Server == scenario.SGLang {
				x.sglang(p, key, 1/float64(telling), scraped)
			} else {
				x.vllm(p, key, 1/float64(telling), scraped)
			}
			x.put(p.Target, "up", key, 1, scraped[:8]...)
		}
		if p.Ready {
			x.put(p.Target, "kube_pod_status_ready", strconv.Itoa(i), 1, "namespace", p.Namespace, "pod", name, "condition", "true")
		}
	}
}

func (x *Exposer) vllm(p *Pod, key string, share float64, scraped []string) {
	l, c := p.Load, p.Counters
	own := append([]string{"engine", "0"}, scraped...)
	x.put(p.Target, "vllm:num_requests_running", key, l.Running*share, own...)
	x.put(p.Target, "vllm:num_requests_waiting", key, l.Waiting*share, own...)
	x.put(p.Target, "vllm:kv_cache_usage_perc", key, l.KV, own...)
	x.put(p.Target, "vllm:prompt_tokens_total", key, c.PromptTokens*share, own...)
	x.put(p.Target, "vllm:generation_tokens_total", key, c.GenerationTokens*share, own...)
	x.put(p.Target, "vllm:request_prompt_tokens_sum", key, c.FinishedInput*share, own...)
	x.put(p.Target, "vllm:request_prompt_tokens_count", key, c.Finished*share, own...)
	x.put(p.Target, "vllm:request_generation_tokens_sum", key, c.FinishedOutput*share, own...)
	x.put(p.Target, "vllm:request_generation_tokens_count", key, c.Finished*share, own...)
	x.put(p.Target, "vllm:time_to_first_token_seconds_sum", key, c.TTFTSum*share, own...)
	x.put(p.Target, "vllm:time_to_first_token_seconds_count", key, c.Begun*share, own...)
	x.put(p.Target, "vllm:inter_token_latency_seconds_sum", key, c.ITLSum*share, own...)
	x.put(p.Target, "vllm:inter_token_latency_seconds_count", key, c.ITLCount*share, own...)
	x.buckets(p, "vllm:time_to_first_token_seconds", key, &c.TTFT, share, own)
	x.buckets(p, "vllm:inter_token_latency_seconds", key, &c.ITL, share, own)
	x.put(p.Target, "vllm:request_success_total", key, c.Finished*share, append([]string{"finished_reason", "stop"}, own...)...)
	const block = 16
	if blocks := int(p.KVTokens / block); blocks > 0 {
		x.put(p.Target, "vllm:cache_config_info", key, 1, append([]string{
			"engine", "0", "block_size", strconv.Itoa(block), "num_gpu_blocks", strconv.Itoa(blocks),
		}, scraped[:8]...)...)
	}
}

func (x *Exposer) sglang(p *Pod, key string, share float64, scraped []string) {
	l, c := p.Load, p.Counters
	x.put(p.Target, "sglang:num_running_reqs", key, l.Running*share, scraped...)
	x.put(p.Target, "sglang:num_queue_reqs", key, l.Waiting*share, scraped...)
	x.put(p.Target, "sglang:token_usage", key, l.KV, scraped...)
	if p.KVTokens > 0 {
		x.put(p.Target, "sglang:max_total_num_tokens", key, p.KVTokens, scraped...)
	}
	if c.Begun == 0 {
		return // its counters begin with the first request
	}
	x.put(p.Target, "sglang:prompt_tokens_total", key, c.PromptTokens*share, scraped...)
	x.put(p.Target, "sglang:generation_tokens_total", key, c.GenerationTokens*share, scraped...)
	x.put(p.Target, "sglang:num_requests_total", key, c.Begun*share, scraped...)
	x.put(p.Target, "sglang:time_to_first_token_seconds_count", key, c.Begun*share, scraped...)
	x.put(p.Target, "sglang:inter_token_latency_seconds_sum", key, c.ITLSum*share, scraped...)
	x.put(p.Target, "sglang:inter_token_latency_seconds_count", key, c.ITLCount*share, scraped...)
	x.buckets(p, "sglang:time_to_first_token_seconds", key, &c.TTFT, share, scraped)
	x.buckets(p, "sglang:inter_token_latency_seconds", key, &c.ITL, share, scraped)
}

// buckets writes a histogram's buckets, as far as they are asked for.
func (x *Exposer) buckets(p *Pod, name, key string, b *Buckets, share float64, labels []string) {
	if name += "_bucket"; !x.wants(name) {
		return
	}
	sum, edges := 0.0, bucketEdges()
	for i, n := range b {
		sum += n
		le := strconv.FormatFloat(edges[i], 'g', -1, 64)
		x.put(p.Target, name, key+"/"+le, sum*share, append([]string{"le", le}, labels...)...)
	}
}
