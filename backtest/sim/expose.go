package sim

import (
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/store"
)

// exposer writes what servers, gateways and kube-state-metrics would show into a store. Only names that are asked for are written:
// others could change no answer.
type exposer struct {
	store    *store.Store
	wanted   map[string]bool
	ask      func(string) bool
	round    int
	at       int64
	live     []*line
	gateways map[string]seriesOf
	targets  map[string]seriesOf
	made     map[string]*line // by events
	spoiled  []*spoiling
	states   []kubeState // of kube-state-metrics, which may be late
	lag      float64
}

// line is a series with the round in which it was last shown.
type line struct {
	*store.Series
	labels labels.Labels
	round  int
}

// seriesOf are the series of one target, by name and what tells them apart.
type seriesOf map[string]*line

// spoiling is an event that changes series.
type spoiling struct {
	*happening
	matchers []*labels.Matcher
}

// kubeState is what kube-state-metrics knows at a moment.
type kubeState struct {
	at     float64
	values []kubeValue
}

type kubeValue struct {
	target, name string
	labels       []string
	value        float64
}

func newExposer(s *Sim) *exposer {
	x := &exposer{
		store: s.Store, wanted: map[string]bool{}, ask: s.Wanted,
		gateways: map[string]seriesOf{}, targets: map[string]seriesOf{}, made: map[string]*line{},
		lag: time.Duration(s.scenario.KSMLag).Seconds(),
	}
	for _, m := range s.models {
		for i := range m.Gateway.Replicas {
			x.gateways[gatewayPod(m, i)] = seriesOf{}
		}
	}
	return x
}

func (x *exposer) wants(name string) bool {
	want, known := x.wanted[name]
	if !known {
		want = x.ask == nil || x.ask(name)
		x.wanted[name] = want
	}
	return want
}

// scrape writes one sample of every series.
func (x *exposer) scrape(s *Sim) {
	x.round++
	x.at = scenario.Start().Add(seconds(s.now)).UnixMilli()
	for _, m := range s.models {
		for i := range m.Gateway.Replicas {
			x.gateway(s, m, i)
		}
	}
	shown := map[*variant]int{}
	for _, p := range s.pods {
		if p.state != ready && p.state != draining || p.server == nil {
			continue
		}
		if shown[p.v]++; shown[p.v] <= p.v.mute {
			continue
		}
		x.pod(p)
	}
	x.kube(s)
	x.makeSeries()
	kept := x.live[:0]
	for _, l := range x.live {
		if l.round == x.round {
			kept = append(kept, l)
			continue
		}
		l.End(x.at)
		l.round = 0
	}
	x.live = kept
	if x.round%240 == 0 {
		x.store.Trim(x.at)
	}
}

// put writes a sample. The labels are pairs of names and values; key tells the series of one name apart.
func (x *exposer) put(of seriesOf, name, key string, value float64, pairs ...string) {
	if !x.wants(name) {
		return
	}
	l := of[name+key]
	if l == nil {
		b := labels.NewScratchBuilder(len(pairs)/2 + 1)
		b.Add(prom.MetricNameLabel, name)
		for i := 0; i+1 < len(pairs); i += 2 {
			b.Add(pairs[i], pairs[i+1])
		}
		b.Sort()
		l = &line{labels: b.Labels()}
		of[name+key] = l
	}
	x.write(l, value)
}

func (x *exposer) write(l *line, value float64) {
	for _, e := range x.spoiled {
		if !e.matches(l.labels) {
			continue
		}
		switch {
		case e.Absent:
			return
		case e.Set != nil:
			value = *e.Set
		case e.Scale != nil:
			value *= *e.Scale
		}
	}
	if l.Series == nil || l.Gone() {
		l.Series = x.store.Add(l.labels)
	}
	l.Append(x.at, value)
	if l.round == 0 {
		x.live = append(x.live, l)
	}
	l.round = x.round
}

// spoil begins or ends a change of series.
func (x *exposer) spoil(h *happening, begin bool) {
	if begin {
		matchers, err := scenario.Matchers(h.Series)
		if err == nil { // the scenario has been checked
			x.spoiled = append(x.spoiled, &spoiling{h, matchers})
		}
		return
	}
	kept := x.spoiled[:0]
	for _, e := range x.spoiled {
		if e.happening != h {
			kept = append(kept, e)
		}
	}
	x.spoiled = kept
}

func (e *spoiling) matches(l labels.Labels) bool {
	for _, m := range e.matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// makeSeries writes the series that only an event has: those of a set that matched nothing.
func (x *exposer) makeSeries() {
	for _, e := range x.spoiled {
		if e.Set == nil || x.matched(e) {
			continue
		}
		key := e.Series.String()
		l := x.made[key]
		if l == nil {
			b := labels.NewScratchBuilder(len(e.matchers))
			for _, m := range e.matchers {
				if m.Type == labels.MatchEqual {
					b.Add(m.Name, m.Value)
				}
			}
			b.Sort()
			l = &line{labels: b.Labels()}
			x.made[key] = l
		}
		x.write(l, *e.Set)
	}
}

func (x *exposer) matched(e *spoiling) bool {
	for _, l := range x.live {
		if l.round == x.round && e.matches(l.labels) {
			return true
		}
	}
	return false
}
