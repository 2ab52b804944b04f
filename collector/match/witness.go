package match

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// Witness is how many sources told a signal, now and over the windows.
type Witness struct {
	Asked   bool
	Missing Missing
	Twice   Missing // why the sources are of two fleets, if they are: then nothing is known of either
	// Unknown says that sources without a pod and an address tell the signal: there is nothing to compare with.
	Unknown  bool
	Variants []Told   // by variant of the model
	Rest     Told     // pods of the model that belong to no scale target by their names
	Gateways Told     // pods of the namespace that name no model
	Others   []string // the workloads of Rest, or the addresses of sources without a pod, in order
	NoModel  []string // those of Gateways
	// Elsewhere is how many of Rest and Gateways are of workloads whose own replicas are known: they stand in for no variant's.
	Elsewhere float64
	Silent    string // a source that should tell and does not, and why it is known to be there, as an example
	Away      string // a workload of a gateway fewer of whose pods tell than are ready, as an example
}

// Told is a number of sources.
type Told struct {
	Now   float64 // 0 where none tells
	Fewer float64 // of a variant: pods beside them that show fewer engines, and tell a part
	Past  Past
}

// Ever reports whether a source tells, or told within the window.
func (t *Told) Ever() bool { return t.Now+t.Fewer > 0 || forecast.Most(t.Past.Values) > 0 }

// witness reads who tells a signal.
func (r *reader) witness(m *query.Model, s *query.Signal) Witness {
	w := Witness{Asked: s.Sources.Now != nil}
	if w.Asked {
		w.Missing = r.failed(s.Sources.Now)
	}
	w.Missing = w.Missing.Or(r.failed(s.Silent)).Or(r.ruleless(s.Silent)).Or(r.failed(s.Copies))
	w.Twice = r.copied(m, s)
	if s.Silent != nil && r.failed(s.Silent).OK() && r.ruleless(s.Silent).OK() {
		w.Silent = r.silent(m, s)
	}
	if !w.Asked || !r.failed(s.Sources.Now).OK() {
		return w
	}
	told := r.workloads(s) // An answer that is there is read, also where another is missing: what became of its series is told.
	if !w.Missing.OK() || !w.Twice.OK() {
		return w
	}
	if two := told.clustersOf(m, s); two != "" {
		w.Twice = Missing{Input: s.Sources.Now.Name, Why: BadDuplicate, More: two}
		return w
	}
	if why := cmp.Or(told.bad[m.Namespace], told.bad[""]); why != "" {
		w.Missing = Missing{Input: s.Sources.Now.Name, Why: why}
		return w
	}
	w.Unknown = told.unknown[m.Namespace] || told.unknown[""]
	read := func(owner int) Told { return Told{Now: told.now[owner], Past: r.toldOver(m, s, owner)} }
	w.Variants = r.variantsTold(m, s, told)
	variants := len(r.program.Variants)
	w.Rest = read(variants + m.Place)
	gateways := variants + len(r.program.Models) + r.matcher.namespaces[m.Namespace]
	w.Gateways = read(gateways)
	w.Others = workloadNames(told.pods[variants+m.Place])
	w.NoModel = workloadNames(told.pods[gateways])
	w.Elsewhere = r.elsewhere(m, told.pods[variants+m.Place]) + r.elsewhere(m, told.pods[gateways])
	if s.Alive.Given() {
		w.Away = cmp.Or(r.away(told.pods[gateways]), r.away(told.pods[variants+m.Place]))
		if two := cmp.Or(r.surplus(s, gateways, told.pods[gateways]), r.surplus(s, variants+m.Place, told.pods[variants+m.Place])); two != "" {
			w.Twice = Missing{Input: s.Sources.Now.Name, Why: BadDuplicate, More: two}
		}
	}
	return w
}

// variantsTold is how many pods, or groups of them, of each variant of a model tell a signal.
func (r *reader) variantsTold(m *query.Model, s *query.Signal, told *workloadCounts) []Told {
	all := make([]Told, 0, len(m.Variants))
	for _, v := range m.Variants {
		if r.matcher.isTeam(v.Place) {
			all = append(all, r.teamTold(m, s, told.teams[v.Place], v.Place))
			continue
		}
		of := Told{Past: r.toldOver(m, s, v.Place)}
		of.Now, of.Fewer = told.whole(v.Place)
		all = append(all, of)
	}
	return all
}

