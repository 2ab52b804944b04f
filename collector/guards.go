package collector

import (
	"fmt"
	"math"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// What the guards know of the past is asked of Prometheus like everything else: a restart changes nothing, two exporters agree,
// and a replay sees what was seen then.

// boundLimit is a limit on change, and where the replicas over its time are found.
type boundLimit struct {
	*config.ChangeLimit
	query int
	most  bool // of the time, and not the fewest
}

// bindGuards asks for what the limits on change and the failsafes of a model go by.
func (p *program) bindGuards(m *boundModel) {
	m.up, m.down = p.bindLimit(m.ScaleUpLimit, false), p.bindLimit(m.ScaleDownLimit, true)
	for v := m.first; v < m.behind; v++ {
		x := &p.variants[v]
		x.stuck = p.askStuck(time.Duration(*x.ProvisionTimeout), time.Duration(*m.ProvisionCooldown))
		x.watched = none
		if x.Failsafe == nil {
			continue
		}
		x.watched = p.askWatched(x.Failsafe.After)
		for _, s := range m.signals {
			x.usable = append(x.usable, p.askUsable(s.ActiveSignal, x.Failsafe.After))
		}
	}
}

// bindLimit asks for the fewest or the most replicas over the time of a limit: the change that it bounds is that against any
// moment of it.
func (p *program) bindLimit(limit *config.ChangeLimit, most bool) boundLimit {
	if limit == nil || p.current == none {
		return boundLimit{query: none}
	}
	extreme, step := "min", pastStep(time.Duration(*limit.Per))
	if most {
		extreme = "max"
	}
	query := p.askText(
		fmt.Sprintf("scale_targets.current.%s_%s", extreme, *limit.Per),
		fmt.Sprintf("%s_over_time((%s)[%s:%s])", extreme, p.config.ScaleTargets.Current, *limit.Per, step),
	)
	return boundLimit{limit, query, most}
}

// pastStep is the step at which the past of replicas is looked at: a tenth of the time, in whole seconds, between 1 s and 1 min.
func pastStep(over time.Duration) config.Duration {
	return config.Duration(min(max((over/10).Truncate(time.Second), time.Second), time.Minute))
}

// askStuck asks which scale targets have wanted more replicas, throughout the provision timeout, than were ready at any moment of
// it, and for how many were. A verdict counts for the cooldown. There is none without the whole timeout of history, nor while pods
// are replaced by newer ones, of which some are always not ready.
func (p *program) askStuck(timeout, cooldown time.Duration) int {
	if p.current == none || p.ready == none || timeout == 0 {
		return none
	}
	step := pastStep(timeout)
	window := config.Duration(timeout) + step // so that the first moment in it is a timeout ago, or longer
	target := fmt.Sprintf("on (%s, %s, %s)", p.config.Labels.Namespace, config.LabelTargetKind, config.LabelTargetName)
	over := func(function string, e config.Expr) string {
		return fmt.Sprintf("%s_over_time((%s)[%s:%s])", function, e, window, step)
	}
	targets := p.config.ScaleTargets
	verdict := fmt.Sprintf("(%s < %s %s) and %s (%s >= %d)",
		over("max", targets.Ready), target, over("min", targets.Current), target, over("count", targets.Current), window/step)
	if !targets.Rolling.IsZero() {
		verdict += fmt.Sprintf(" unless %s %s", target, over("count", targets.Rolling))
	}
	query := p.askText(
		fmt.Sprintf("scale_targets.stuck_%s_%s", config.Duration(timeout), config.Duration(cooldown)),
		fmt.Sprintf("last_over_time((%s)[%s:%s])", verdict, config.Duration(cooldown), min(step, pastStep(cooldown))),
	)
	p.queries[query].sparse = true
	return query
}

// askWatched asks which scale targets were known throughout a time: Prometheus was there to ask then.
func (p *program) askWatched(over config.Duration) int {
	if p.current == none {
		return none
	}
	step := pastStep(time.Duration(over))
	return p.askText(
		fmt.Sprintf("scale_targets.current.known_%s", over),
		fmt.Sprintf("count_over_time((%s)[%s:%s]) >= %d", p.config.ScaleTargets.Current, over+step, step, (over+step)/step),
	)
}

// askUsable asks whether anything usable was known of a signal over a time.
func (p *program) askUsable(s config.ActiveSignal, over config.Duration) moment {
	ask := func(form string, e config.Expr) int {
		if e.IsZero() {
			return none
		}
		return p.askText(
			fmt.Sprintf("%s.%s.usable_%s", s.Key(), form, over),
			fmt.Sprintf("count_over_time((((%s) >= 0) < +Inf)[%s:%s])", e, over, resolution(time.Duration(over))),
		)
	}
	if !s.Latency.IsZero() {
		return moment{ask("latency", s.Latency), none, none}
	}
	return moment{ask("demand", s.Demand), ask("usage", s.Usage), none}
}

// state is what the guards know beside the problem.
func (d *decision) state() optimizer.State {
	s := optimizer.State{Borrow: map[string]float64{}}
	for i := range d.program.budgets {
		if value, missing := d.single(d.program.budgets[i].borrow); missing == "" {
			s.Borrow[d.program.budgets[i].Name] = value
		}
	}
	for m := range d.program.models {
		model := &d.program.models[m]
		out := optimizer.ModelState{Knowledge: d.known[m]}
		for v := model.first; v < model.behind; v++ {
			out.Variants = append(out.Variants, d.variantState(m, v))
		}
		s.Models = append(s.Models, out)
	}
	return s
}

func (d *decision) variantState(m, v int) optimizer.VariantState {
	model, f := &d.program.models[m], &d.facts[v]
	out := optimizer.VariantState{Current: f.current, Ready: f.ready, Unknown: f.missing != "", Stuck: f.stuck}
	if f.current == nil {
		return out
	}
	if limit := model.up; limit.ChangeLimit != nil {
		fewest := min(*f.current, d.extreme(limit, v))
		most := fewest + allowed(limit, fewest)
		out.Most = &most
	}
	if limit := model.down; limit.ChangeLimit != nil {
		most := max(*f.current, d.extreme(limit, v))
		fewest := max(0, most-allowed(limit, most))
		out.Fewest = &fewest
	}
	if d.known[m] == optimizer.KnownNothing && d.failsafeDue(m, v) {
		out.Failsafe = d.program.variants[v].Failsafe.Replicas
	}
	return out
}

// extreme is the fewest or the most replicas over the time of a limit, and the present ones where no past is known.
func (d *decision) extreme(limit boundLimit, v int) int {
	if d.running != nil {
		x := &d.program.variants[v]
		fewest, most := d.running.Over(d.program.models[x.model].Namespace, x.Name, time.Duration(*limit.Per))
		if limit.most {
			return most
		}
		return fewest
	}
	if found := d.replicas(limit.query, v); found != nil {
		return *found
	}
	return *d.facts[v].current
}

// allowed is by how many replicas a number may change: the larger of the limit's bounds, and at least one.
func allowed(limit boundLimit, replicas int) int {
	change := 1
	if limit.Replicas != nil {
		change = max(change, *limit.Replicas)
	}
	if limit.Percent != nil {
		change = max(change, int(math.Floor(float64(replicas)*(*limit.Percent/100))))
	}
	return change
}

// stuck is the number of replicas that a variant is capped at. More ready ones than those that were ready when it was last seen
// stuck say that replicas can be had again.
func (d *decision) stuck(v int, ready *int) *int {
	query := d.program.variants[v].stuck
	if query == none || d.running != nil {
		return nil
	}
	found := d.replicas(query, v)
	if found == nil || ready != nil && *ready > *found {
		return nil
	}
	return found
}

// failsafeDue says that nothing usable has been known of any signal of a model for as long as a variant's failsafe asks for, while
// Prometheus watched: it knew of the variant's replicas all the time, and does now.
func (d *decision) failsafeDue(m, v int) bool {
	x := &d.program.variants[v]
	if x.Failsafe == nil || d.facts[v].current == nil || x.watched == none || d.replicas(x.watched, v) == nil {
		return false
	}
	for s := range d.program.models[m].signals {
		if d.failed(x.usable[s]) || d.watched(m, s, x.usable[s]) {
			return false
		}
	}
	return true
}

// failed says that a moment could not be asked for.
func (d *decision) failed(q moment) bool {
	return q.demand != none && d.answers[q.demand].err != nil || q.usage != none && d.answers[q.usage].err != nil
}

// guardsFailed says why the guards know less than they should: empty where they know all.
func (d *decision) guardsFailed(m int) string {
	if d.unaged != "" {
		return d.unaged
	}
	if d.running != nil {
		return ""
	}
	model := &d.program.models[m]
	past := []int{model.up.query, model.down.query}
	for v := model.first; v < model.behind; v++ {
		past = append(past, d.program.variants[v].stuck)
	}
	for _, query := range past {
		if query != none && d.answers[query].err != nil {
			return d.inputs[query].failed()
		}
	}
	return ""
}
