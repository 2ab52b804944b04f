package match

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// reader reads the answers of one evaluation. An answer that several models share is matched once.
type reader struct {
	clock   *clock
	matcher *Matcher
	program *query.Program
	answers *Answers
	read    *Readings
	tallies map[*query.Query]*tally
	models  map[readKey][]cell
	series  map[readKey]*variantSeries
	up      map[readKey][]identity
	told    map[readKey]*workloadCounts
	unnamed map[readKey]map[string]bool      // namespaces with demand whose series name no model
	ready   map[scoped]map[podTarget]float64 // workloads by name -> ready replicas; made when they are needed
	asked   map[scoped]map[podTarget]float64 // the same of those that are asked for
	strays  map[readKey]map[string]string    // namespace -> a series with demand that belongs to no model
	respelt map[readKey]map[scoped][]string  // namespace and plain name -> the names of such series

	nameless map[readKey]map[string]*cell // namespace -> series that name no model
}

// readKey tells apart what is read from one answer by different labels.
type readKey struct {
	query  *query.Query
	labels config.LabelNames
	from   string
}

// cell is what an answer says of one model or variant: a number per source, or why it cannot be used.
type cell struct {
	samples []sourced
	several int // how many samples there are, where more than one is one too many
	bad     string
}

// sourced is a number and the pod that it comes from, if it comes from one.
type sourced struct {
	pod   string
	group string // the replica of a LeaderWorkerSet that the pod belongs to
	value float64
}

func (c *cell) add(s sourced, bad string) {
	if bad != "" {
		c.bad = bad
		return
	}
	c.samples = append(c.samples, s)
}

// reading adds a cell up, always in the same order: answers come in different orders, and a replay must find the very same sum.
func (c *cell) reading(q *query.Query) Reading {
	switch {
	case c.bad != "":
		return Reading{Missing: Missing{Input: q.Name, Why: c.bad}}
	case len(c.samples) == 0:
		return Reading{Missing: Missing{Why: NoResult}}
	}
	var r Reading
	units := c.units(true)
	slices.Sort(units)
	for _, value := range units {
		r.Value += value
	}
	if c.samples[0].pod != "" {
		r.Pods = len(units)
	}
	return r
}

// units are the numbers of what counts as one: a pod, or a group of pods that is one replica. What a group has in use is the mean of
// its pods; what it can do is their sum.
func (c *cell) units(mean bool) []float64 {
	var units []float64
	sums, pods := map[string]float64{}, map[string]float64{}
	for _, s := range c.samples {
		if s.group == "" {
			units = append(units, s.value)
			continue
		}
		sums[s.group] += s.value
		pods[s.group]++
	}
	for _, g := range slices.Sorted(maps.Keys(sums)) {
		if mean {
			sums[g] /= pods[g]
		}
		units = append(units, sums[g])
	}
	return units
}

// value reads a cell as one number: the median over its pods where it comes from pods.
func (c *cell) value(q *query.Query) Value {
	switch {
	case c.bad == BadDuplicate && c.several > 1:
		return Value{Missing: Missing{Input: q.Name, Why: c.bad, More: fmt.Sprintf("%d series, where one is needed: aggregate them, such as max(...), or select one of them", c.several)}}
	case c.bad != "":
		return Value{Missing: Missing{Input: q.Name, Why: c.bad}}
	case len(c.samples) == 0:
		return Value{Missing: Missing{Input: q.Name, Why: NoResult}}
	}
	return Value{Number: median(c.units(false))}
}

func (r *reader) tally(q *query.Query) *tally {
	t := r.tallies[q]
	if t == nil {
		t = newTally(len(r.answers.Queries[q.Place].Vector))
		r.tallies[q] = t
	}
	return t
}

// failed says why a query has no answer; nothing is missing where it has one, or is not asked.
func (r *reader) failed(q *query.Query) Missing {
	if q == nil || r.read.Inputs[q.Place].Err == nil {
		return Missing{}
	}
	return r.read.Inputs[q.Place].failed()
}

// strayDemand names a series with demand of no model that may be that of a model in a namespace; empty for none.
func (r *reader) strayDemand(q *query.Query, labels config.LabelNames, namespace string) string {
	r.byModel(q, nil, labels)
	strays := r.strays[readKey{query: q, labels: labels}]
	if stray := strays[namespace]; stray != "" {
		return stray
	}
	return strays[""]
}

// byModel reads an answer as numbers per model.
func (r *reader) byModel(q *query.Query, fromLabels []string, labels config.LabelNames) []cell {
	from := strings.Join(fromLabels, ",")
	key := readKey{q, labels, from}
	if cells, ok := r.models[key]; ok {
		return cells
	}
	p := placing{tally: r.tally(q), cells: make([]cell, len(r.program.Models)), seen: map[string]bool{}, rule: q.Rule}
	p.tally.strays = true
	strays, respelt := map[string]string{}, map[scoped][]string{}
	for i, s := range r.samples(q) {
		id := identify(s.Metric, labels)
		owners := r.matcher.modelsOf(id)
		p.place(i, s, from, owners, &id, r.matcher.key(id), sourced{pod: id.pod})
		if value, bad := valueOf(s, ""); len(owners) == 0 && bad == "" && value > 0 {
			if text := s.Metric.String(); strays[id.namespace] == "" || text < strays[id.namespace] {
				strays[id.namespace] = text
			}
			if id.model != "" {
				place := scoped{id.namespace, plainName(id.model)}
				respelt[place] = append(respelt[place], id.model)
			}
		}
	}
	p.finish()
	r.models[key], r.strays[key], r.respelt[key] = p.cells, strays, respelt
	return p.cells
}