// toldOver is how many sources of an owner told a signal over the windows of its model.
func (r *reader) toldOver(m *query.Model, s *query.Signal, owner int) Past {
	past := r.past(s.Sources.Window, owner)
	past.Values = past.Over(query.SourcesWindow(m.Model) + past.Step)
	return past
}

// workloadNames are the names of workloads, in order.
func workloadNames(pods map[scoped]float64) []string {
	var names []string
	for workload := range pods {
		names = append(names, shownName(workload.name))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// elsewhere counts pods of workloads that are no variant's and whose own replicas are known. Where a model says by a regular expression
// which pods are its own, the workload of a pod shows nothing.
func (r *reader) elsewhere(m *query.Model, pods map[scoped]float64) float64 {
	if slices.ContainsFunc(m.Variants, func(v *query.Variant) bool { return v.Pods.Regexp != nil }) {
		return 0
	}
	total := 0.0
	for workload, told := range pods {
		if r.hasReplicas(workload) {
			total += told
		}
	}
	return total
}

// away is a workload fewer of whose pods tell than are ready; empty for none. The series of scale targets tell the replicas of
// gateways too: they are of all workloads in the namespaces.
func (r *reader) away(pods map[scoped]float64) string {
	found := ""
	for workload, told := range pods {
		if ready, known := r.readyOf(workload); known && told < ready {
			if text := fmt.Sprintf("%g of %g ready pods of %s tell it", told, ready, shownName(workload.name)); found == "" || text < found {
				found = text
			}
		}
	}
	return found
}

// surplusFor is for how long more gateways must have told a signal than were asked for: one that is being replaced tells for a while.
const surplusFor = query.HourFor / 2

// surplus says that more pods of gateways tell a signal than are asked for, or were while starts are watched, and have throughout the last hour, as
// far as it is known: they are of two clusters. Those of one that was scaled down tell for a while. It is empty where they do not, and where it
// is not known how many are and were asked for of one of their workloads.
func (r *reader) surplus(s *query.Signal, owner int, pods map[scoped]float64) string {
	told, asked, one := 0.0, 0.0, ""
	for workload, n := range pods {
		if len(r.askedTargets()[workload]) != 1 {
			return ""
		}
		for target, of := range r.askedTargets()[workload] {
			told, asked, one = told+n, asked+r.mostAsked(target, of), max(one, shownName(workload.name))
		}
	}
	hour := r.past(s.Sources.Hour, owner)
	least := min(told, forecast.Least(hour.Values))
	if steps := forecast.Known(hour.Values); !(least > asked) || time.Duration(steps)*hour.Step < surplusFor {
		return ""
	}
	return fmt.Sprintf("%g pods of %s tell it, and no more than %g were asked for: are these two fleets, which a selector tells apart?", told, one, asked)
}

// mostAsked is the most that was asked for of a workload that is no variant's while starts are watched, and now; NaN where the past is not known.
func (r *reader) mostAsked(target podTarget, now float64) float64 {
	h := r.program.Targets.Current.Starts
	if h == nil || r.answers.Histories[h.Place].Err != nil {
		return math.NaN()
	}
	return max(now, forecast.Most(r.answers.Histories[h.Place].Grid.Strays[target.String()]))
}

// readyOf is how many replicas of any workload are ready. Where two workloads have one name, it is not known which is meant.
func (r *reader) readyOf(workload scoped) (ready float64, known bool) {
	for _, value := range r.readyTargets()[workload] {
		return value, len(r.ready[workload]) == 1
	}
	return 0, false
}

// hasReplicas reports whether a workload has replicas of its own, ready or not.
func (r *reader) hasReplicas(workload scoped) bool { return len(r.readyTargets()[workload]) > 0 }

// readyTargets are the ready replicas of all workloads that are told, by their names.
func (r *reader) readyTargets() map[scoped]map[podTarget]float64 {
	if r.ready == nil {
		r.ready = r.targetsOf(r.program.Targets.Ready.Now, func(a, b float64) float64 { return min(a, b) })
	}
	return r.ready
}

// askedTargets are the replicas of all workloads that are asked for.
func (r *reader) askedTargets() map[scoped]map[podTarget]float64 {
	if r.asked == nil {
		r.asked = r.targetsOf(r.program.Targets.Current.Now, func(a, b float64) float64 { return max(a, b) })
	}
	return r.asked
}

// targetsOf reads replicas of all workloads by their names. Of two numbers for one workload, one is chosen.
func (r *reader) targetsOf(q *query.Query, choose func(a, b float64) float64) map[scoped]map[podTarget]float64 {
	found := map[scoped]map[podTarget]float64{}
	if q == nil || !r.failed(q).OK() {
		return found
	}
	namespace := model.LabelName(r.program.Config.ScaleTargets.Labels.Namespace)
	for _, s := range r.samples(q) {
		target := targetIn(s.Metric, namespace)
		place := scoped{target.namespace, workloadName(target.kind, target.name)}
		if value, bad := valueOf(s, ""); bad == "" {
			if found[place] == nil {
				found[place] = map[podTarget]float64{}
			}
			if before, again := found[place][target]; again {
				value = choose(before, value)
			}
			found[place][target] = value
		}
	}
	return found
}

// ruleless says why nothing is known of who is silent: who they are is recorded, and not by the rule that should record it.
func (r *reader) ruleless(q *query.Query) Missing {
	if q == nil || q.Rule == "" {
		return Missing{}
	}
	for _, s := range r.samples(q) {
		if !otherRule(s.Metric, q.Rule) {
			return Missing{}
		}
	}
	return Missing{Input: q.Name, Why: BadRule}
}

// silent is a source of the model's signal that told it before and is silent now, or that shows only part of it; empty for none.
func (r *reader) silent(m *query.Model, s *query.Signal) string {
	t := r.tally(s.Silent)
	found := ""
	for i, sample := range r.samples(s.Silent) {
		id := identify(sample.Metric, s.Labels)
		t.matched[i] = true
		if otherRule(sample.Metric, s.Silent.Rule) {
			t.bad[i] = BadRule
			continue
		}
		if value, bad := valueOf(sample, ""); bad == "" && value > 0 && agrees(&id, m.Model, s.Labels) && !r.spared(s, &id) {
			if text := Describe(sample.Metric) + silence(s, sample.Metric); found == "" || text < found {
				found = text
			}
		}
	}
	return found
}

// copied says that a source of the model's signal is added up twice.
func (r *reader) copied(m *query.Model, s *query.Signal) Missing {
	if s.Copies == nil || !r.failed(s.Copies).OK() {
		return Missing{}
	}
	t, found := r.tally(s.Copies), ""
	for i, sample := range r.samples(s.Copies) {
		id := identify(sample.Metric, s.Labels)
		t.matched[i] = true
		if sample.Metric[model.InstanceLabel] == "" {
			continue // It is of no target.
		}
		if text := Describe(sample.Metric); agrees(&id, m.Model, s.Labels) && (found == "" || text < found) {
			found = text
		}
	}
	if found == "" {
		return Missing{}
	}
	return Missing{Input: s.Copies.Name, Why: BadDuplicate, More: found + " is told twice, by two jobs or two Prometheus, and added up: fold copies in the sum, " +
		"such as with max by (pod, instance) (...), or choose one with a selector"}
}

// spared reports whether a target of an own signal that does not answer scrapes may be silent: it is a pod of a variant as many pods of which
// tell the signal as are ready. It is one that crashes again and again, or that was on a node which is lost.
func (r *reader) spared(s *query.Signal, id *identity) bool {
	if !s.ActiveSignal.Silent.IsZero() || s.Sources.Now == nil || !r.failed(s.Sources.Now).OK() || id.pod == "" || id.namespace == "" {
		return false
	}
	owners := r.matcher.pods.variants(id.namespace, id.pod)
	if len(owners) != 1 || r.matcher.isTeam(owners[0]) {
		return false
	}
	of := r.program.Variants[owners[0]].ScaleTarget
	ready, known := r.readyOf(scoped{id.namespace, workloadName(of.Kind, of.Name)})
	told, _ := r.workloads(s).whole(owners[0])
	return known && told >= ready
}

// labelLacks is the label in which an expression for silent sources names the series that one does not show.
const labelLacks = "lacks"

// silence says how a source is known to be there.
func silence(s *query.Signal, metric model.Metric) string {
	switch lacks := metric[labelLacks]; {
	case lacks != "":
		return " shows no " + string(lacks)
	case s.ActiveSignal.Silent.IsZero() || s.OfPreset() && !s.Alive.Given():
		return " told it before, and does not answer scrapes"
	}
	return " is ready and silent"
}

// Describe names a source: by its pod, or else by all its labels.
func Describe(metric model.Metric) string {
	if pod := metric["pod"]; pod != "" {
		return "pod " + string(pod)
	}
	return metric.String()
}
