package collector

import (
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
		now, missing = level{}, ""
	}
	if missing != "" {
		value.Missing = missing
		value.Ignored = missing == noResult && sig.OnMissing == config.OnMissingIgnore
		return value
	}
	value.Measured = &now.value
	stable, missing := d.stabilized(m, s, now)
	expected := stable
	if missing == "" {
		value.Forecast, missing = d.forecast(m, s)
		if value.Forecast != nil {
			expected = max(stable, *value.Forecast)
		}
	}
	planned := 0.0
	if missing == "" {
		planned, missing = d.withHeadroom(m, s, now.value, expected)
	}
	if missing == "" && planned > maxValue {
		missing = badRange
	}
	if missing != "" {
		value.Missing = missing
		return value
	}
	value.Stabilized, value.Planned = &stable, &planned
	return value
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

// usedBy is what one variant has in use. A variant that runs no replicas uses nothing; of any other, no result says nothing.
func (d *decision) usedBy(v, s, query int, found, present *reading) (value float64, missing string) {
	var fraction float64
	switch {
	case found.bad != "":
		return 0, d.inputs[query].Name + ": " + found.bad
	case present != nil:
		fraction = found.sumOf(present)
	case len(found.samples) > 0:
		fraction = found.sum()
	default:
		if current := d.current(v); current == nil || *current > 0 {
			return 0, noResult
		}
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
		if agrees(id, served.Model, labels) {
			d.inputs[query].Matched++
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
