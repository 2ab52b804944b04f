package decide

import (
	"fmt"
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// expectDemand works out one signal's demand: as it is, over its windows, by its forecast, with headroom.
func (d *decider) expectDemand(s *signal) {
	now := d.level(s)
	if now.Missing.NoResult() && s.OnMissing == config.OnMissingZero && s.read.Alive {
		switch {
		case s.read.Stray != "":
			now.Missing = match.Missing{Why: "no result, while there is demand that belongs to no model: " + s.read.Stray}
		case !d.read.Hollow.OK():
			now.Missing = match.Missing{Why: "no result, like " + d.read.Hollow.Input + ", which must have one"}
		case d.contradicted(s):
			now.Missing = match.Missing{Why: "no result, while series of it are told"}
		default:
			now, s.out.Assumed = match.Reading{}, true
		}
	}
	if !now.Missing.OK() {
		s.miss(now.Missing)
		s.counted() // Where all are silent, that is what there is to see.
		s.out.Ignored = now.Missing.NoResult() && s.OnMissing == config.OnMissingIgnore
		return
	}
	s.readServiceTime()
	backlog, missing := s.queued()
	if missing = s.twice().Or(missing); !missing.OK() {
		s.miss(missing)
		return
	}
	measured := now.Value
	if !s.Rate() {
		measured += backlog
	}
	s.out.Measured, s.backlog = &measured, backlog
	s.evens = d.besideRate(s)
	now.Value = s.lasting(now.Value, backlog, 0, s.filled())
	s.steady = d.expect(s, now)
	// Capacities by the queueing model are known only where there is something to plan for.
	planned := s.steady + backlog*float64(s.perReplica())/float64(*s.model.Backlog.Drain)
	if planned > match.MaxValue {
		s.silence(match.Missing{Why: match.BadRange})
		return
	}
	s.out.Planned = &planned
}

// miss notes why there is no demand.
func (s *signal) miss(missing match.Missing) {
	s.missing, s.out.Missing, s.out.Why = missing, missing.String(), missing.Why
}

// contradicted reports whether the demand of no model at all was answered, although there are samples of the series that it is made of: the
// expressions of presets have a result then. A demand of one's own may leave series out.
func (d *decider) contradicted(s *signal) bool {
	q := s.Absolute.Now
	if q == nil || !s.OfPreset() {
		return false
	}
	in := &d.read.Inputs[q.Place]
	return in.Err == nil && in.Age != nil && in.Series != nil && *in.Series == 0
}

// expect works out what to plan for. Where a part of the past is not known, what is known may still ask for more than there is,
// and never for less.
func (d *decider) expect(s *signal, now match.Reading) float64 {
	s.partial(d.fewerPods(s, now))
	s.partial(s.witness())
	if name := s.read.Respelt; name != "" && !s.byServers() { // Servers of another name are counted: they are others.
		s.partial(fmt.Sprintf("there is demand for %q, which no model is called: list it under match", name))
	}
	window, missing := s.past(func(x *match.Demand) match.Past { return x.Window })
	s.partial(missing.String())
	whole := s.withoutBacklog(s.whole(s.upToWindows(window)))
	now.Value, whole = s.evened(now.Value, whole)
	s.level = now.Value
	expected, fresh := now.Value, now.Value
	if missing.OK() {
		stable, why := s.stabilized(now.Value, whole, time.Duration(*s.model.ScaleDownWindow))
		s.partial(why)
		if why == "" {
			expected, s.out.Stabilized = stable, &stable
			fresh, _ = s.stabilized(now.Value, whole, min(acting, time.Duration(*s.model.ScaleDownWindow)))
		}
	}
	s.partial(s.history(d.read.At, window, whole))
	s.partial(s.day(window))
	ahead, missing := s.forecast()
	s.partial(missing.String())
	if ahead != nil {
		expected, fresh, s.out.Forecast = max(expected, *ahead), max(fresh, *ahead), ahead
	}
	planned, missing := d.withHeadroom(s, now.Value, expected, fresh)
	s.partial(missing.String())
	if expected > 0 {
		share := planned/expected - 1
		s.out.Headroom = &share
	}
	return planned
}

// upToWindows is the part of a history that the windows look at, and the step before them: others may have asked for more of it.
func (s *signal) upToWindows(h forecast.History) forecast.History {
	windows := time.Duration(*s.model.ScaleDownWindow) + time.Duration(*s.model.ScaleUpWindow)
	return forecast.History{Step: h.Step, Since: h.Since, Values: h.Over(windows + 2*h.Step)}
}

// day says why the demand of the last day is not known, which what comes back is found in. A day without any result, while there is a
// window with some, is no day.
func (s *signal) day(window forecast.History) string {
	levels, missing := s.past(func(x *match.Demand) match.Past { return x.Levels })
	switch {
	case !missing.OK():
		return missing.String()
	case len(levels.Values) > 0 && forecast.None(levels.Values) && window.At(levels.Since) > 0:
		return "no result over the last day, though there is one over the window"
	}
	return ""
}

// partial notes why the demand may be more than what is known of it. The first reason counts.
func (s *signal) partial(why string) {
	if s.out.Partial == "" {
		s.out.Partial = why
	}
}

// level is the demand as it is now, without what waits.
func (d *decider) level(s *signal) match.Reading {
	if s.Absolute.Given() {
		return s.read.Absolute.Now
	}
	return d.used(s)
}

// used is a demand that shows as the part of each variant's capacity that is in use.
func (d *decider) used(s *signal) match.Reading {
	var total match.Reading
	anything, unknown := false, false
	for i, v := range s.model.variants {
		now := s.read.Usage[i].Now
		total.Pods += now.Pods
		if !v.Capacities[s.Place].Set {
			continue // of another role: it serves nothing of this signal
		}
		if now.Missing.NoResult() && !serves(&v.read.Replicas) {
			now = match.Reading{} // a variant without a ready replica uses nothing
		}
		if now.Missing.OK() && now.Value > 0 {
			capacity := v.toldCapacity(s)
			now.Value, now.Missing = now.Value*capacity.Number, capacity.Missing
		}
		if !now.Missing.OK() && !now.Missing.NoResult() {
			return match.Reading{Missing: now.Missing}
		}
		anything = anything || now.Missing.OK()
		unknown = unknown || now.Missing.NoResult()
		total.Value += now.Value
	}
	if unknown || !anything {
		return match.Reading{Missing: match.Missing{Why: match.NoResult}}
	}
	return total
}

// past is the demand over time. Of the usage form it is what was in use at each step, by today's capacities.
func (s *signal) past(of func(*match.Demand) match.Past) (forecast.History, match.Missing) {
	if s.Absolute.Given() {
		p := of(&s.read.Absolute)
		return p.History, p.Missing
	}
	var parts []forecast.History
	for i, v := range s.model.variants {
		if !v.Capacities[s.Place].Set {
			continue
		}
		p := of(&s.read.Usage[i])
		if !p.Missing.OK() {
			return forecast.History{}, p.Missing
		}
		capacity := v.toldCapacity(s)
		if !capacity.Missing.OK() {
			if forecast.Most(p.Values) > 0 {
				return forecast.History{}, capacity.Missing
			}
			capacity.Number = 0
		}
		h := p.Scale(capacity.Number)
		if !serves(&v.read.Replicas) {
			unknownIsZero(h)
		}
		parts = append(parts, h)
	}
	return forecast.Sum(parts...), match.Missing{}
}

// unknownIsZero is for a variant without a ready replica, which uses nothing.
func unknownIsZero(h forecast.History) {
	for i, v := range h.Values {
		if math.IsNaN(v) {
			h.Values[i] = 0
		}
	}
}

// stabilized is the demand after the windows. The windows look at fixed moments of the past, so what is measured now counts too,
// unless a rise must last before it counts.
func (s *signal) stabilized(now float64, window forecast.History, down time.Duration) (value float64, partial string) {
	up := time.Duration(*s.model.ScaleUpWindow)
	if down == 0 && up == 0 {
		return now, ""
	}
	past := window.Stable(up, down)
	switch {
	case math.IsNaN(past) && down > 0 && !math.IsNaN(window.At(down)):
		return 0, "no result over the window, though there was one before it"
	case math.IsNaN(past):
		return now, "" // nothing is older than the present
	case up > 0:
		return past, ""
	}
	return max(now, past), ""
}

// fewerPods says that fewer pods tell their demand than are ready: the busiest are the first to miss a scrape.
func (d *decider) fewerPods(s *signal, now match.Reading) string {
	if now.Pods == 0 {
		return ""
	}
	ready := 0
	for _, v := range s.model.variants {
		if n := v.read.Replicas.Ready.N; n != nil && v.Carries(s.Signal) {
			ready += *n
		}
	}
	if now.Pods < ready {
		return fmt.Sprintf("%d of %d ready replicas tell their demand", now.Pods, ready)
	}
	return ""
}

// forecast is the largest of the forecasts that there is history for; nil where there is none.
func (s *signal) forecast() (value *float64, missing match.Missing) {
	x, lookback := &s.read.Absolute, time.Duration(*s.model.Forecast.Lookback)
	take := func(found float64, ok bool) {
		if ok && (value == nil || found > *value) {
			value = &found
		}
	}
	if !x.Trend.Missing.OK() {
		return nil, x.Trend.Missing
	}
	switch {
	case s.Absolute.Trend == nil:
	case s.model.Forecast.Method == config.ForecastLinear:
		take(x.Trend.Linear(lookback, s.Lead))
	case s.model.Forecast.Method == config.ForecastSeasonal:
		for i, then := range x.Seasons {
			if !then.Missing.OK() {
				return nil, then.Missing
			}
			take(forecast.Seasonal(x.Trend.History, then.History, s.Seasons[i], lookback, s.Lead))
		}
	}
	return value, match.Missing{}
}
