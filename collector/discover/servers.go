package discover

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// server is a kind of model servers, by what its preset rests on.
type server struct {
	preset   string
	running  []string // gauges of the requests in service, in any spelling
	matchers string
	model    string   // label with the name that users ask for; empty where no series has it
	tokens   []string // counters of generated tokens, where the preset has such a signal
}

// known are the servers that there are presets for.
func known() []*server {
	return []*server{
		{
			preset: "vllm", running: []string{"vllm:num_requests_running", "vllm_num_requests_running"}, model: "model_name",
			tokens: []string{"vllm:generation_tokens_total", "vllm_generation_tokens_total"},
		},
		{
			preset: "sglang", running: []string{"sglang:num_running_reqs", "sglang_num_running_reqs"}, model: "model_name",
			tokens: []string{"sglang:generation_tokens_total", "sglang_generation_tokens_total"},
		},
		{preset: "trtllm", running: []string{"trtllm_num_requests_running"}},
		{preset: "tgi", running: []string{"tgi_batch_current_size"}},
		{preset: "triton", running: []string{"nv_trt_llm_request_metrics"}, matchers: `{request_type="scheduled"}`},
	}
}

// found is a pod of a server.
type found struct {
	*server
	at      place
	model   string
	variant string
}

const variantLabel = "llm_d_ai_variant"

// census is what is said of all servers.
type census struct {
	all                     []found
	clusters, elsewhere     map[string]bool // and namespaces that are not looked at
	homeless, labelOfPlaces string          // a server without namespace or pod; the label that has the namespace in place of namespace
}

// findServers asks for the pods of all servers that there are presets for.
func (f *Fleet) findServers(a *asker) ([]found, error) {
	c := &census{clusters: map[string]bool{}, elsewhere: map[string]bool{}}
	for _, s := range known() {
		answer, err := a.ask("servers of the preset "+s.preset, fmt.Sprintf(
			"group by (namespace, kubernetes_namespace, k8s_namespace_name, kube_namespace, cluster, model_name, pod, instance, %s) (%s)", variantLabel, anyOf(s.running, s.matchers)))
		if err != nil {
			return nil, err
		}
		for _, x := range answer {
			c.count(s, x.Metric, f.Namespace)
		}
	}
	f.Labels.Namespace = c.labelOfPlaces
	switch {
	case len(c.all) > 0 && len(c.clusters) > 1:
		names := slices.Sorted(maps.Keys(c.clusters))
		return nil, fmt.Errorf("the servers are in several clusters (%s): choose one, such as --selector='{cluster=%q}'", strings.Join(names, ", "), names[len(names)-1])
	case len(c.all) == 0 && c.homeless != "":
		return nil, fmt.Errorf("model servers without the labels namespace and pod, such as %s: nothing says which workload they are of. "+
			"Scrape them through a PodMonitor (variant_exporter generate podmonitor), or relabel __meta_kubernetes_namespace and __meta_kubernetes_pod_name", c.homeless)
	case len(c.all) == 0 && len(c.elsewhere) > 0:
		return nil, fmt.Errorf("no model server in namespaces that match %s, but in %s", f.Namespace, strings.Join(slices.Sorted(maps.Keys(c.elsewhere)), ", "))
	case c.homeless != "":
		f.note("TODO: some servers have no labels namespace and pod, and are left out, such as %s", c.homeless)
	}
	return c.all, nil
}

// count enters one server.
func (c *census) count(s *server, m model.Metric, wanted *regexp.Regexp) {
	namespace, pod := pick(m, "namespace"), pick(m, "pod")
	if label, name := otherNamespace(m); namespace == "" && name != "" {
		c.labelOfPlaces, namespace = label, name
	}
	switch {
	case namespace == "" || pod == "":
		c.homeless = s.running[0] + m.String()
	case wanted != nil && !wanted.MatchString(namespace):
		c.elsewhere[namespace] = true
	default:
		c.clusters[pick(m, "cluster")] = true
		c.all = append(c.all, found{s, place{namespace, pod}, pick(m, s.model), pick(m, variantLabel)})
	}
}

// otherNamespace is a label that some collectors write in place of namespace.
func otherNamespace(m model.Metric) (label, value string) {
	for _, l := range []string{"kubernetes_namespace", "k8s_namespace_name", "kube_namespace"} {
		if v := pick(m, l); v != "" {
			return l, v
		}
	}
	return "", ""
}

