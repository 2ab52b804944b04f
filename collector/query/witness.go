package query

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// bindSources asks who tells a signal, by workload.
func (p *compiler) bindSources(m *config.Model, b *Signal) {
	if counted := p.Config.CountedSources(&b.Signal); !counted.IsZero() {
		by := Reader{Owner: OfWorkload, Labels: b.Labels}
		b.Sources.Now = p.ask(b.Key()+".sources", p.Config.CountedEngines(&b.Signal))
		if window := time.Duration(*m.ScaleDownWindow + *m.ScaleUpWindow); window > 0 {
			b.Sources.Window = p.readStep(b.Key()+".sources", counted, window, witnessStep(m), by)
			if b.Sources.Window.Step >= longStep {
				b.Sources.Window.Until = Settled
			}
		}
	}
	p.bindHour(b)
	b.Silent = p.ask(b.Key()+".silent", p.Config.SilentSources(&b.Signal))
	if b.Silent != nil {
		b.Silent.Sparse = b.Silent.Rule == "" // A rule records a series that is always there.
	}
	if b.Copies = p.ask(b.Key()+".copies", p.Config.CopiedSources(&b.Signal)); b.Copies != nil {
		b.Copies.Sparse = true
	}
}

// HourStep is the step at which it is looked back for as many engines as pods have shown, within HourFor.
const (
	HourFor  = time.Hour
	HourStep = 10 * time.Minute
)

// bindHour asks how many engines pods showed over the last hour, and where a roll-out has changed that: where all of them have lost the same, the
// present shows nothing, nor does a window that began later. It is asked at few moments, since counting pods is costly.
func (p *compiler) bindHour(b *Signal) {
	hour := func(name string, e config.Expr, step time.Duration, by Reader) *History {
		if e.IsZero() {
			return nil
		}
		h := p.readStep(name, e, HourFor, step, by)
		if step == HourStep {
			h.Until, h.Seldom = Settled, true
		}
		return h
	}
	t := p.Config.ScaleTargets
	if b.Sources.Now == nil || t.Current.IsZero() {
		return
	}
	b.Sources.Hour = hour(b.Key()+".sources", p.Config.CountedEngines(&b.Signal), HourStep, Reader{Owner: OfWorkload, Labels: b.Labels})
	p.Targets.Rolling.Hour = hour("scale_targets.rolling", t.Rolling, longStep, Reader{Owner: OfTarget})
}

// witnessStep is the step at which sources are counted over the windows of a model. Counting pods is costly, and a few times a window is
// enough: of a window of five minutes or more, what has settled, and now. What is between the two is whole if the present is, until it has settled.
func witnessStep(m *config.Model) time.Duration {
	step := WindowStep(m)
	if time.Duration(*m.ScaleDownWindow) >= stepsOfInput*longStep {
		return max(step, longStep)
	}
	return step
}
