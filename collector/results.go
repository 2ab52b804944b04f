package collector

import (
	"math"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// results are the answers of one evaluation, and what has been made of them so far. An answer that several models share is
// matched once.
type results struct {
	program *program
	answers []answer
	inputs  []Input
	past    []past // in the order of the program's histories
	models  map[readingKey][]reading
	series  map[readingKey]*variantSeries
	targets map[int]map[podTarget]*reading
	up      map[readingKey][]*identity
	unaged  string // why the age of some inputs is not known; empty where all are
}

// readingKey tells apart what is read from one answer by different labels.
type readingKey struct {
	query  int
	labels config.LabelNames
	from   string
}

// variantSeries are the readings of an answer by variant, and those series that name no variant and no pod: where a quantity is
// written at one variant, its expression may well select a single series that says nothing of variants.
type variantSeries struct {
	readings []reading
	loose    map[scoped]*reading
}

func newResults(p *program, answers []answer, inputs []Input) *results {
	return &results{
		program: p, answers: answers, inputs: inputs,
		models: map[readingKey][]reading{}, series: map[readingKey]*variantSeries{}, targets: map[int]map[podTarget]*reading{},
		up: map[readingKey][]*identity{},
	}
}

// byModel reads an answer as numbers per model.
func (r *results) byModel(query int, labels config.LabelNames) []reading {
	key := readingKey{query: query, labels: labels}
	if readings, ok := r.models[key]; ok {
		return readings
	}
	readings := make([]reading, len(r.program.models))
	seen := map[string]bool{}
	for _, s := range r.answers[query].vector {
		id := identify(s.Metric, labels)
		r.place(query, s, nil, placement{r.program.matcher.modelsOf(id), readings, r.program.matcher.key(id), id.pod, seen})
	}
	r.models[key] = readings
	return readings
}

// byVariant reads an answer as numbers per variant.
func (r *results) byVariant(q quantity, labels config.LabelNames) *variantSeries {
	key := readingKey{query: q.query, labels: labels}
	for _, l := range q.fromLabels {
		key.from += l + "\x00"
	}
	if series, ok := r.series[key]; ok {
		return series
	}
	vs := &variantSeries{readings: make([]reading, len(r.program.variants)), loose: map[scoped]*reading{}}
	seen := map[string]bool{}
	for _, s := range r.answers[q.query].vector {
		id := identify(s.Metric, labels)
		if id.variant == "" && id.pod == "" {
			r.placeLoose(q, s, id, vs)
			continue
		}
		r.place(q.query, s, q.fromLabels, placement{r.program.matcher.variantsOf(id), vs.readings, r.program.matcher.key(id), id.pod, seen})
	}
	r.series[key] = vs
	return vs
}

// sources lists what an answer says is up.
func (r *results) sources(query int, labels config.LabelNames) []*identity {
	key := readingKey{query: query, labels: labels}
	if up, ok := r.up[key]; ok {
		return up
	}
	input := &r.inputs[query]
	up := []*identity{}
	for _, s := range r.answers[query].vector {
		if value, bad := valueOf(s, nil); bad == "" && value > 0 {
			id := identify(s.Metric, labels)
			up = append(up, &id)
		}
	}
	for _, s := range r.answers[query].vector {
		id := identify(s.Metric, labels)
		if r.ofAnyModel(&id, labels) {
			input.Matched++
		} else {
			input.stray(s.Metric)
		}
	}
	r.up[key] = up
	return up
}

// ofAnyModel says that a source may be one of a configured model.
func (r *results) ofAnyModel(id *identity, labels config.LabelNames) bool {
	for i := range r.program.models {
		if agrees(id, r.program.models[i].Model, labels) {
			return true
		}
	}
	return false
}

// placement is where a sample goes.
type placement struct {
	owners   []int
	readings []reading
	key, pod string
	seen     map[string]bool
}

// place gives a sample to its owner. One that cannot be used, and one that could be several owners', spoils the reading of
// everyone whom it may concern.
func (r *results) place(query int, s *model.Sample, fromLabels []string, at placement) {
	input := &r.inputs[query]
	if len(at.owners) == 0 {
		input.stray(s.Metric)
		return
	}
	input.Matched++
	value, bad := valueOf(s, fromLabels)
	switch {
	case len(at.owners) > 1:
		bad = badLabels
	case bad == "" && at.seen[at.key]:
		bad = badDuplicate
	}
	at.seen[at.key] = true
	if bad == "" {
		owner := &at.readings[at.owners[0]]
		owner.samples = append(owner.samples, sourced{at.pod, value})
		return
	}
	input.Bad = append(input.Bad, BadSample{s.Metric.String(), bad})
	for _, owner := range at.owners {
		at.readings[owner].bad = bad
	}
}

// placeLoose keeps a sample that names no variant and no pod.
func (r *results) placeLoose(q quantity, s *model.Sample, id identity, vs *variantSeries) {
	input := &r.inputs[q.query]
	input.Matched++
	key := scoped{id.namespace, id.model}
	if vs.loose[key] == nil {
		vs.loose[key] = &reading{}
	}
	value, bad := valueOf(s, q.fromLabels)
	if bad != "" {
		vs.loose[key].bad = bad
		input.Bad = append(input.Bad, BadSample{s.Metric.String(), bad})
	}
	vs.loose[key].samples = append(vs.loose[key].samples, sourced{value: value})
}

func (i *Input) stray(m model.Metric) {
	if i.Stray == "" {
		i.Stray = m.String()
	}
}

// constant is the number of a quantity that is not asked for.
func (q quantity) constant() (value float64, missing string) {
	switch {
	case !q.set:
		return 0, "not given"
	case q.number > maxValue:
		return 0, badRange
	}
	return q.number, ""
}

// single reads an answer that is one number for everyone, such as a price.
func (r *results) single(q quantity) (value float64, missing string) {
	if q.query == none {
		return q.constant()
	}
	input, a := &r.inputs[q.query], r.answers[q.query]
	if a.err != nil {
		return 0, input.failed()
	}
	input.Matched = len(a.vector)
	switch len(a.vector) {
	case 0:
		return 0, input.Name + ": no result"
	case 1:
		value, bad := valueOf(a.vector[0], q.fromLabels)
		if bad != "" {
			input.Bad = append(input.Bad, BadSample{a.vector[0].Metric.String(), bad})
			return 0, input.Name + ": " + bad
		}
		return value, ""
	}
	input.Bad = append(input.Bad, BadSample{a.vector[1].Metric.String(), badDuplicate})
	return 0, input.Name + ": " + badDuplicate
}

// ofVariant reads a quantity for one variant: the median over its pods where it comes from pods.
func (r *results) ofVariant(q quantity, v int, labels config.LabelNames) (value float64, missing string) {
	if q.query == none {
		return q.constant()
	}
	input := &r.inputs[q.query]
	if r.answers[q.query].err != nil {
		return 0, input.failed()
	}
	vs := r.byVariant(q, labels)
	found := vs.readings[v]
	if len(found.samples) == 0 && found.bad == "" {
		found = vs.looseOf(r.program, v)
		if len(found.samples) > 1 && found.bad == "" {
			found.bad = badDuplicate
		}
	}
	switch {
	case found.bad != "":
		return 0, input.Name + ": " + found.bad
	case len(found.samples) == 0:
		return 0, input.Name + ": no result"
	}
	return found.median(), ""
}

// looseOf collects the series that name no variant and no pod, and nothing that contradicts a variant.
func (vs *variantSeries) looseOf(p *program, v int) reading {
	m := &p.models[p.variants[v].model]
	var found reading
	for _, key := range []scoped{{m.Namespace, m.Name}, {m.Namespace, ""}, {"", m.Name}, {"", ""}} {
		if l := vs.loose[key]; l != nil {
			found.samples = append(found.samples, l.samples...)
			if l.bad != "" {
				found.bad = l.bad
			}
		}
	}
	return found
}

// replicas reads how many replicas the scale target of a variant has; nil when that is not known.
func (r *results) replicas(query, v int) *int {
	if query == none || r.answers[query].err != nil {
		return nil
	}
	found := r.byTarget(query)[r.program.targetOf(v)]
	if found == nil || found.bad != "" || len(found.samples) != 1 {
		return nil
	}
	n := int(found.samples[0].value)
	return &n
}

// targetOf is the workload whose replicas are a variant's. A LeaderWorkerSet is known by its leaders' StatefulSet, with the same
// name and one replica per group.
func (p *program) targetOf(v int) podTarget {
	x := &p.variants[v]
	target := podTarget{p.models[x.model].Namespace, x.ScaleTarget.Name, x.ScaleTarget.Kind}
	if target.kind == config.KindLeaderWorkerSet {
		target.kind = config.KindStatefulSet
	}
	return target
}

func (r *results) byTarget(query int) map[podTarget]*reading {
	if targets, ok := r.targets[query]; ok {
		return targets
	}
	targets := map[podTarget]*reading{}
	namespace := model.LabelName(r.program.config.Labels.Namespace)
	for v := range r.program.variants {
		targets[r.program.targetOf(v)] = &reading{}
	}
	input := &r.inputs[query]
	for _, s := range r.answers[query].vector {
		target := podTarget{
			string(s.Metric[namespace]), string(s.Metric[config.LabelTargetName]),
			config.TargetKind(s.Metric[config.LabelTargetKind]),
		}
		found := targets[target]
		if found == nil {
			continue // most workloads of a namespace serve no model
		}
		input.Matched++
		value, bad := valueOf(s, nil)
		switch {
		case bad == "" && len(found.samples) > 0:
			bad = badDuplicate
		case bad == "" && (value != math.Trunc(value) || value > optimizer.MaxReplicas):
			bad = badRange
		}
		if bad != "" {
			input.Bad = append(input.Bad, BadSample{s.Metric.String(), bad})
			found.bad = bad
		}
		found.samples = append(found.samples, sourced{value: value})
	}
	r.targets[query] = targets
	return targets
}

// failed says why an input has no answer.
func (i *Input) failed() string { return i.Name + ": " + string(i.Reason()) }
