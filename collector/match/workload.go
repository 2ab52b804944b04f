package match

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
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

// workloadOwner is the place of a workload's cells, and whether the workload are the workers of one group of a LeaderWorkerSet.
func (m *Matcher) workloadOwner(id *identity) (owner int, worker, ok bool) {
	name := string(id.metric[config.LabelWorkload])
	if unnamed(name) {
		return 0, false, false // there is nothing to compare with
	}
	if found := m.workloads[scoped{id.namespace, name}]; len(found) > 0 {
		return found[0], false, m.speaksOf(id, found[0])
	}
	if rest, last, cut := cutLast(name); cut && isOrdinal(last) {
		for _, v := range m.workloads[scoped{id.namespace, rest}] {
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

// speaksOf reports whether a source that is a variant's pod tells of the variant's model. A pod may serve another model beside it, which
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

// workloadKey is the key of a workload's count: told twice, it would make up for one that is lacking.
func (m *Matcher) workloadKey(id *identity) string {
	return strings.Join([]string{m.key(*id), string(id.metric[config.LabelCluster]), string(id.metric[config.LabelWorkload])}, "\x00")
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

// Witness is how many sources told a signal, now and over the windows.
type Witness struct {
	Asked   bool
	Missing Missing
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
	Now  float64 // 0 where none tells
	Past Past
}

// Ever reports whether a source tells, or told within the window.
func (t *Told) Ever() bool { return t.Now > 0 || forecast.Most(t.Past.Values) > 0 }

// witness reads who tells a signal.
func (r *reader) witness(m *query.Model, s *query.Signal) Witness {
	w := Witness{Asked: s.Sources.Now != nil}
	if w.Asked {
		w.Missing = r.failed(s.Sources.Now)
	}
	w.Missing = w.Missing.Or(r.failed(s.Silent))
	if s.Silent != nil && w.Missing.OK() {
		w.Silent = r.silent(m, s)
	}
	if !w.Asked || !w.Missing.OK() {
		return w
	}
	told := r.workloads(s.Sources.Now, s.Labels)
	if two := told.clustersOf(m, s); two != "" {
		w.Missing = Missing{Input: s.Sources.Now.Name, Why: BadDuplicate, More: two}
		return w
	}
	if why := cmp.Or(told.bad[m.Namespace], told.bad[""]); why != "" {
		w.Missing = Missing{Input: s.Sources.Now.Name, Why: why}
		return w
	}
	w.Unknown = told.unknown[m.Namespace] || told.unknown[""]
	read := func(owner int) Told { return Told{told.now[owner], r.past(s.Sources.Window, owner)} }
	w.Variants = make([]Told, 0, len(m.Variants))
	for _, v := range m.Variants {
		if r.matcher.isTeam(v.Place) {
			w.Variants = append(w.Variants, r.teamTold(s, told.teams[v.Place], v.Place))
		} else {
			w.Variants = append(w.Variants, read(v.Place))
		}
	}
	variants := len(r.program.Variants)
	w.Rest = read(variants + m.Place)
	gateways := variants + len(r.program.Models) + r.matcher.namespaces[m.Namespace]
	w.Gateways = read(gateways)
	w.Others = slices.Sorted(maps.Keys(workloadNames(told.pods[variants+m.Place])))
	w.NoModel = slices.Sorted(maps.Keys(workloadNames(told.pods[gateways])))
	w.Elsewhere = r.elsewhere(m, told.pods[variants+m.Place]) + r.elsewhere(m, told.pods[gateways])
	if s.Alive.Given() {
		w.Away = cmp.Or(r.away(told.pods[gateways]), r.away(told.pods[variants+m.Place]))
	}
	return w
}

// workloadNames are the names of workloads.
func workloadNames(pods map[scoped]float64) map[string]bool {
	names := map[string]bool{}
	for workload := range pods {
		names[workload.name] = true
	}
	return names
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

// clusters are the first two clusters, by their names, that sources of one model name; empty where there is none.
type clusters [2]string

func (c *clusters) add(name string) {
	switch {
	case name == "" || name == c[0] || name == c[1]:
	case c[0] == "" || name < c[0]:
		c[0], c[1] = name, c[0]
	case c[1] == "" || name < c[1]:
		c[1] = name
	}
}

// both says that there are two clusters, and what to do; empty where there are not.
func (c clusters) both() string {
	if c[1] == "" {
		return ""
	}
	return fmt.Sprintf("sources in two clusters tell it, %[1]s=%[2]q and %[1]s=%[3]q: choose one, such as with selector: '{%[1]s=%[2]q}'", config.LabelCluster, c[0], c[1])
}

// workloadCounts are the sources of one answer.
type workloadCounts struct {
	now      []float64
	pods     map[int]map[scoped]float64 // owner -> workload that is no variant's -> its pods
	unknown  map[string]bool            // namespaces with sources that have neither a pod nor an address
	bare     map[string]bool            // namespaces with sources that have no pod
	at       map[string]bool            // namespaces with sources that are counted by their addresses
	bad      map[string]string          // why a count of a namespace cannot be used
	clusters []clusters                 // by model
	gateways map[string]*clusters       // by namespace, of pods that name no model
	teams    map[int]*team              // by variant that is a LeaderWorkerSet
}

// seenIn notes whether a source is known by its address, and in which cluster it is: for the model whose variant it is of, or else for those that its series may be of.
func (c *workloadCounts) seenIn(r *reader, id *identity, owner int, ok bool) {
	if strings.HasPrefix(string(id.metric[config.LabelWorkload]), config.Nameless) {
		c.at[id.namespace] = true
	}
	cluster, models := string(id.metric[config.LabelCluster]), []int(nil)
	if ok && owner < len(r.program.Variants) {
		models = append(models, r.program.Variants[owner].Model.Place)
	} else if models = r.matcher.modelsOf(*id); len(models) == 0 && id.model == "" {
		if c.gateways[id.namespace] == nil {
			c.gateways[id.namespace] = &clusters{}
		}
		c.gateways[id.namespace].add(cluster)
	}
	for _, m := range models {
		c.clusters[m].add(cluster)
	}
}

// unnamed notes a source without a name: a pod's count leaves out the workload, an address' count says that there is no address.
func (c *workloadCounts) unnamed(r *reader, id *identity) {
	switch ours := id.model == "" || len(r.matcher.modelsOf(*id)) > 0; {
	case !ours:
	case id.metric[config.LabelWorkload] == "":
		c.bare[id.namespace] = true
	default:
		c.unknown[id.namespace] = true
	}
}

// settle finds the sources without a pod that nothing else is known of: others are counted again, by their addresses.
func (c *workloadCounts) settle() {
	for namespace := range c.bare {
		if !c.at[namespace] {
			c.unknown[namespace] = true
		}
	}
}

// clustersOf says that sources of two clusters tell a model's signal; empty where they do not.
func (c *workloadCounts) clustersOf(m *query.Model, s *query.Signal) string {
	if two := c.clusters[m.Place].both(); two != "" {
		return two
	}
	if at := c.gateways[m.Namespace]; at != nil && s.Alive.Given() {
		return at.both()
	}
	return ""
}

func (r *reader) workloads(q *query.Query, labels config.LabelNames) *workloadCounts {
	key := readKey{query: q, labels: labels}
	if found := r.told[key]; found != nil {
		return found
	}
	t := r.tally(q)
	told := &workloadCounts{
		now: make([]float64, r.matcher.Owners(query.OfWorkload)), pods: map[int]map[scoped]float64{}, unknown: map[string]bool{}, bare: map[string]bool{}, at: map[string]bool{},
		bad: map[string]string{}, clusters: make([]clusters, len(r.program.Models)), gateways: map[string]*clusters{},
		teams: map[int]*team{},
	}
	seen := map[string]bool{} // a workload that tells twice would make up for one that does not tell
	for i, s := range r.samples(q) {
		t.matched[i] = true // any workload may tell
		id := identify(s.Metric, labels)
		owner, worker, ok := r.matcher.workloadOwner(&id)
		value, bad := valueOf(s, "")
		key := r.matcher.workloadKey(&id)
		told.seenIn(r, &id, owner, ok)
		if bad == "" && seen[key] {
			bad = BadDuplicate
		}
		seen[key] = true
		switch {
		case bad != "":
			t.bad[i], told.bad[id.namespace] = bad, bad
		case unnamed(string(id.metric[config.LabelWorkload])):
			told.unnamed(r, &id)
		case otherRule(id.metric, q.Rule):
			t.bad[i] = BadRule
		case !ok:
		case r.matcher.isTeam(owner):
			told.team(owner).add(worker, value)
		default:
			told.now[owner] += value
			if owner >= len(r.program.Variants) {
				told.count(owner, scoped{id.namespace, string(id.metric[config.LabelWorkload])}, value)
			}
		}
	}
	told.settle()
	r.told[key] = told
	return told
}

// count notes how many pods of a workload that is no variant's tell.
func (c *workloadCounts) count(owner int, workload scoped, pods float64) {
	if c.pods[owner] == nil {
		c.pods[owner] = map[scoped]float64{}
	}
	// A gateway has series of several pools: each of its pods may tell of any.
	c.pods[owner][workload] = max(c.pods[owner][workload], pods)
}

// away is a workload fewer of whose pods tell than are ready; empty for none. The replicas of a gateway are told beside those of the
// variants: of all workloads in their namespaces.
func (r *reader) away(pods map[scoped]float64) string {
	found := ""
	for workload, told := range pods {
		if ready, known := r.readyOf(workload); known && told < ready {
			if text := fmt.Sprintf("%g of %g ready pods of %s tell it", told, ready, workload.name); found == "" || text < found {
				found = text
			}
		}
	}
	return found
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
	if r.ready != nil {
		return r.ready
	}
	r.ready = map[scoped]map[podTarget]float64{}
	q := r.program.Targets.Ready.Now
	if q == nil || !r.failed(q).OK() {
		return r.ready
	}
	namespace := model.LabelName(r.program.Config.ScaleTargets.Labels.Namespace)
	for _, s := range r.samples(q) {
		target := targetIn(s.Metric, namespace)
		place := scoped{target.namespace, target.name}
		if value, bad := valueOf(s, ""); bad == "" {
			if r.ready[place] == nil {
				r.ready[place] = map[podTarget]float64{}
			}
			if before, again := r.ready[place][target]; !again || value < before {
				r.ready[place][target] = value
			}
		}
	}
	return r.ready
}

// silent is a source of the model's signal that told it before and is silent now, or that shows only part of it; empty for none.
func (r *reader) silent(m *query.Model, s *query.Signal) string {
	t := r.tally(s.Silent)
	found := ""
	for i, sample := range r.samples(s.Silent) {
		id := identify(sample.Metric, s.Labels)
		t.matched[i] = true
		if value, bad := valueOf(sample, ""); bad == "" && value > 0 && agrees(&id, m.Model, s.Labels) {
			if text := Describe(sample.Metric) + silence(s, sample.Metric); found == "" || text < found {
				found = text
			}
		}
	}
	return found
}

// labelLacks is the label in which an expression for silent sources names the series that one does not show.
const labelLacks = "lacks"

// silence says how a source is known to be there.
func silence(s *query.Signal, metric model.Metric) string {
	switch lacks := metric[labelLacks]; {
	case lacks != "":
		return " shows no " + string(lacks)
	case s.ActiveSignal.Silent.IsZero():
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
