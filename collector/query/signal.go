package query

import (
	"fmt"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Signal is a signal of one model with what answers it.
type Signal struct {
	config.ActiveSignal
	Place    int        // in Model.Signals
	Absolute Expression // the demand or latency form
	Usage    Expression
	Queued   Expression
	Alive    Expression
	Sources  Expression // how many sources tell the signal, by workload
	Silent   *Query     // sources that should tell it and do not
	Copies   *Query     // sources that are added up twice

	InputTokens, OutputTokens    *Query   // of the latency form
	InputCV, OutputCV            *History // of the latency form at full minutes, of which the last counts; nil where not given
	ObservedITL, ObservedRunning *Query   // of the latency form, where a profile is to be corrected
	Looks                        Looks    // where capacities are held against what replicas show

	Lead         time.Duration   // how far ahead demand is foreseen
	Seasons      []time.Duration // after which demand may repeat itself, in the order of Absolute.Seasons
	SharedSource bool            // another model of the namespace has the same signal, and nothing tells their sources apart
	NamesApart   bool            // a source that tells the signal by two names of the model counts twice
	Inputs       []string        // names of the queries and histories that the demand rests on
}

// Looks are what replicas showed over the last day, a look every five minutes: their load, and the quantiles of latency that a
// model's targets are about. What is not asked for is nil.
type Looks struct{ Load, TTFT, ITL *History }

// LooksFor is how far back capacities are compared with what replicas showed, LookStep the time between two looks.
const (
	LooksFor = day
	LookStep = 5 * time.Minute
)

// Form is how the configuration calls the expression that tells the demand.
func (s *Signal) Form() string {
	switch {
	case !s.Latency.IsZero():
		return "latency"
	case !s.ActiveSignal.Usage.IsZero():
		return "usage"
	}
	return "demand"
}

const (
	day  = 24 * time.Hour
	week = 7 * day

	// Headroom is measured on a day that ended up to 22 minutes ago: the time that is read for it, the level of demand before it, and the
	// step. The same is read a day and a week before.
	lessonDay  = day + 34*time.Minute
	lessonStep = time.Minute
	// The time that trend and noise are taken from, and the step.
	recentFor  = time.Hour + time.Minute
	recentStep = gridStep

	// A habit is read that much further: a rate over a minute shows all of what came only after a minute and a step.
	habitShown = 2 * time.Minute

	// NoticedAfter is the time from ready to noticed, in addition to the startup.
	NoticedAfter = time.Minute

	priceStep = 5 * time.Minute // at which it is looked for how long a price has lasted
)

func (p *compiler) bindSignal(m *config.Model, s config.ActiveSignal) *Signal {
	b := &Signal{ActiveSignal: s, Lead: leadOf(m)}
	p.bindLatency(m, b)
	p.bindLooks(m, b)
	key := s.Key()
	absolute := s.Demand
	if !s.Latency.IsZero() {
		absolute = s.Latency
	}
	ofModel, ofVariant := Reader{Owner: OfModel, Labels: s.Labels}, Reader{Owner: OfVariant, Labels: s.Labels}
	b.Absolute = p.overTime(key+"."+b.Form(), absolute, m, ofModel)
	b.Usage = p.overTime(key+".usage", s.Usage, m, ofVariant)
	if p.Targets.Told() && slices.ContainsFunc(m.Variants, func(v config.Variant) bool { return v.Startup > 0 }) {
		b.Absolute.Levels = p.levels(key+"."+b.Form(), absolute, ofModel)
		b.Usage.Levels = p.levels(key+".usage", s.Usage, ofVariant)
	}
	if b.Queued = p.nowAndIdle(key+".queued", s.Queued, m, ofModel); !b.Rate() {
		b.Queued = p.overTime(key+".queued", s.Queued, m, ofModel) // by how much it grew counts too
	}
	b.Alive = p.overTime(key+".alive", s.Alive, m, Reader{Owner: OfSource, Labels: s.Labels})
	if p.heldToQueue(m, b) {
		by := Reader{Owner: OfModel, Labels: b.Labels}
		b.Queued.Looks = p.readStep(key+".queued", s.Queued, LooksFor, LookStep, by)
		p.Targets.Ready.Looks = p.readStep("scale_targets.ready", p.Config.ScaleTargets.Ready, LooksFor, LookStep, Reader{Owner: OfTarget})
	}
	p.bindSources(m, b)
	p.bindForecast(key+"."+b.Form(), absolute, m, b)
	return b
}

// overTime asks for an expression now, and over what windows and idleness look back at.
func (p *compiler) overTime(name string, e config.Expr, m *config.Model, by Reader) Expression {
	x := p.nowAndIdle(name, e, m, by)
	x.Window = p.window(name, e, m, by)
	if after := overloadWindow(m); after > 0 && by.Owner != OfSource && !e.IsZero() {
		x.Overload = p.readStep(name, e, after, readyStep(m), by)
	}
	for i := range m.Variants {
		if timeout := time.Duration(*m.Variants[i].ProvisionTimeout); timeout > 0 && by.Owner != OfSource && p.Targets.Told() && !e.IsZero() {
			x.Starts = p.readStep(name, e, timeout+time.Duration(*m.ProvisionCooldown), StepOf(timeout), by)
		}
		if f := m.Variants[i].Failsafe; f != nil && by.Owner != OfSource {
			x.Failsafe = p.read(name, e, time.Duration(f.After), by)
		}
	}
	return x
}

// levels reads an expression over a day, for how often it crosses the levels at which another number of replicas is needed.
func (p *compiler) levels(name string, e config.Expr, by Reader) *History {
	if e.IsZero() {
		return nil
	}
	return p.readStep(name, e, day, lessonStep, by)
}

// nowAndIdle asks for an expression now, and over what idleness looks back at.
func (p *compiler) nowAndIdle(name string, e config.Expr, m *config.Model, by Reader) Expression {
	x := Expression{Now: p.ask(name, e)}
	if m.Fewest() == 0 {
		x.Idle = p.read(name, e, idleFor(m), by)
	}
	return x
}

// window reads an expression over the scale-down and scale-up windows: what has lasted for the one is looked for throughout the
// other.
func (p *compiler) window(name string, e config.Expr, m *config.Model, by Reader) *History {
	down, up := time.Duration(*m.ScaleDownWindow), time.Duration(*m.ScaleUpWindow)
	if e.IsZero() || down+up == 0 {
		return nil
	}
	return p.readStep(name, e, down+up, WindowStep(m), by)
}

// WindowStep is the step of the grid that a model's scale-down and scale-up windows are read on: the finer of the two.
func WindowStep(m *config.Model) time.Duration {
	step := longStep
	for _, window := range []time.Duration{time.Duration(*m.ScaleDownWindow), time.Duration(*m.ScaleUpWindow)} {
		if window > 0 {
			step = min(step, StepOf(window))
		}
	}
	return step
}

// bindLatency asks for what the queueing model needs, and, where a profile is to be corrected, for what replicas show.
func (p *compiler) bindLatency(m *config.Model, b *Signal) {
	key, by := b.Key(), Reader{Owner: OfModel, Labels: b.Labels, Median: true}
	b.InputTokens, b.OutputTokens = p.askMinute(key+".input_tokens", b.ActiveSignal.InputTokens, by), p.askMinute(key+".output_tokens", b.ActiveSignal.OutputTokens, by)
	b.InputCV, b.OutputCV = p.minute(key+".input_cv", b.ActiveSignal.InputCV, by), p.minute(key+".output_cv", b.ActiveSignal.OutputCV, by)
	if slices.ContainsFunc(m.Variants, func(v config.Variant) bool { return v.Profile != nil && v.Profile.Corrected() }) {
		b.ObservedITL = p.ask(key+".observed_itl", b.ActiveSignal.ObservedITL)
		b.ObservedRunning = p.ask(key+".observed_running", b.ActiveSignal.ObservedRunning)
	}
}

// bindLooks reads what capacities are held against.
func (p *compiler) bindLooks(m *config.Model, b *Signal) {
	s := &b.ActiveSignal
	if !m.SLO.Held() || s.ObservedLoad.IsZero() {
		return
	}
	key, by := b.Key(), Reader{Owner: OfVariant, Labels: b.Labels, Median: true}
	look := func(name, expr string) *History {
		h := p.history(key+"."+name, historyKey{expr: expr, step: LookStep, by: by})
		h.From = max(h.From, LooksFor)
		return h
	}
	quantile := func(name string, target config.Seconds, buckets config.Expr) *History {
		if target == 0 || buckets.IsZero() {
			return nil
		}
		// Of a replica without requests there is no quantile.
		return look(name, fmt.Sprintf("histogram_quantile(%v, %s) >= 0", *m.SLO.Quantile, buckets))
	}
	b.Looks.TTFT, b.Looks.ITL = quantile("observed_ttft", m.SLO.TTFT, s.ObservedTTFT), quantile("observed_itl", m.SLO.ITL, s.ObservedITLs)
	if b.Looks.TTFT != nil || b.Looks.ITL != nil {
		b.Looks.Load = look("observed_load", s.ObservedLoad.String())
	}
}

// heldToQueue reports whether capacities are compared with the queue: where there are series of it, and none of latency, which would say
// more.
func (p *compiler) heldToQueue(m *config.Model, b *Signal) bool {
	return b.Rate() && !b.ActiveSignal.Queued.IsZero() && b.Looks.Load == nil && m.SLO.Correctable() && b.Absolute.Levels != nil && !p.Config.ScaleTargets.Ready.IsZero()
}

// bindForecast reads what a forecast needs. It is for the time at which a replica ordered now is ready.
func (p *compiler) bindForecast(name string, e config.Expr, m *config.Model, b *Signal) {
	if e.IsZero() {
		return
	}
	by, lookback := Reader{Owner: OfModel, Labels: b.Labels}, time.Duration(*m.Forecast.Lookback)
	if b.Lead > 0 && m.Forecast.Method != config.ForecastNone {
		b.Absolute.Trend = p.read(name, e, lookback, by)
	}
	if b.Lead > 0 && m.Forecast.Method == config.ForecastSeasonal {
		for _, season := range []time.Duration{day, week} {
			if b.Lead < season {
				b.Seasons = append(b.Seasons, season)
				b.Absolute.Seasons = append(b.Absolute.Seasons, p.readSeason(name, e, season, lookback, b.Lead, by))
			}
		}
	}
	if m.Headroom.Measured(b.ActiveSignal) {
		held := time.Duration(*m.ScaleDownWindow)
		b.Absolute.Recent = p.readStep(name, e, recentFor+held, recentStep, by)
		b.Absolute.Day = p.readStep(name, e, day+lessonDay+held, lessonStep, by)
		b.Absolute.WeekAgo = p.readSince(name, e, week, lessonStep, lessonDay+held, leadOf(m)+NoticedAfter+habitShown, by)
	}
}

// readSeason reads what came a season ago, from lookback before this moment then to lead after it.
func (p *compiler) readSeason(name string, e config.Expr, season, lookback, lead time.Duration, by Reader) *History {
	return p.readSince(name, e, season, StepOf(max(lookback, lead)), lookback, lead, by)
}

// readSince reads what was some time ago, from before this moment then to after it.
func (p *compiler) readSince(name string, e config.Expr, season, step, before, after time.Duration, by Reader) *History {
	expr, rule := p.source(e)
	h := p.history(name+".history_"+config.Duration(season).String()+"_ago", historyKey{expr, step, season, by})
	h.Rule = rule
	if h.From == 0 {
		h.Until = season
	}
	h.From, h.Until = max(h.From, season+before), min(h.Until, season-after)
	return h
}

// leadOf is how far ahead a model's demand is foreseen: at least until the slowest of its variants is ready.
func leadOf(m *config.Model) time.Duration {
	return max(time.Duration(*m.Forecast.Lead), slowestStart(m))
}

// slowestStart is how long the slowest of a model's variants takes to start.
func slowestStart(m *config.Model) time.Duration {
	slowest := config.Duration(0)
	for i := range m.Variants {
		slowest = max(slowest, m.Variants[i].Startup)
	}
	return time.Duration(slowest)
}
