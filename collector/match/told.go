package match

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

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
	engines  map[int]map[int]float64    // variant that is not -> how many engines -> pods of so many
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

// workloads counts who tells a signal. Where its demand has series that name no model, which count for none, sources that name none do not
// tell any model's.
func (r *reader) workloads(signal *query.Signal) *workloadCounts {
	q, labels := signal.Sources.Now, signal.Labels
	nobodys := r.unnamedDemand(signal)
	key := readKey{query: q, labels: labels, from: strings.Join(slices.Sorted(maps.Keys(nobodys)), ",")}
	if found := r.told[key]; found != nil {
		return found
	}
	t := r.tally(q)
	told := &workloadCounts{
		now: make([]float64, r.matcher.Owners(query.OfWorkload)), pods: map[int]map[scoped]float64{}, unknown: map[string]bool{}, bare: map[string]bool{}, at: map[string]bool{},
		bad: map[string]string{}, clusters: make([]clusters, len(r.program.Models)), gateways: map[string]*clusters{},
		teams: map[int]*team{}, engines: map[int]map[int]float64{},
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
		case !ok, nobodys[id.namespace] && !r.matcher.names(&id):
		case r.matcher.isTeam(owner):
			told.team(owner).add(worker, value)
		case owner < len(r.program.Variants):
			told.spread(owner)[enginesOf(s.Metric)] += value
		default:
			told.now[owner] += value
			told.count(owner, scoped{id.namespace, string(id.metric[config.LabelWorkload])}, value)
		}
	}
	told.settle()
	r.told[key] = told
	return told
}

// unnamedDemand lists the namespaces in which there is demand whose series name no model, nor what stands for one. A gateway may have requests that name
// none.
func (r *reader) unnamedDemand(s *query.Signal) map[string]bool {
	found := map[string]bool{}
	if s.Alive.Given() {
		return found
	}
	for _, q := range []*query.Query{s.Absolute.Now, s.Queued.Now} {
		if q != nil && r.failed(q).OK() {
			maps.Copy(found, r.unnamedIn(q, s.Labels))
		}
	}
	return found
}

// unnamedIn is unnamedDemand of one answer. All models that share it look at it.
func (r *reader) unnamedIn(q *query.Query, labels config.LabelNames) map[string]bool {
	key := readKey{query: q, labels: labels}
	found, known := r.unnamed[key]
	if known {
		return found
	}
	found = map[string]bool{}
	for _, sample := range r.samples(q) {
		if id := identify(sample.Metric, labels); sample.Value > 0 && !r.matcher.names(&id) {
			found[id.namespace] = true
		}
	}
	r.unnamed[key] = found
	return found
}

// spread are the pods of a variant by how many engines they show.
func (c *workloadCounts) spread(variant int) map[int]float64 {
	if c.engines[variant] == nil {
		c.engines[variant] = map[int]float64{}
	}
	return c.engines[variant]
}

// whole are the pods of a variant that show as many engines as any of them: all of its pods are alike. Others tell a part of their load.
func (c *workloadCounts) whole(variant int) (pods, fewer float64) {
	most := 0
	for n := range c.engines[variant] {
		most = max(most, n)
	}
	for n, told := range c.engines[variant] {
		if n == most {
			pods = told
		} else {
			fewer += told
		}
	}
	return pods, fewer
}

// enginesOf is of how many servers and engines the pods of a count are; 0 where it does not say.
func enginesOf(metric model.Metric) int {
	n, err := strconv.Atoi(string(metric[config.LabelEngines]))
	if err != nil {
		return 0
	}
	return n
}

// count notes how many pods of a workload that is no variant's tell.
func (c *workloadCounts) count(owner int, workload scoped, pods float64) {
	if c.pods[owner] == nil {
		c.pods[owner] = map[scoped]float64{}
	}
	// A gateway has series of several pools: each of its pods may have series of any.
	c.pods[owner][workload] = max(c.pods[owner][workload], pods)
}
