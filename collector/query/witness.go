package query

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// bindSources asks who tells a signal, by workload.
func (p *compiler) bindSources(m *config.Model, b *Signal) {
	if counted := p.Config.CountedSources(&b.Signal); !counted.IsZero() {
		b.Sources.Now = p.ask(b.Key()+".sources", p.Config.CountedEngines(&b.Signal))
		b.NamesApart = p.Config.NamesApart(m, &b.Signal)
		over := func(window, step time.Duration) *History {
			h := p.readStep(b.Key()+".sources", counted, window, step, Reader{Owner: OfWorkload, Labels: b.Labels})
			if step >= longStep {
				h.Until = Settled
			}
			return h
		}
		if window := SourcesWindow(m); window > 0 {
			b.Sources.Window = over(window, witnessStep(m))
		}
		if !b.Signal.Alive.IsZero() && !p.Config.ScaleTargets.Current.IsZero() {
			b.Sources.Hour = over(HourFor, longStep)
			b.Sources.Hour.Sparse = b.Sources.Hour != b.Sources.Window // A store that is new tells nothing of what was.
		}
	}
	b.Silent = p.ask(b.Key()+".silent", p.Config.SilentSources(&b.Signal))
	if b.Silent != nil {
		b.Silent.Sparse = b.Silent.Rule == "" // A rule records a series that is always there.
	}
	if b.Copies = p.ask(b.Key()+".copies", p.Config.CopiedSources(&b.Signal)); b.Copies != nil {
		b.Copies.Sparse = true
	}
}

// HourFor is how far it is looked back for more gateways than are asked for.
const HourFor = time.Hour

// SourcesWindow is how far back a window is held against who told it.
func SourcesWindow(m *config.Model) time.Duration {
	return time.Duration(*m.ScaleDownWindow + *m.ScaleUpWindow)
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
