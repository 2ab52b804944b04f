package collector

import (
	"fmt"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// demandOf works out one signal's demand for a model.
func (d *decision) demandOf(m, s int) SignalValue {
	sig := &d.program.models[m].signals[s]
	value := SignalValue{Name: sig.Name, Unit: sig.Unit}
	now, missing := d.level(m, s, sig.now, nil)
	if missing == noResult && sig.OnMissing == config.OnMissingZero && d.alive(m, s, sig.alive) {
		now, missing, value.Assumed = level{}, "", true
	}
	if missing != "" {
		value.Missing = missing
		value.Ignored = missing == noResult && sig.OnMissing == config.OnMissingIgnore
		return value
	}
	value.Measured = &now.value
	planned := d.expect(m, s, now, &value)
	if planned > maxValue {
		value.Stabilized, value.Forecast, value.Missing = nil, nil, badRange
		return value
	}
	value.Planned = &planned
	return value
}

// expect works out what to plan for. Where a part of the past cannot be had, what is known may still ask for more than there is,
// and never for less.
func (d *decision) expect(m, s int, now level, value *SignalValue) float64 {
	partial := func(why string) {
		if value.Partial == "" {
			value.Partial = why
		}
	}
	partial(d.fewerPods(m, s, now))
	expected := now.value
	stable, missing := d.stabilized(m, s, now)
	partial(missing)
	if missing == "" {
		expected, value.Stabilized = stable, &stable
	}
	partial(d.young(m, s))
	forecast, missing := d.forecast(m, s)
	partial(missing)
	if forecast != nil {
		expected, value.Forecast = max(expected, *forecast), forecast
	}
	planned, missing := d.withHeadroom(m, s, now.value, expected)
	partial(missing)
	return planned
}

// young says that a signal was not watched for as long as the scale-down window. A Prometheus that has just started has scraped
// only some of its targets, and knows nothing of the demand of five minutes ago.
func (d *decision) young(m, s int) string {
	sig := &d.program.models[m].signals[s]
	if !sig.earlier.asked() || d.watched(m, s, sig.earlier) || d.alive(m, s, sig.aliveEarlier) {
		return ""
	}
	return "less history than the scale-down window"
}

// watched says that a signal had a result for a model at some time.
func (d *decision) watched(m, s int, q moment) bool {
	sig := &d.program.models[m].signals[s]
	if q.demand != none {
		return d.answers[q.demand].err == nil && len(d.byModel(q.demand, sig.Labels)[m].samples) > 0
	}
	if d.answers[q.usage].err != nil {
		return false
	}
	served := &d.program.models[m]
	readings := d.byVariant(quantity{query: q.usage}, sig.Labels).readings
	return slices.ContainsFunc(readings[served.first:served.behind], func(r reading) bool { return len(r.samples) > 0 })
}

// fewerPods says that fewer pods tell of their demand than are ready: those that are busiest are the first to miss a scrape.
func (d *decision) fewerPods(m, s int, now level) string {
	served := &d.program.models[m]
	pods, ready := 0, 0
	for _, part := range now.parts {
		for _, x := range part.samples {
			if x.pod != "" {
				pods++
			}
		}
	}
	if pods == 0 {
		return ""
	}
	for v := served.first; v < served.behind; v++ {
		if r := d.facts[v].watched.ready; r != nil && d.carries(v, s) {
			ready += *r
		}
	}
	if pods < ready {
		return fmt.Sprintf("%d of %d ready replicas tell of their demand", pods, ready)
	}
	return ""
}

// noResult is the one way to be missing that a configuration may take for zero or ignore on purpose.
const noResult = "no result"

// level is a demand and the readings that it was made of.
type level struct {
	value float64
	parts []*reading
}

// stabilized is the demand after the windows. The windows look at fixed moments of the past, so what is measured now counts
// beside them, unless a rise must last before it counts.
func (d *decision) stabilized(m, s int, now level) (value float64, missing string) {
	sig := &d.program.models[m].signals[s]
	if !sig.stable.asked() {
		return now.value, ""
	}
	past, missing := d.level(m, s, sig.stable, now.parts)
	switch {
	case missing == noResult && sig.earlier.asked() && d.watched(m, s, sig.earlier):
		return 0, "no result over the window, though there was one before it"
	case missing == noResult:
		return now.value, "" // nothing is older than the present
	case missing != "":
		return 0, missing
	case sig.mustLast:
		return past.value, ""
	}
	return max(now.value, past.value), ""
}

// level adds up the demand that a set of queries tells. With the readings of the present given, pods that are gone do not count.
func (d *decision) level(m, s int, q moment, present []*reading) (level, string) {
	sig := &d.program.models[m].signals[s]
	if q.demand != none {
		return d.absolute(m, q.demand, sig.Labels, at(present, 0))
	}
	used, missing := d.used(m, s, q.usage, present)
	if missing != "" || q.queued == none {
		return used, missing
	}
	queued, missing := d.absolute(m, q.queued, sig.Labels, nil)
	used.value += queued.value
	return used, missing
}

func at(readings []*reading, i int) *reading {
	if i < len(readings) {
		return readings[i]
	}
	return nil
}

// absolute reads a demand per model.
func (d *decision) absolute(m, query int, labels config.LabelNames, present *reading) (level, string) {
	if d.answers[query].err != nil {
		return level{}, d.inputs[query].failed()
	}
	found := &d.byModel(query, labels)[m]
	switch {
	case found.bad != "":
		return level{}, d.inputs[query].Name + ": " + found.bad
	case len(found.samples) == 0:
		return level{}, noResult
	case present != nil:
		return level{found.sumOf(present), nil}, ""
	}
	return level{found.sum(), []*reading{found}}, ""
}

// used reads a demand that shows as the part of each variant's capacity that is in use.
func (d *decision) used(m, s, query int, present []*reading) (level, string) {
	sig := &d.program.models[m].signals[s]
	if d.answers[query].err != nil {
		return level{}, d.inputs[query].failed()
	}
	readings := d.byVariant(quantity{query: query}, sig.Labels).readings
	var total level
	anything, unknown := false, false
	served := &d.program.models[m]
	for v := served.first; v < served.behind; v++ {
		found := &readings[v]
		total.parts = append(total.parts, found)
		if !d.program.variants[v].capacities[s].set {
			continue // of another role: it carries nothing of this signal
		}
		value, missing := d.usedBy(v, s, query, found, at(present, v-served.first))
		if missing != "" && missing != noResult {
			return level{}, missing
		}
		anything = anything || missing == ""
		unknown = unknown || missing == noResult
		total.value += value
	}
	if unknown || !anything {
		return level{}, noResult
	}
	return total, ""
}

// usedBy is what one variant has in use. A variant without a ready replica uses nothing; of any other, no result says nothing.
func (d *decision) usedBy(v, s, query int, found, present *reading) (value float64, missing string) {
	var fraction float64
	switch {
	case found.bad != "":
		return 0, d.inputs[query].Name + ": " + found.bad
	case present != nil:
		fraction = found.sumOf(present)
	case len(found.samples) > 0:
		fraction = found.sum()
	case d.facts[v].watched.serves():
		return 0, noResult
	}
	if fraction == 0 {
		return 0, ""
	}
	capacity, missing := d.capacity(v, s)
	return fraction * capacity, missing
}

// alive says whether a query about the source of a signal says that it is up, as far as a model is concerned.
func (d *decision) alive(m, s, query int) bool {
	if query == none || d.answers[query].err != nil {
		return false
	}
	served := &d.program.models[m]
	labels := served.signals[s].Labels
	for _, id := range d.sources(query, labels) {
		if agrees(id, served.Model, labels) && (id.model != "" || !served.signals[s].aliveShared) {
			return true
		}
	}
	return false
}

// agrees says that no label of a series contradicts a model.
func agrees(id *identity, m *config.Model, labels config.LabelNames) bool {
	if id.namespace != "" && id.namespace != m.Namespace {
		return false
	}
	for label, values := range m.Match {
		value, ok := id.metric[model.LabelName(label)]
		if ok && label != labels.Model && !slices.Contains(values, string(value)) {
			return false
		}
	}
	return id.model == "" || id.model == m.Name || slices.Contains(m.Match[labels.Model], id.model)
}
