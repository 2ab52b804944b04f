package match

import (
	"math"

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
	found := make([]cell, len(r.program.Variants))
	namespace := model.LabelName(r.program.Config.ScaleTargets.Labels.Namespace)
	for i, s := range r.answers.Queries[q.Place].Vector {
		owners := r.matcher.targets[targetIn(s.Metric, namespace)]
		if len(owners) == 0 {
			continue // most workloads of a namespace serve no model
		}
		t.matched[i] = true
		value, bad := valueOf(s, "")
		switch first := &found[owners[0]]; {
		case bad == "" && len(first.samples) > 0 && first.samples[0].value == value:
			continue // told twice is told once
		case bad == "" && len(first.samples) > 0:
			bad = BadDuplicate
		case bad == "" && (value != math.Trunc(value) || value > optimizer.MaxReplicas):
			bad = BadRange
		}
		if bad != "" {
			t.bad[i] = bad
		}
		for _, owner := range owners {
			found[owner].add(sourced{value: value}, bad)
		}
	}
	for i := range found {
		switch {
		case found[i].bad != "":
			counts[i].Missing = Missing{input.Name, found[i].bad}
		case len(found[i].samples) == 0:
			counts[i].Missing = Missing{input.Name, NoResult}
		default:
			n := int(found[i].samples[0].value)
			counts[i].N = &n
		}
	}
	return counts
}
