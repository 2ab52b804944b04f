package match

import (
	"cmp"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// reader reads the answers of one evaluation. An answer that several models share is matched once.
type reader struct {
	matcher *Matcher
	program *query.Program
	answers *Answers
	read    *Readings
	tallies map[*query.Query]*tally
	models  map[readKey][]cell
	series  map[readKey]*variantSeries
	up      map[readKey][]identity
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
	bad     string
}

// sourced is a number and the pod that it comes from, if it comes from one.
type sourced struct {
	pod   string
	value float64
}

func (c *cell) add(s sourced, bad string) {
	if bad != "" {
		c.bad = bad
		return
	}
	c.samples = append(c.samples, s)
}

// reading adds a cell up, in an order of its own: answers come in different orders, and a replay must find the very same sum.
func (c *cell) reading(q *query.Query) Reading {
	switch {
	case c.bad != "":
		return Reading{Missing: Missing{q.Name, c.bad}}
	case len(c.samples) == 0:
		return Reading{Missing: Missing{Why: NoResult}}
	}
	ordered := c.samples
	if len(ordered) > 2 {
		ordered = slices.SortedFunc(slices.Values(ordered), func(a, b sourced) int { return cmp.Compare(a.value, b.value) })
	}
	var r Reading
	for _, s := range ordered {
		r.Value += s.value
		if s.pod != "" {
			r.Pods++
		}
	}
	return r
}

// median is the middle value, the mean of the two middle ones when there is an even number.
func (c *cell) median() float64 {
	values := make([]float64, len(c.samples))
	for i, s := range c.samples {
		values[i] = s.value
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// value reads a cell as one number: the median over its pods where it comes from pods.
func (c *cell) value(q *query.Query) Value {
	switch {
	case c.bad != "":
		return Value{Missing: Missing{q.Name, c.bad}}
	case len(c.samples) == 0:
		return Value{Missing: Missing{q.Name, NoResult}}
	}
	return Value{Number: c.median()}
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

// byModel reads an answer as numbers per model.
func (r *reader) byModel(q *query.Query, labels config.LabelNames) []cell {
	key := readKey{query: q, labels: labels}
	if cells, ok := r.models[key]; ok {
		return cells
	}
	p := placing{tally: r.tally(q), cells: make([]cell, len(r.program.Models)), seen: map[string]bool{}}
	p.tally.strays = true
	for i, s := range r.answers.Queries[q.Place].Vector {
		id := identify(s.Metric, labels)
		p.place(i, s, nil, r.matcher.modelsOf(id), r.matcher.key(id), id.pod)
	}
	r.models[key] = p.cells
	return p.cells
}

// variantSeries are the cells of an answer by variant, and those series that name no variant and no pod: where a quantity is
// written at one variant, its expression may well select a single series that says nothing of variants.
type variantSeries struct {
	cells []cell
	loose map[scoped]*cell
}

// byVariant reads an answer as numbers per variant.
func (r *reader) byVariant(q *query.Query, fromLabels []string, labels config.LabelNames) *variantSeries {
	key := readKey{query: q, labels: labels}
	for _, l := range fromLabels {
		key.from += l + "\x00"
	}
	if series, ok := r.series[key]; ok {
		return series
	}
	p := placing{tally: r.tally(q), cells: make([]cell, len(r.program.Variants)), seen: map[string]bool{}}
	p.tally.strays = true
	vs := &variantSeries{cells: p.cells, loose: map[scoped]*cell{}}
	for i, s := range r.answers.Queries[q.Place].Vector {
		id := identify(s.Metric, labels)
		if id.variant != "" || id.pod != "" {
			p.place(i, s, fromLabels, r.matcher.variantsOf(id), r.matcher.key(id), id.pod)
			continue
		}
		place := scoped{id.namespace, id.model}
		if vs.loose[place] == nil {
			vs.loose[place] = &cell{}
		}
		value, bad := valueOf(s, fromLabels)
		p.tally.matched[i] = true
		p.note(i, bad)
		vs.loose[place].add(sourced{value: value}, bad)
	}
	r.series[key] = vs
	return vs
}

// looseOf collects the series that name no variant and no pod, and nothing that contradicts a variant.
func (vs *variantSeries) looseOf(v *query.Variant) cell {
	var found cell
	m := v.Model
	for _, place := range []scoped{{m.Namespace, m.Name}, {m.Namespace, ""}, {"", m.Name}, {"", ""}} {
		if c := vs.loose[place]; c != nil {
			found.samples = append(found.samples, c.samples...)
			if c.bad != "" {
				found.bad = c.bad
			}
		}
	}
	if len(found.samples) > 1 && found.bad == "" {
		found.bad = BadDuplicate
	}
	return found
}

// placing gives the samples of one answer to their owners.
type placing struct {
	tally *tally
	cells []cell
	seen  map[string]bool
}

func (p *placing) note(i int, bad string) {
	if bad != "" {
		p.tally.bad[i] = bad
	}
}

// place gives a sample to its owner. One that cannot be used, and one that could be several owners', spoils the cell of every
// owner that it may concern.
func (p *placing) place(i int, s *model.Sample, fromLabels []string, owners []int, key, pod string) {
	if len(owners) == 0 {
		return
	}
	p.tally.matched[i] = true
	value, bad := valueOf(s, fromLabels)
	switch {
	case len(owners) > 1:
		bad = BadLabels
	case bad == "" && p.seen[key]:
		bad = BadDuplicate
	}
	p.seen[key] = true
	p.note(i, bad)
	for _, owner := range owners {
		p.cells[owner].add(sourced{pod, value}, bad)
	}
}
