package match

import (
	"slices"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// alive reports whether the source of a signal is up, as far as a model is concerned.
func (r *reader) alive(m *query.Model, s *query.Signal) bool {
	if s.Alive.Now == nil || !r.failed(s.Alive.Now).OK() {
		return false
	}
	return slices.ContainsFunc(r.sources(s.Alive.Now, s.Labels), func(id identity) bool {
		return r.clock.over() || agrees(&id, m.Model, s.Labels) && (id.model != "" || !s.SharedSource)
	})
}

// sources lists what an answer says is up.
func (r *reader) sources(q *query.Query, labels config.LabelNames) []identity {
	key := readKey{query: q, labels: labels}
	if up, ok := r.up[key]; ok {
		return up
	}
	t := r.tally(q)
	t.strays = true
	var up []identity
	for i, s := range r.samples(q) {
		id := identify(s.Metric, labels)
		if slices.ContainsFunc(r.program.Models, func(m *query.Model) bool { return agrees(&id, m.Model, labels) }) {
			t.matched[i] = true
		}
		if value, bad := valueOf(s, ""); bad == "" && value > 0 {
			up = append(up, id)
		}
	}
	r.up[key] = up
	return up
}

// aliveOver is 1 at the steps at which the source of a signal was up, and 0 at the others.
func (r *reader) aliveOver(h *query.History, m *query.Model, s *query.Signal) Past {
	past := r.past(h, m.Place)
	least := float64(sourceUp)
	if s.SharedSource {
		least = sourceUpNamed
	}
	past.Values = slices.Clone(past.Values)
	for i, v := range past.Values {
		past.Values[i] = 0
		if v >= least {
			past.Values[i] = 1
		}
	}
	return past
}

// agrees reports whether no label of a series contradicts a model.
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

// past is what a history says of one owner.
func (r *reader) past(h *query.History, owner int) Past {
	if h == nil {
		return Past{}
	}
	if err := r.answers.Histories[h.Place].Err; err != nil {
		return Past{Missing: r.read.Inputs[r.historyInput(h)].failed()}
	}
	grid := &r.answers.Histories[h.Place].Grid
	past := Past{History: grid.History(owner, r.answers.At)}
	if last := grid.lastSpoilt(owner); last >= 0 {
		ago := past.Ago(last)
		past.spoilt = &ago
	}
	return past
}

// historyInput is the place of a history among the inputs.
func (r *reader) historyInput(h *query.History) int { return len(r.answers.Queries) + h.Place }

// filled is past, where a step without a result is zero while the source was up.
func (r *reader) filled(h *query.History, owner int, namespace string, alive forecast.History) Past {
	past := r.past(h, owner)
	if h != nil && past.Missing.OK() {
		past.History = r.answers.Histories[h.Place].Grid.filled(owner, namespace, r.answers.At, alive)
	}
	return past
}

// The numbers of a source's cells: it is up, by a series that names no model, or by the model's own name.
const (
	sourceUp      = 1
	sourceUpNamed = 2
)

// source marks the steps at which a source was up, for every model whose source it may be.
func (l *layer) source(s *stream) {
	up := float64(sourceUp)
	if s.id.model != "" {
		up = sourceUpNamed
	}
	for i, x := range l.program.Models {
		if !agrees(&s.id, x.Model, l.by.Labels) {
			continue
		}
		cells := l.cells(i)
		l.each(s, func(step int, value float64, bad string) {
			if bad == "" && value > 0 && !(cells[step] >= up) {
				cells[step] = up
			}
		})
	}
}
