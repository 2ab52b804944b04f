package match

import (
	"math"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// targetOf is the workload whose replicas are a variant's. A LeaderWorkerSet is known by its leaders' StatefulSet, with the same
// name and one replica per group.
func targetOf(v *query.Variant) podTarget {
	target := podTarget{v.Model.Namespace, v.ScaleTarget.Name, v.ScaleTarget.Kind}
	if target.kind == config.KindLeaderWorkerSet {
		target.kind = config.KindStatefulSet
	}
	return target
}

// groupsOf names the workload by which series count the groups of a LeaderWorkerSet whose pods are all ready.
func groupsOf(v *query.Variant) podTarget {
	return podTarget{v.Model.Namespace, v.ScaleTarget.Name, v.ScaleTarget.Kind}
}

// targetIn is the workload that a series names.
func targetIn(metric model.Metric, namespace model.LabelName) podTarget {
	return podTarget{
		string(metric[namespace]), string(metric[config.LabelTargetName]), config.TargetKind(metric[config.LabelTargetKind]),
	}
}

// counts reads how many replicas every variant has.
func (r *reader) counts(q *query.Query) []Count {
	counts := make([]Count, len(r.program.Variants))
	if q == nil {
		return counts
	}
	input := &r.read.Inputs[q.Place]
	if input.Err != nil {
		for i := range counts {
			counts[i].Missing = input.failed()
		}
		return counts
	}
	t := r.tally(q)
	// A LeaderWorkerSet may have two series: the replicas of its leaders, and its groups whose workers are ready, too.
	found, groups, first := make([]cell, len(r.program.Variants)), map[int]*cell{}, map[int]model.Metric{}
	namespace := model.LabelName(r.program.Config.ScaleTargets.Labels.Namespace)
	for i, s := range r.samples(q) {
		target := targetIn(s.Metric, namespace)
		owners := r.matcher.targets[target]
		if owner, ok := r.matcher.groups[target]; ok {
			t.matched[i] = true
			addGroups(groups, owner, s)
			continue
		}
		if len(owners) == 0 {
			continue // most workloads of a namespace serve no model
		}
		t.matched[i] = true
		if bad := addReplicas(found, first, owners, s); bad != "" {
			t.bad[i] = bad
		}
	}
	for i := range found {
		counts[i] = found[i].count(input.Name)
	}
	for i, g := range groups {
		counts[i] = counts[i].atMost(g.count(input.Name))
	}
	return counts
}

// addReplicas notes the replicas of a workload, for each variant that it has, or says why its sample cannot be used. First has the labels of the
// first sample of each.
func addReplicas(found []cell, first map[int]model.Metric, owners []int, s *model.Sample) (bad string) {
	value, bad, again := countOf(s, &found[owners[0]])
	if before, told := first[owners[0]]; told && OtherCluster(before, s.Metric) {
		bad, again = BadDuplicate, false
	} else if !told {
		first[owners[0]] = s.Metric
	}
	for _, owner := range owners {
		if !again {
			found[owner].add(sourced{value: value}, bad)
		}
	}
	return bad
}

// addGroups notes how many groups of a LeaderWorkerSet a sample tells.
func addGroups(groups map[int]*cell, owner int, s *model.Sample) {
	if groups[owner] == nil {
		groups[owner] = &cell{}
	}
	if value, bad, again := countOf(s, groups[owner]); !again {
		groups[owner].add(sourced{value: value}, bad)
	}
}

// atMost is a number of replicas, of which not more count than another number; that number where only it is told.
func (c Count) atMost(most Count) Count {
	switch {
	case c.Missing.NoResult() || c.Missing.OK() && !most.Missing.OK():
		return most
	case c.N != nil && most.N != nil && *most.N < *c.N:
		return most
	}
	return c
}

// OtherCluster reports whether two series differ in a label that tells clusters apart: then they are two things, even with the same
// number.
func OtherCluster(a, b model.Metric) bool {
	for name, value := range a {
		if value != b[name] && ofCluster(string(name)) {
			return true
		}
	}
	return false
}

// ofCluster reports whether a label tells clusters apart, by its name.
func ofCluster(label string) bool {
	return slices.ContainsFunc([]string{"cluster", "region", "datacenter", "environment", "tenant"}, func(word string) bool {
		return strings.Contains(label, word)
	})
}

// countOf returns the number of replicas that a sample tells, or why it cannot be used. Before is what another sample told: the same
// number told twice counts once.
func countOf(s *model.Sample, before *cell) (value float64, bad string, again bool) {
	value, bad = valueOf(s, "")
	told := len(before.samples) > 0
	switch {
	case bad != "":
	case told && before.samples[0].value == value:
		again = true
	case told:
		bad = BadDuplicate
	case !whole(value):
		bad = BadRange
	}
	return value, bad, again
}

// count reads a cell as a number of replicas.
func (c *cell) count(input string) Count {
	switch {
	case c.bad != "":
		return Count{Missing: Missing{Input: input, Why: c.bad}}
	case len(c.samples) == 0:
		return Count{Missing: Missing{Input: input, Why: NoResult}}
	}
	n := int(c.samples[0].value)
	return Count{N: &n}
}

// target gives replicas to the variants of a scale target. The same number told twice is told once.
func (l *layer) target(s *stream) {
	target := targetIn(s.id.metric, model.LabelName(l.program.Config.ScaleTargets.Labels.Namespace))
	if owner, ok := l.Matcher.groups[target]; ok {
		l.whole(s, owner)
		return
	}
	owners := l.targets[target]
	if _, ours := l.namespaces[target.namespace]; len(owners) == 0 && ours && l.others {
		l.other(s, target.String())
	}
	for _, owner := range owners {
		cells := l.cells(owner)
		l.each(s, func(step int, value float64, bad string) {
			switch {
			case bad != "" || !whole(value), !math.IsNaN(cells[step]) && cells[step] != value:
				cells[step] = unusable
			default:
				cells[step] = value
			}
		})
	}
}

// keepsOthers reports whether a history is to tell how many replicas were asked for of gateways: that of starts, and the one that tells the newest
// steps of it, which are compared.
func (m *Matcher) keepsOthers(h *query.History) bool {
	starts := m.program.Targets.Current.Starts
	return m.gateways && starts != nil && (h == starts || h == starts.Finer)
}

// other keeps the replicas of a workload that is no variant's.
func (l *layer) other(s *stream, target string) {
	l.each(s, func(step int, value float64, bad string) {
		if bad != "" {
			return
		}
		if values := l.strays(target); !(values[step] >= value) {
			values[step] = value
		}
	})
}

// whole reports whether a value is a number of replicas.
func whole(value float64) bool { return value == math.Trunc(value) && value <= optimizer.MaxReplicas }
