package match

import (
	"math"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// workload counts the pods that tell a signal: for the variant whose scale target they belong to, or else for the model that they
// name, or else for their namespace.
func (l *layer) workload(s *stream) {
	owner, worker, ok := l.workloadOwner(&s.id)
	if !ok {
		return
	}
	if l.isTeam(owner) {
		l.team(s, owner, worker)
		return
	}
	seen := l.seenAt(s.key)
	l.each(s, func(step int, value float64, bad string) {
		again := !math.IsNaN(seen[step])
		seen[step] = value
		switch cells := l.cells(owner); {
		case bad != "" || again:
			cells[step] = unusable
		default:
			l.add(owner, step, value)
		}
	})
}

// unnamed reports whether nothing tells whose source it is: neither its pod nor its address.
func unnamed(workload string) bool { return strings.Trim(workload, config.Nameless) == "" }

// workloadName is how the answers about sources name the workload of a scale target's pods.
func workloadName(kind config.TargetKind, name string) string {
	if kind == config.KindStatefulSet || kind == config.KindLeaderWorkerSet {
		return name + config.Numbered
	}
	return name
}

// shownName is how people are told of a workload.
func shownName(workload string) string {
	if name, numbered := strings.CutSuffix(workload, config.Numbered); numbered {
		return string(config.KindStatefulSet) + " " + name
	}
	return workload
}

// workloadOwner is the place of a workload's cells, and whether the workload is the workers of one group of a LeaderWorkerSet.
func (m *Matcher) workloadOwner(id *identity) (owner int, worker, ok bool) {
	name := string(id.metric[config.LabelWorkload])
	if unnamed(name) {
		return 0, false, false // there is nothing to compare with
	}
	if found := m.workloads[scoped{id.namespace, name}]; len(found) > 0 {
		return found[0], false, m.speaksOf(id, found[0])
	}
	if rest, last, cut := cutLast(strings.TrimSuffix(name, config.Numbered)); cut && isOrdinal(last) {
		for _, v := range m.workloads[scoped{id.namespace, workloadName(config.KindLeaderWorkerSet, rest)}] {
			if m.isTeam(v) {
				return v, true, m.speaksOf(id, v)
			}
		}
	}
	variants := len(m.program.Variants)
	models := m.modelsOf(*id)
	switch {
	case id.model == "":
	case len(models) == 0:
		return 0, false, false // pods of a model that is not planned make up for none of one that is
	case len(models) == 1 && !id.nowhere():
		return variants + models[0], false, true
	}
	at, ok := m.namespaces[id.namespace]
	return variants + len(m.program.Models) + at, false, ok
}

// speaksOf reports whether a source that is a variant's pod serves the variant's model. A pod may also serve another model, which
// makes up for nothing. Where a model goes by a label that the series does not have, it is not known whose it is.
func (m *Matcher) speaksOf(id *identity, variant int) bool {
	of := m.program.Variants[variant].Model
	found := m.modelsOf(*id)
	if id.model == "" || slices.Contains(found, of.Place) {
		return true
	}
	for label := range of.Match {
		if _, shown := id.metric[model.LabelName(label)]; !shown && len(found) == 0 {
			return true
		}
	}
	return false
}

// workloadKey identifies a workload's count: counted twice, it would hide one that is missing.
func (m *Matcher) workloadKey(id *identity) string {
	return strings.Join([]string{m.key(*id), string(id.metric[config.LabelCluster]), string(id.metric[config.LabelWorkload]), string(id.metric[config.LabelEngines])}, "\x00")
}

// groupOf names the replica of a LeaderWorkerSet that a pod belongs to; empty for a pod of anything else.
func (m *Matcher) groupOf(variant int, pod string) string {
	v := m.program.Variants[variant]
	if v.ScaleTarget.Kind != config.KindLeaderWorkerSet || pod == "" {
		return ""
	}
	rest, ok := strings.CutPrefix(pod, v.ScaleTarget.Name+"-")
	if !ok {
		return pod
	}
	index, _, _ := strings.Cut(rest, "-")
	return index
}
