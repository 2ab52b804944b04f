package sim

import (
	"strconv"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
)

func gatewayPod(m *model, i int) string {
	return "epp-" + strconv.Itoa(m.place) + "-7d9c5bf6bd-gw" + string(safeAlphabet[i%len(safeAlphabet)]) + string(safeAlphabet[i/len(safeAlphabet)]) + "x"
}

// gateway writes what one replica of llm-d's endpoint picker shows. Requests are shared among the replicas.
func (x *exposer) gateway(s *Sim, m *model, i int) {
	pod := gatewayPod(m, i)
	of := x.gateways[pod]
	namespace := m.Namespace()
	name := m.ServedName()
	share := 1 / float64(m.Gateway.Replicas)
	scraped := []string{"namespace", namespace, "pod", pod, "instance", pod + ":9090", "job", "epp"}
	flow := append([]string{"model_name", name, "target_model_name", name, "fairness_id", "default-flow", "priority", "0"}, scraped...)
	queued := m.engine.queued()
	c := &m.count
	if queued > 0 || c.arrived > 0 {
		x.put(of, "llm_d_epp_flow_control_queue_size", "", queued*share, append([]string{"inference_pool", name}, flow...)...)
	}
	if c.arrived > 0 {
		x.put(of, "llm_d_epp_request_total", "", c.arrived*share, flow...)
		x.put(of, "llm_d_epp_request_running", "", max(0, m.engine.inSystem()-queued)*share, flow...)
	}
	if c.finished > 0 {
		x.put(of, "llm_d_epp_request_input_tokens_sum", "", c.finishedInput*share, flow...)
		x.put(of, "llm_d_epp_request_input_tokens_count", "", c.finished*share, flow...)
		x.put(of, "llm_d_epp_request_output_tokens_sum", "", c.finishedOutput*share, flow...)
		x.put(of, "llm_d_epp_request_output_tokens_count", "", c.finished*share, flow...)
	}
	pool := append([]string{"name", name}, scraped...)
	var ready, waiting, running, kv float64
	for _, p := range s.pods {
		if p.v.model == m && p.serves(s.now) {
			l := m.engine.load(p)
			ready, waiting, running, kv = ready+1, waiting+l.waiting, running+l.running, kv+l.kv
		}
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
func (x *exposer) pod(p *pod) {
	if p.series == nil {
		p.series = seriesOf{}
	}
	telling := *p.v.TellingPods
	for i := range telling {
		name := p.name
		if i > 0 {
			name += "-" + strconv.Itoa(i)
		}
		for c := range p.v.copies {
			key := strconv.Itoa(i) + "/" + strconv.Itoa(c)
			scraped := []string{
				"namespace", p.v.Namespace, "pod", name, "instance", name + ":8000", "job", "servers", "model_name", p.v.model.ServedName(),
			}
			if c > 0 {
				scraped[5], scraped[7] = name+":8000", "servers-"+strconv.Itoa(c)
			}
			if p.v.model.Server == scenario.SGLang {
				x.sglang(p, key, 1/float64(telling), scraped)
			} else {
				x.vllm(p, key, 1/float64(telling), scraped)
			}
			x.put(p.series, "up", key, 1, scraped[:8]...)
		}
		if p.serves(0) || p.state == ready {
			x.put(p.series, "kube_pod_status_ready", strconv.Itoa(i), 1, "namespace", p.v.Namespace, "pod", name, "condition", "true")
		}
	}
}

func (x *exposer) vllm(p *pod, key string, share float64, scraped []string) {
	e := p.v.model.engine
	l, c := e.load(p), e.counted(p)
	own := append([]string{"engine", "0"}, scraped...)
	x.put(p.series, "vllm:num_requests_running", key, l.running*share, own...)
	x.put(p.series, "vllm:num_requests_waiting", key, l.waiting*share, own...)
	x.put(p.series, "vllm:kv_cache_usage_perc", key, l.kv, own...)
	x.put(p.series, "vllm:prompt_tokens_total", key, c.promptTokens*share, own...)
	x.put(p.series, "vllm:generation_tokens_total", key, c.generationTokens*share, own...)
	x.put(p.series, "vllm:request_prompt_tokens_sum", key, c.finishedInput*share, own...)
	x.put(p.series, "vllm:request_prompt_tokens_count", key, c.finished*share, own...)
	x.put(p.series, "vllm:request_generation_tokens_sum", key, c.finishedOutput*share, own...)
	x.put(p.series, "vllm:request_generation_tokens_count", key, c.finished*share, own...)
	x.put(p.series, "vllm:time_to_first_token_seconds_sum", key, c.ttftSum*share, own...)
	x.put(p.series, "vllm:time_to_first_token_seconds_count", key, c.begun*share, own...)
	x.put(p.series, "vllm:inter_token_latency_seconds_sum", key, c.itlSum*share, own...)
	x.put(p.series, "vllm:inter_token_latency_seconds_count", key, c.itlCount*share, own...)
	x.buckets(p, "vllm:time_to_first_token_seconds", key, &c.ttft, share, own)
	x.buckets(p, "vllm:inter_token_latency_seconds", key, &c.itl, share, own)
	x.put(p.series, "vllm:request_success_total", key, c.finished*share, append([]string{"finished_reason", "stop"}, own...)...)
	const block = 16
	if blocks := int(p.v.KVTokens / block); blocks > 0 {
		x.put(p.series, "vllm:cache_config_info", key, 1, append([]string{
			"engine", "0", "block_size", strconv.Itoa(block), "num_gpu_blocks", strconv.Itoa(blocks),
		}, scraped[:8]...)...)
	}
}

func (x *exposer) sglang(p *pod, key string, share float64, scraped []string) {
	e := p.v.model.engine
	l, c := e.load(p), e.counted(p)
	x.put(p.series, "sglang:num_running_reqs", key, l.running*share, scraped...)
	x.put(p.series, "sglang:num_queue_reqs", key, l.waiting*share, scraped...)
	x.put(p.series, "sglang:token_usage", key, l.kv, scraped...)
	if p.v.KVTokens > 0 {
		x.put(p.series, "sglang:max_total_num_tokens", key, p.v.KVTokens, scraped...)
	}
	if c.begun == 0 {
		return // its counters begin with the first request
	}
	x.put(p.series, "sglang:prompt_tokens_total", key, c.promptTokens*share, scraped...)
	x.put(p.series, "sglang:generation_tokens_total", key, c.generationTokens*share, scraped...)
	x.put(p.series, "sglang:num_requests_total", key, c.begun*share, scraped...)
	x.put(p.series, "sglang:time_to_first_token_seconds_count", key, c.begun*share, scraped...)
	x.put(p.series, "sglang:inter_token_latency_seconds_sum", key, c.itlSum*share, scraped...)
	x.put(p.series, "sglang:inter_token_latency_seconds_count", key, c.itlCount*share, scraped...)
	x.buckets(p, "sglang:time_to_first_token_seconds", key, &c.ttft, share, scraped)
	x.buckets(p, "sglang:inter_token_latency_seconds", key, &c.itl, share, scraped)
}
