// Package match turns answers into readings: what every model and variant of a configuration is told, now and over time, and what
// became of each input. It reads each answer once, before anything is decided, and asks for nothing.
package match

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// Matcher finds out which model or variant a series belongs to, by its labels. It is safe for concurrent use.
type Matcher struct {
	program     *query.Program
	models      map[scoped][]int // namespace and name -> models; with an empty namespace, those of all namespaces
	variants    map[scoped][]int
	targets     map[podTarget][]int
	groups      map[podTarget]int // LeaderWorkerSets
	workloads   map[scoped][]int  // namespace and workload of scale targets -> variants
	namespaces  map[string]int    // of the models -> a number
	claims      map[claim][]int   // label values by which models are also known
	claimLabels []model.LabelName
	pods        *podOwners
	gateways    bool // whether some signal may be a gateway's
}

type scoped struct{ namespace, name string }

type claim struct {
	namespace string
	label     model.LabelName
	value     string
}

// New makes a program ready for matching.
func New(p *query.Program) *Matcher {
	m := &Matcher{
		program: p, models: map[scoped][]int{}, variants: map[scoped][]int{}, targets: map[podTarget][]int{}, groups: map[podTarget]int{},
		claims: map[claim][]int{}, pods: newPodOwners(p), workloads: map[scoped][]int{}, namespaces: map[string]int{},
	}
	labels := map[model.LabelName]bool{}
	for i, x := range p.Models {
		if _, known := m.namespaces[x.Namespace]; !known {
			m.namespaces[x.Namespace] = len(m.namespaces)
		}
		m.gateways = m.gateways || slices.ContainsFunc(x.Signals, func(s *query.Signal) bool { return s.Alive.Given() })
		for _, namespace := range []string{x.Namespace, ""} {
			m.models[scoped{namespace, x.Name}] = append(m.models[scoped{namespace, x.Name}], i)
			for label, values := range x.Match {
				for _, value := range values {
					c := claim{namespace, model.LabelName(label), value}
					m.claims[c] = append(m.claims[c], i)
					labels[c.label] = true
				}
			}
		}
	}
	for i, v := range p.Variants {
		m.targets[targetOf(v)] = append(m.targets[targetOf(v)], i)
		if m.isTeam(i) {
			m.groups[groupsOf(v)] = i
		}
		if v.Pods.Regexp == nil {
			place := scoped{v.Model.Namespace, workloadName(v.ScaleTarget.Kind, v.ScaleTarget.Name)}
			m.workloads[place] = append(m.workloads[place], i)
		}
		for _, namespace := range []string{v.Model.Namespace, ""} {
			m.variants[scoped{namespace, v.Name}] = append(m.variants[scoped{namespace, v.Name}], i)
		}
	}
	m.claimLabels = slices.Sorted(maps.Keys(labels))
	return m
}

// identity is what the labels of one series say.
type identity struct {
	namespace, model, variant, pod string
	metric                         model.Metric
}

func identify(metric model.Metric, l config.LabelNames) identity {
	return identity{
		namespace: string(metric[model.LabelName(l.Namespace)]),
		model:     string(metric[model.LabelName(l.Model)]),
		variant:   string(metric[model.LabelName(l.Variant)]),
		pod:       string(metric["pod"]),
		metric:    metric,
	}
}

// key tells series of one place apart: those with equal keys stand for the same thing.
func (m *Matcher) key(id identity) string {
	parts := []string{id.namespace, id.model, id.variant, id.pod}
	for _, l := range m.claimLabels {
		parts = append(parts, string(id.metric[l]))
	}
	return strings.Join(parts, "\x00")
}

// VariantsOf returns the places of the variants that a series may belong to, by its labels.
func (m *Matcher) VariantsOf(metric model.Metric, l config.LabelNames) []int {
	return m.variantsOf(identify(metric, l))
}

// modelsOf returns the models that a series may belong to: by name, by another value that means one, or by its variant or pod. A
// series without a namespace may belong to those of all namespaces, and belongs to none.
func (m *Matcher) modelsOf(id identity) []int {
	if id.model != "" {
		if found := m.models[scoped{id.namespace, id.model}]; len(found) > 0 {
			return found
		}
	}
	var found []int
	for _, l := range m.claimLabels {
		if value, ok := id.metric[l]; ok {
			found = append(found, m.claims[claim{id.namespace, l, string(value)}]...)
		}
	}
	if len(found) == 0 && id.model == "" {
		for _, v := range m.variantsOf(id) {
			found = append(found, m.program.Variants[v].Model.Place)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// names reports whether a series names a model, by any of the labels that do.
func (m *Matcher) names(id *identity) bool {
	return id.model != "" || id.variant != "" || id.pod != "" ||
		slices.ContainsFunc(m.claimLabels, func(l model.LabelName) bool { return id.metric[l] != "" })
}

// nowhere reports whether a series has no namespace. It then cannot be used, even if only one model has its name: it may be of a namespace
// that is not in the configuration.
func (id *identity) nowhere() bool { return id.namespace == "" }

// variantsOf returns the variants that a series may belong to: by name, or by the pod.
func (m *Matcher) variantsOf(id identity) []int {
	switch {
	case id.variant != "":
		return m.variants[scoped{id.namespace, id.variant}]
	case id.pod != "":
		return m.pods.variants(id.namespace, id.pod)
	}
	return nil
}
