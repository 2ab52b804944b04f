package sim

import (
	"strconv"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/store"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// exposer writes what servers, gateways and kube-state-metrics would show into a store. Only names that are asked for are written:
// others could change no answer.
type exposer struct {
	store    *store.Store
	wanted   map[string]bool
	ask      func(string) bool
	round    int
	at       int64
	live     []*line
	gateways map[string]seriesOf
	targets  map[string]seriesOf
	made     map[string]*line // by events
	spoiled  []*spoiling
	states   []kubeState // of kube-state-metrics, which may be late
	lag      float64
}

// line is a series with the round in which it was last shown.
type line struct {
	*store.Series
	labels labels.Labels
	round  int
}

// seriesOf are the series of one target, by name and what tells them apart.
type seriesOf map[string]*line

// spoiling is an event that changes series.
type spoiling struct {
	*happening
	matchers []*labels.Matcher
}

// kubeState is what kube-state-metrics knows at a moment.
type kubeState struct {
	at     float64
	values []kubeValue
}

type kubeValue struct {
	target, name string
	labels       []string
	value        float64
}

func newExposer(s *Sim) *exposer {
	x := &exposer{
		store: s.Store, wanted: map[string]bool{}, ask: s.Wanted,
		gateways: map[string]seriesOf{}, targets: map[string]seriesOf{}, made: map[string]*line{},
		lag: time.Duration(s.scenario.KSMLag).Seconds(),
	}
	for _, m := range s.models {
		for i := range m.Gateway.Replicas {
			x.gateways[gatewayPod(m, i)] = seriesOf{}
		}
	}
	return x
}

func (x *exposer) wants(name string) bool {
	want, known := x.wanted[name]
	if !known {
		want = x.ask == nil || x.ask(name)
		x.wanted[name] = want
	}
	return want
}

// scrape writes one sample of every series.
func (x *exposer) scrape(s *Sim) {
	x.round++
	x.at = scenario.Start().Add(seconds(s.now)).UnixMilli()
	for _, m := range s.models {
		for i := range m.Gateway.Replicas {
			x.gateway(s, m, i)
		}
	}
	shown := map[*variant]int{}
	for _, p := range s.pods {
		if p.state != ready && p.state != draining || p.server == nil {
			continue
		}
		if shown[p.v]++; shown[p.v] <= p.v.mute {
			continue
		}
		x.pod(p)
	}
	x.kube(s)
	x.makeSeries()
	kept := x.live[:0]
	for _, l := range x.live {
		if l.round == x.round {
			kept = append(kept, l)
			continue
		}
		l.End(x.at)
		l.round = 0
	}
	x.live = kept
	if x.round%240 == 0 {
		x.store.Trim(x.at)
	}
}

// put writes a sample. The labels are pairs of names and values; key tells the series of one name apart.
func (x *exposer) put(of seriesOf, name, key string, value float64, pairs ...string) {
	if !x.wants(name) {
		return
	}
	l := of[name+key]
	if l == nil {
		b := labels.NewScratchBuilder(len(pairs)/2 + 1)
		b.Add(prom.MetricNameLabel, name)
		for i := 0; i+1 < len(pairs); i += 2 {
			b.Add(pairs[i], pairs[i+1])
		}
		b.Sort()
		l = &line{labels: b.Labels()}
		of[name+key] = l
	}
	x.write(l, value)
}

func (x *exposer) write(l *line, value float64) {
	for _, e := range x.spoiled {
		if !e.matches(l.labels) {
			continue
		}
		switch {
		case e.Absent:
			return
		case e.Set != nil:
			value = *e.Set
		case e.Scale != nil:
			value *= *e.Scale
		}
	}
	if l.Series == nil || l.Gone() {
		l.Series = x.store.Add(l.labels)
	}
	l.Append(x.at, value)
	if l.round == 0 {
		x.live = append(x.live, l)
	}
	l.round = x.round
}

// spoil begins or ends a change of series.
func (x *exposer) spoil(h *happening, begin bool) {
	if begin {
		matchers, err := scenario.Matchers(h.Series)
		if err == nil { // the scenario has been checked
			x.spoiled = append(x.spoiled, &spoiling{h, matchers})
		}
		return
	}
	kept := x.spoiled[:0]
	for _, e := range x.spoiled {
		if e.happening != h {
			kept = append(kept, e)
		}
	}
	x.spoiled = kept
}

func (e *spoiling) matches(l labels.Labels) bool {
	for _, m := range e.matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// makeSeries writes the series that only an event has: those of a set that matched nothing.
func (x *exposer) makeSeries() {
	for _, e := range x.spoiled {
		if e.Set == nil || x.matched(e) {
			continue
		}
		key := e.Series.String()
		l := x.made[key]
		if l == nil {
			b := labels.NewScratchBuilder(len(e.matchers))
			for _, m := range e.matchers {
				if m.Type == labels.MatchEqual {
					b.Add(m.Name, m.Value)
				}
			}
			b.Sort()
			l = &line{labels: b.Labels()}
			x.made[key] = l
		}
		x.write(l, *e.Set)
	}
}

func (x *exposer) matched(e *spoiling) bool {
	for _, l := range x.live {
		if l.round == x.round && e.matches(l.labels) {
			return true
		}
	}
	return false
}

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
}

// kube writes what kube-state-metrics shows, as late as it is.
func (x *exposer) kube(s *Sim) {
	now := kubeState{at: s.now}
	for _, v := range s.variants {
		now.values = append(now.values, kubeValues(s, v)...)
	}
	x.states = append(x.states, now)
	for len(x.states) > 1 && x.states[1].at <= s.now-x.lag {
		x.states = x.states[1:]
	}
	if x.states[0].at > s.now-x.lag {
		return
	}
	for _, k := range x.states[0].values {
		of := x.targets[k.target]
		if of == nil {
			of = seriesOf{}
			x.targets[k.target] = of
		}
		key := ""
		if len(k.labels) > 4 {
			key = k.labels[5]
		}
		x.put(of, k.name, key, k.value, k.labels...)
	}
}

func kubeValues(s *Sim, v *variant) []kubeValue {
	var total, ready, updated int
	for _, p := range s.pods {
		if p.v != v || !p.live() {
			continue
		}
		total++
		if p.serves(s.now) {
			ready++
		}
		if p.revision == v.revision {
			updated++
		}
	}
	var values []kubeValue
	kind := "deployment"
	if v.Kind != config.KindDeployment {
		kind = "statefulset"
	}
	add := func(name string, n int, more ...string) {
		values = append(values, kubeValue{v.ID(), name, append([]string{"namespace", v.Namespace, kind, v.Name}, more...), float64(n)})
	}
	if v.Kind == config.KindDeployment {
		add("kube_deployment_spec_replicas", v.spec)
		add("kube_deployment_status_replicas", total)
		add("kube_deployment_status_replicas_ready", ready)
		add("kube_deployment_status_replicas_updated", updated)
		return values
	}
	asked, current := v.spec, v.hash[v.revision]
	if v.rollout != nil {
		current = v.hash[v.revision-1]
		if v.Kind == config.KindLeaderWorkerSet {
			asked += v.rollout.surge // its leaders' StatefulSet has them as well
		}
	}
	add("kube_statefulset_replicas", asked)
	add("kube_statefulset_status_replicas_ready", ready)
	add("kube_statefulset_status_update_revision", 1, "revision", v.hash[v.revision])
	add("kube_statefulset_status_current_revision", 1, "revision", current)
	return values
}
