// Package store keeps the series of a simulated fleet in memory, for Prometheus' engine to answer from. It stands in for a TSDB,
// whose files and chunks would take longer than all the rest of a simulation.
package store

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
)

// Store holds series. It is not safe for concurrent use while it is being filled.
type Store struct {
	retention int64 // milliseconds
	byName    map[string][]*Series
	lose      float64
	down      bool
}

// New returns an empty store that keeps samples for a time.
func New(retention time.Duration) *Store {
	return &Store{retention: retention.Milliseconds(), byName: map[string][]*Series{}}
}

// Keep has samples kept for a time at least.
func (st *Store) Keep(retention time.Duration) {
	st.retention = max(st.retention, retention.Milliseconds())
}

// Series is one series. Samples are appended in the order of time.
type Series struct {
	samples
	labels labels.Labels
	hash   float64 // from 0 to 1, evenly
	stale  bool
	gone   bool // dropped: Add makes another
}

// Labels returns what identifies the series.
func (s *Series) Labels() labels.Labels { return s.labels }

// Add returns the series of the labels, which must have a name.
func (st *Store) Add(l labels.Labels) *Series {
	name := l.Get(model.MetricNameLabel)
	for _, s := range st.byName[name] {
		if labels.Equal(s.labels, l) {
			return s
		}
	}
	s := &Series{labels: l, hash: float64(l.Hash()>>11) / (1 << 53), stale: true}
	st.byName[name] = append(st.byName[name], s)
	return s
}

// Append adds a sample.
func (s *Series) Append(at int64, v float64) {
	s.samples = append(s.samples, sample{at, v})
	s.stale = false
}

// Gone reports whether the store no longer has the series.
func (s *Series) Gone() bool { return s.gone }

// End marks the series as gone, as a scrape does that no longer finds it.
func (s *Series) End(at int64) {
	if s.stale {
		return
	}
	s.Append(at, math.Float64frombits(value.StaleNaN))
	s.stale = true
}

// Trim drops samples that are older than the retention, and series that have none left.
func (st *Store) Trim(now int64) {
	oldest := now - st.retention
	for name, all := range st.byName {
		for _, s := range all {
			if n := s.search(oldest); n > len(s.samples)/2 {
				s.samples = slices.Clone(s.samples[n:])
			}
		}
		st.byName[name] = slices.DeleteFunc(all, func(s *Series) bool {
			s.gone = s.stale && len(s.samples) == 0
			return s.gone
		})
	}
}

// Clear forgets everything.
func (st *Store) Clear() {
	for _, all := range st.byName {
		for _, s := range all {
			s.samples, s.stale, s.gone = nil, true, true
		}
	}
	st.byName = map[string][]*Series{}
}

// Lose leaves a share of the series out of every answer, silently; 0: none.
func (st *Store) Lose(share float64) { st.lose = share }

// SetDown says whether the store answers at all.
func (st *Store) SetDown(down bool) { st.down = down }

// Down reports whether the store answers nothing.
func (st *Store) Down() bool { return st.down }

// Querier implements storage.Queryable.
func (st *Store) Querier(from, to int64) (storage.Querier, error) {
	return &querier{store: st, from: from, to: to}, nil
}

// find returns the series that match and have samples between two times, sorted by labels where that is asked for.
func (st *Store) find(from, to int64, sorted bool, matchers []*labels.Matcher) []*Series {
	var found []*Series
	for _, all := range st.candidates(matchers) {
		for _, s := range all {
			if n := len(s.samples); n == 0 || s.samples[n-1].t < from || s.samples[0].t > to || s.hash < st.lose {
				continue
			}
			if matches(s.labels, matchers) {
				found = append(found, s)
			}
		}
	}
	if sorted {
		slices.SortFunc(found, func(a, b *Series) int { return labels.Compare(a.labels, b.labels) })
	}
	return found
}

// candidates narrows the series down by name.
func (st *Store) candidates(matchers []*labels.Matcher) [][]*Series {
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return [][]*Series{st.byName[m.Value]}
		}
	}
	var all [][]*Series
	for _, series := range st.byName {
		all = append(all, series)
	}
	return all
}

func matches(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// names lists the values of a label, or with an empty name the names of labels.
func (st *Store) names(name string, matchers []*labels.Matcher) []string {
	var found []string
	for _, s := range st.find(math.MinInt64, math.MaxInt64, false, matchers) {
		s.labels.Range(func(l labels.Label) {
			switch name {
			case "":
				found = append(found, strings.Clone(l.Name))
			case l.Name:
				found = append(found, strings.Clone(l.Value))
			}
		})
	}
	slices.Sort(found)
	return slices.Compact(found)
}
