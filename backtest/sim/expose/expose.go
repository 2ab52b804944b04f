// Package expose writes what the servers, gateways and kube-state-metrics of a simulated fleet show into a store. It takes the fleet as
// it is at a scrape, in plain values, and appends one sample to every series.
package expose

import (
	"math"
	"slices"
	"time"

	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/store"
)

// Exposer writes what there is to scrape into a store. Only names that are asked for are written: others could change no answer.
type Exposer struct {
	store    *store.Store
	wanted   map[string]bool
	ask      func(string) bool
	round    int
	at       int64
	live     []*line
	gateways map[string]*Target
	scaled   map[string]*Target // by variant
	made     map[string]*line   // by events
	spoiled  []*spoiling
	states   []kubeState // of kube-state-metrics, which may be late
	lag      float64
}

// Target is something that is scraped: its series, by name and what tells them apart. The zero value has shown nothing yet.
type Target struct{ series map[string]*line }

// line is a series with the round in which it was last shown.
type line struct {
	*store.Series
	labels labels.Labels
	round  int
}

// spoiling is an event that changes series.
type spoiling struct {
	*scenario.Event
	matchers []*labels.Matcher
}

// New makes an exposer that writes the names that are wanted, or all if that is nil. What kube-state-metrics shows is as old as the lag.
func New(to *store.Store, wanted func(name string) bool, lag time.Duration) *Exposer {
	return &Exposer{
		store: to, wanted: map[string]bool{}, ask: wanted,
		gateways: map[string]*Target{}, scaled: map[string]*Target{}, made: map[string]*line{},
		lag: lag.Seconds(),
	}
}

func (x *Exposer) wants(name string) bool {
	want, known := x.wanted[name]
	if !known {
		want = x.ask == nil || x.ask(name)
		x.wanted[name] = want
	}
	return want
}

// Scrape writes one sample of every series.
func (x *Exposer) Scrape(f *Fleet) {
	x.round++
	x.at = moment(f.At).UnixMilli()
	for i := range f.Models {
		for replica := range f.Models[i].Gateway.Replicas {
			x.gateway(&f.Models[i], i, replica)
		}
	}
	for i := range f.Pods {
		x.pod(&f.Pods[i])
	}
	x.kube(f)
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

// moment is a time in seconds since the start of a simulation.
func moment(at float64) time.Time {
	return scenario.Start().Add(time.Duration(math.Round(at * float64(time.Second))))
}

// targetOf is the target of a name.
func targetOf(all map[string]*Target, name string) *Target {
	if all[name] == nil {
		all[name] = &Target{}
	}
	return all[name]
}

// put writes a sample. The labels are pairs of names and values; key tells the series of one name apart.
func (x *Exposer) put(of *Target, name, key string, value float64, pairs ...string) {
	if !x.wants(name) {
		return
	}
	l := of.series[name+key]
	if l == nil {
		b := labels.NewScratchBuilder(len(pairs)/2 + 1)
		b.Add(prom.MetricNameLabel, name)
		for i := 0; i+1 < len(pairs); i += 2 {
			b.Add(pairs[i], pairs[i+1])
		}
		b.Sort()
		l = &line{labels: b.Labels()}
		if of.series == nil {
			of.series = map[string]*line{}
		}
		of.series[name+key] = l
	}
	x.write(l, value)
}

func (x *Exposer) write(l *line, value float64) {
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

// Spoil begins or ends an event that changes series.
func (x *Exposer) Spoil(e *scenario.Event, begin bool) {
	if begin {
		matchers, err := scenario.Matchers(e.Series)
		if err == nil { // the scenario has been checked
			x.spoiled = append(x.spoiled, &spoiling{e, matchers})
		}
		return
	}
	x.spoiled = slices.DeleteFunc(x.spoiled, func(s *spoiling) bool { return s.Event == e })
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
func (x *Exposer) makeSeries() {
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

func (x *Exposer) matched(e *spoiling) bool {
	for _, l := range x.live {
		if l.round == x.round && e.matches(l.labels) {
			return true
		}
	}
	return false
}
