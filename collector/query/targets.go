package query

import (
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// bindTargets asks for what runs, and reads what the guards look back at: replicas over the time of limits on change, over the
// time after which a failsafe applies, and over the time in which a start must end. All variants share one history for a purpose.
func (p *compiler) bindTargets() {
	t := p.Config.ScaleTargets
	p.Targets.Current.Now = p.ask("scale_targets.current", t.Current)
	p.Targets.Ready.Now = p.ask("scale_targets.ready", t.Ready)
	var limits, failsafes, starts span
	for i := range p.Config.Models {
		m := &p.Config.Models[i]
		for _, limit := range []*config.ChangeLimit{m.ScaleUpLimit, m.ScaleDownLimit} {
			if limit != nil {
				limits.add(*limit.Per, 0)
			}
		}
		for j := range m.Variants {
			v := &m.Variants[j]
			if v.Failsafe != nil {
				failsafes.add(v.Failsafe.After, 0)
			}
			if *v.ProvisionTimeout > 0 && !t.Current.IsZero() && !t.Ready.IsZero() {
				starts.add(*v.ProvisionTimeout, *m.ProvisionCooldown)
				if m.Fewest() == 0 { // Ready for how long since it was woken.
					starts.add(*v.ProvisionTimeout, config.Duration(AwakeFor(m)))
				}
			}
		}
	}
	p.Targets.Current.Window = p.replicas("scale_targets.current", t.Current, limits)
	p.Targets.Current.Failsafe = p.replicas("scale_targets.current", t.Current, failsafes)
	p.Targets.Current.Starts = p.replicas("scale_targets.current", t.Current, starts)
	p.Targets.Ready.Starts = p.replicas("scale_targets.ready", t.Ready, starts)
	p.Targets.Rolling.Starts = p.replicas("scale_targets.rolling", t.Rolling, starts)
	p.bindPods(starts)
}

// awakeMost bounds how far it is looked back for when a model was woken: all replicas share that history, at short steps. Where a model must be
// idle for longer, the demand that woke it keeps it ready for all but its start.
const awakeMost = time.Hour

// AwakeFor is for how long a model that was woken stays ready, whatever its demand.
func AwakeFor(m *config.Model) time.Duration { return min(time.Duration(*m.IdleAfter), awakeMost) }

// bindPods reads how many pods have no node, and how many are being deleted, where what they use is limited, or where as many pods should tell
// a signal as are asked for; and which of those that are ready do not answer.
func (p *compiler) bindPods(starts span) {
	t := p.Config.ScaleTargets
	by := Reader{Owner: OfVariant, Labels: p.Config.Labels}
	by.Labels.Namespace = t.Labels.Namespace
	if !t.Unplaced.IsZero() && starts.window > 0 && p.Config.AnyVariant(func(v *config.Variant) bool { return v.Startup > 0 && *v.ProvisionTimeout > 0 }) {
		p.Targets.Unplaced.Starts = p.readStep("scale_targets.unschedulable", t.Unplaced, gridLeast+gridStep, gridStep, by)
	}
	if p.countsSources() {
		p.Targets.Silent = p.silentReady()
	}
	use := len(p.Config.Budgets) > 0 && p.Config.AnyVariant(func(v *config.Variant) bool { return len(v.Uses) > 0 })
	if !t.Draining.IsZero() && (use || starts.window > 0 && p.countsSources()) {
		p.Targets.Draining.Starts = p.readStep("scale_targets.draining", t.Draining, gridLeast, gridStep, by)
	}
}

// silentFor is for how long as many ready pods must not have answered: one that has just become ready is scraped a moment later.
const silentFor = 2 * time.Minute

// silentReady reads which ready pods do not answer, as often as sources are counted over the windows, and no oftener: it is a look at every pod.
func (p *compiler) silentReady() *History {
	e := p.Config.SilentReady()
	if e.IsZero() {
		return nil
	}
	step := longStep
	for i := range p.Config.Models {
		step = min(step, witnessStep(&p.Config.Models[i]))
	}
	by, until := Reader{Owner: OfVariant, Labels: p.Config.Labels}, time.Duration(0)
	if step == longStep {
		until = Settled
	}
	h := p.readStep("scale_targets.silent", e, until+silentFor, step, by)
	h.Until, h.Sparse, h.Seldom = until, true, step == longStep
	return h
}

// countsSources reports whether it is known who tells some signal.
func (p *compiler) countsSources() bool {
	return slices.ContainsFunc(p.Config.Models, func(m config.Model) bool {
		return slices.ContainsFunc(m.ActiveSignals(), func(s config.ActiveSignal) bool {
			return !p.Config.CountedSources(&s.Signal).IsZero()
		})
	})
}

// span is how far several users of one history look back, on the finest grid that one of them needs.
type span struct{ window, step time.Duration }

func (s *span) add(window, more config.Duration) {
	step := StepOf(time.Duration(window))
	if s.step == 0 || step < s.step {
		s.step = step
	}
	s.window = max(s.window, time.Duration(window+more))
}

func (p *compiler) replicas(name string, e config.Expr, s span) *History {
	if e.IsZero() || s.window == 0 {
		return nil
	}
	return p.readStep(name, e, s.window, s.step, Reader{Owner: OfTarget})
}
