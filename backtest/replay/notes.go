package replay

import (
	"fmt"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// notes say how far to trust the numbers: what holds of every replay, and what was seen in this one.
func notes(r *Result, c *config.Config) []string {
	all := []string{
		"The load was measured under what ran. With more replicas queues would have been shorter, with fewer longer, and load that was turned away is not seen.",
		"Followed: autoscalers run at each step what was decided at it, beginning with what ran at the first step. A replica is ready after " +
			"the configured startup; that it comes late or never is not played.",
		"Cost is by the replicas asked for, ready or not, at the configured cost at that time.",
		"A shortfall is measured demand above what the ready replicas carry by their capacities, headroom not counted. Where requests queued " +
			"although there was room by the capacities, what was seen to be carried counts.",
	}
	for i := range r.Models {
		m := &r.Models[i]
		for j := range m.Variants {
			all = append(all, notesOn(r, m, &m.Variants[j], &c.Models[i].Variants[j])...)
		}
		all = append(all, notesOnSeen(m)...)
		if m.UnmeasuredMinutes > 0 {
			all = append(all, fmt.Sprintf("%s/%s: for %s minutes demand, capacities or ready replicas are not known: no shortfall is counted then, of either.",
				m.Namespace, m.Name, number(m.UnmeasuredMinutes)))
		}
	}
	for _, f := range r.Failures {
		all = append(all, fmt.Sprintf("Input %s had no usable answer at %d of %d steps: %s.", f.Input, f.Steps, r.Steps, f.Reason))
	}
	return all
}

// notesOnSeen say of each signal what its capacities are worth by what was seen.
func notesOnSeen(m *Model) []string {
	var all []string
	for i := range m.Signals {
		s := &m.Signals[i]
		switch {
		case s.CountedShare < 1:
			all = append(all, fmt.Sprintf("%s/%s: signal %s: requests queued although there was room by the capacities. No more than %s of them was seen to be carried: that counts.",
				m.Namespace, m.Name, s.Name, percent(s.SeenShare)))
		case m.Total.Followed.ExtrapolatedMinutes > 0 && s.SeenShare < 1:
			all = append(all, fmt.Sprintf("%s/%s: signal %s: replicas were seen to carry %s of their capacities at most. Whether they carry more, as followed asks for %s minutes, is not known.",
				m.Namespace, m.Name, s.Name, percent(s.SeenShare), number(m.Total.Followed.ExtrapolatedMinutes)))
		}
	}
	return all
}

func notesOn(r *Result, m *Model, v *Variant, c *config.Variant) []string {
	var all []string
	add := func(format string, args ...any) {
		all = append(all, fmt.Sprintf("%s/%s: ", m.Namespace, v.Name)+fmt.Sprintf(format, args...))
	}
	whole := r.minutes(r.Steps)
	switch {
	case v.UnknownMinutes >= whole:
		add("it is never known what ran: it is in neither account. Is kube-state-metrics scraped?")
	case v.UnknownMinutes > 0:
		add("for %s minutes it is not known what ran: they are in neither account.", number(v.UnknownMinutes))
	}
	if v.UnpricedMinutes > 0 {
		add("for %s minutes its cost is not known yet: they cost nothing in either account.", number(v.UnpricedMinutes))
	}
	if v.HeldMinutes > 0 {
		add("for %s minutes nothing could be decided, and what would have run stayed.", number(v.HeldMinutes))
	}
	if c.Startup == 0 {
		add("no startup is configured: its replicas count as ready at once.")
	}
	if _, draws := c.Uses[config.PowerUse]; draws && v.Total.Ran.EnergyKWh == nil && v.UnknownMinutes < whole {
		add("the power of a replica is never known: its energy is not counted.")
	}
	return all
}