// namelessOf collects the series that name no model and do not contradict a namespace.
func (r *reader) namelessOf(q query.Quantity, labels config.LabelNames, namespace string) cell {
	from := strings.Join(q.FromLabels, ",")
	key := readKey{q.Query, labels, from}
	if r.nameless[key] == nil {
		t, all := r.tally(q.Query), map[string]*cell{}
		for i, s := range r.samples(q.Query) {
			id := identify(s.Metric, labels)
			if r.matcher.names(&id) {
				continue
			}
			if all[id.namespace] == nil {
				all[id.namespace] = &cell{}
			}
			value, bad := valueOf(s, from)
			if t.matched[i] = true; bad != "" {
				t.bad[i] = bad
			}
			all[id.namespace].add(sourced{value: value}, bad)
		}
		r.nameless[key] = all
	}
	return together(r.nameless[key][namespace], r.nameless[key][""])
}

// together is what several cells say of one thing, of which one number is wanted. Of several it keeps how many there are: they may be
// very many, for each of many variants.
func together(cells ...*cell) cell {
	var found cell
	for _, c := range cells {
		if c == nil {
			continue
		}
		found.several += len(c.samples)
		found.bad = cmp.Or(c.bad, found.bad)
		if len(c.samples) == 1 {
			found.samples = c.samples
		}
	}
	if found.several > 1 {
		found.samples, found.bad = nil, cmp.Or(found.bad, BadDuplicate)
	}
	return found
}

// variantSeries are the cells of an answer by variant, and those series that name no variant and no pod: where a quantity is
// written at one variant, its expression may well select a single series that says nothing of variants.
type variantSeries struct {
	cells []cell
	loose map[scoped]*cell
}

// byVariant reads an answer as numbers per variant.
func (r *reader) byVariant(q *query.Query, fromLabels []string, labels config.LabelNames) *variantSeries {
	from := strings.Join(fromLabels, ",")
	key := readKey{q, labels, from}
	if series, ok := r.series[key]; ok {
		return series
	}
	p := placing{tally: r.tally(q), cells: make([]cell, len(r.program.Variants)), seen: map[string]bool{}, rule: q.Rule}
	p.tally.strays = true
	vs := &variantSeries{cells: p.cells, loose: map[scoped]*cell{}}
	for i, s := range r.samples(q) {
		id := identify(s.Metric, labels)
		if id.variant != "" || id.pod != "" {
			owners := r.matcher.variantsOf(id)
			source := sourced{pod: id.pod}
			if len(owners) == 1 {
				source.group = r.matcher.groupOf(owners[0], id.pod)
			}
			p.place(i, s, from, owners, &id, r.matcher.key(id), source)
			continue
		}
		place := scoped{id.namespace, id.model}
		if vs.loose[place] == nil {
			vs.loose[place] = &cell{}
		}
		value, bad := valueOf(s, from)
		p.tally.matched[i] = true
		p.note(i, bad)
		vs.loose[place].add(sourced{value: value}, bad)
	}
	p.finish()
	r.series[key] = vs
	return vs
}

// looseOf collects the series that name no variant and no pod, and nothing that contradicts a variant.
func (vs *variantSeries) looseOf(v *query.Variant) cell {
	m, at := v.Model, vs.loose
	return together(at[scoped{m.Namespace, m.Name}], at[scoped{m.Namespace, ""}], at[scoped{"", m.Name}], at[scoped{"", ""}])
}

// placing gives the samples of one answer to their owners.
type placing struct {
	tally *tally
	cells []cell
	seen  map[string]bool
	rule  string // what the series must have been recorded from
	other []int  // owners of series that were recorded from something else
}

// finish spoils the cells of owners all of whose numbers were recorded from another expression.
func (p *placing) finish() {
	for _, owner := range p.other {
		if c := &p.cells[owner]; len(c.samples) == 0 && c.bad == "" {
			c.bad = BadRule
		}
	}
}

func (p *placing) note(i int, bad string) {
	if bad != "" {
		p.tally.bad[i] = bad
	}
}

// place gives a sample to its owner. One that cannot be used, and one that names no namespace or could be several owners', spoils the
// cell of every owner that it may concern.
func (p *placing) place(i int, s *model.Sample, from string, owners []int, id *identity, key string, source sourced) {
	if len(owners) == 0 {
		return
	}
	p.tally.matched[i] = true
	if otherRule(s.Metric, p.rule) {
		p.note(i, BadRule)
		p.other = append(p.other, owners...)
		return
	}
	value, bad := valueOf(s, from)
	source.value = value
	switch {
	case len(owners) > 1 || id.nowhere():
		bad = BadLabels
	case bad == "" && p.seen[key]:
		bad = BadDuplicate
	}
	p.seen[key] = true
	p.note(i, bad)
	for _, owner := range owners {
		p.cells[owner].add(source, bad)
	}
}