// gateways are the pools and models in the series of gateways.
type gateways struct {
	pools  map[string]map[string]bool // namespace -> pools
	models map[place]map[string]bool  // namespace and model -> pools, where it is known
}

// findGateways asks what llm-d's endpoint pickers and the inference gateways before them know.
func findGateways(a *asker) (*gateways, error) {
	g := &gateways{map[string]map[string]bool{}, map[place]map[string]bool{}}
	pools, err := a.ask("gateways", "group by (namespace, name) ("+anyOf([]string{"llm_d_epp_ready_endpoints", "inference_pool_ready_pods"}, "")+")")
	if err != nil {
		return nil, err
	}
	for _, x := range pools {
		put(g.pools, pick(x.Metric, "namespace"), pick(x.Metric, "name"))
	}
	if len(g.pools) == 0 {
		return g, nil
	}
	models, err := a.ask("models of gateways", "group by (namespace, inference_pool, model_name, target_model_name) ("+anyOf([]string{
		"llm_d_epp_flow_control_queue_size", "inference_extension_flow_control_queue_size", "llm_d_epp_request_total",
		"inference_objective_request_total", "inference_model_request_total",
	}, "")+")")
	if err != nil {
		return nil, err
	}
	for _, x := range models {
		at := place{pick(x.Metric, "namespace"), pick(x.Metric, "target_model_name", "model_name")}
		put(g.models, at, pick(x.Metric, "inference_pool"))
	}
	return g, nil
}

func put[K comparable](sets map[K]map[string]bool, key K, value string) {
	if sets[key] == nil {
		sets[key] = map[string]bool{}
	}
	sets[key][value] = true
}

// NothingError says that no known server is there, what was looked for, and what there is.
type NothingError struct {
	Looked  []string // names of metrics
	Nearest []string // the most alike that there are
	Gateway bool     // a gateway tells
	Young   string   // why it may be no more than too early; empty where it is not
}

// Error says it in one sentence each.
func (e *NothingError) Error() string {
	text := "no model server that is known: looked for " + strings.Join(e.Looked, ", ")
	switch {
	case e.Gateway:
		text += ". A gateway is there, but nothing tells which workloads are behind it: scrape the servers too (variant_exporter generate podmonitor)"
	case len(e.Nearest) == 0:
		text += ". No metric has a name like that: are the servers scraped?"
	}
	if len(e.Nearest) > 0 {
		text += ". The nearest that there are: " + strings.Join(e.Nearest, ", ") + ". Signals of your own can use them (docs/configuration.md)"
	}
	if e.Young != "" {
		text = endOf(text) + " But " + e.Young
	}
	return text
}

// likely is what metrics of a model server have in their names.
const likely = `(?i).*(vllm|sglang|tgi_|trtllm|trt_llm|nv_inference|llm|lmdeploy|ollama|llamacpp|num_requests|generation_tokens|prompt_tokens|kv_cache|inference_).*`

// nothing says what there is in place of known servers.
func (f *Fleet) nothing(a *asker, g *gateways) error {
	e := &NothingError{Gateway: len(g.pools) > 0}
	for _, s := range known() {
		e.Looked = append(e.Looked, s.running...)
	}
	e.Looked = append(e.Looked, "llm_d_epp_ready_endpoints", "inference_pool_ready_pods")
	var err error
	if e.Young, _, err = notScraped(a); err != nil {
		return errors.Join(e, err)
	}
	answer, err := a.ask("names like those", "count by (__name__) ({__name__=~"+strconv.Quote(likely)+"})")
	if err != nil {
		return errors.Join(e, err)
	}
	apart := map[string]int{}
	for _, x := range answer {
		name := pick(x.Metric, model.MetricNameLabel)
		apart[name] = len(name)
		for _, looked := range e.Looked {
			apart[name] = min(apart[name], strict.Distance(name, looked))
		}
	}
	e.Nearest = slices.SortedFunc(maps.Keys(apart), func(x, y string) int { return cmp.Or(apart[x]-apart[y], cmp.Compare(x, y)) })
	e.Nearest = e.Nearest[:min(len(e.Nearest), 8)]
	return e
}
