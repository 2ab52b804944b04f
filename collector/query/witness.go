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
	b.Silent = p.ask(b.Key()+".silent", p.Config.SilentSources(&b.Signal))
	if b.Silent != nil {
		b.Silent.Sparse = b.Silent.Rule == "" // A rule records a series that is always there.
	}
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
