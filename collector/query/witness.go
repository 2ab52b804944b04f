package query

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// bindSources asks who tells a signal, by workload.
func (p *compiler) bindSources(m *config.Model, b *Signal) {
	if counted := p.Config.CountedSources(&b.Signal); !counted.IsZero() {
		by := Reader{Owner: OfWorkload, Labels: b.Labels}
		b.Sources.Now = p.ask(b.Key()+".sources", counted)
		if window := time.Duration(*m.ScaleDownWindow + *m.ScaleUpWindow); window > 0 {
			b.Sources.Window = p.readStep(b.Key()+".sources", counted, window, witnessStep(m), by)
		}
	}
	b.Silent = p.ask(b.Key()+".silent", p.Config.SilentSources(&b.Signal))
	if b.Silent != nil {
		b.Silent.Sparse = true
	}
}

// witnessStep is the step at which sources are counted over the windows of a model. A few times a window is enough, and counting pods
// is costly.
func witnessStep(m *config.Model) time.Duration {
	step := WindowStep(m)
	if time.Duration(*m.ScaleDownWindow) >= stepsOfInput*longStep {
		return max(step, longStep)
	}
	return step
}
