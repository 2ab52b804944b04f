package query

import (
	"maps"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// asked lists the distinct queries among some.
func asked(queries ...*Query) []*Query {
	var kept []*Query
	for _, q := range queries {
		if q != nil && !slices.Contains(kept, q) {
			kept = append(kept, q)
		}
	}
	return kept
}

// queries lists what the demand of a signal rests on at the moment of an evaluation.
func (s *Signal) queries() []*Query {
	return asked(s.Absolute.Now, s.Usage.Now, s.Queued.Now, s.Alive.Now, s.Sources.Now, s.Silent, s.Copies, s.InputTokens, s.OutputTokens, s.ObservedITL, s.ObservedRunning)
}

// listInputs names, for every signal and variant, what it rests on.
func (p *compiler) listInputs() {
	for _, m := range p.Models {
		for _, s := range m.Signals {
			for _, q := range s.queries() {
				s.Inputs = append(s.Inputs, q.Name)
				s.Inputs = appendNames(s.Inputs, []*History{q.Minute})
			}
			for _, e := range []*Expression{&s.Absolute, &s.Usage, &s.Queued, &s.Alive, &s.Sources} {
				s.Inputs = appendNames(s.Inputs, e.histories())
			}
			for _, q := range asked(m.HeadroomTold.Query) {
				s.Inputs = append(s.Inputs, q.Name)
			}
			s.Inputs = appendNames(s.Inputs, []*History{s.InputCV, s.OutputCV, s.Looks.Load, s.Looks.TTFT, s.Looks.ITL, m.HeadroomTold.Past})
		}
	}
	for _, v := range p.Variants {
		for _, q := range v.queries(p.Program) {
			v.Inputs = append(v.Inputs, q.Name)
		}
		v.Inputs = appendNames(v.Inputs, v.histories())
		for _, e := range []*Expression{&p.Targets.Current, &p.Targets.Ready, &p.Targets.Rolling, &p.Targets.Unplaced, &p.Targets.Draining} {
			v.Inputs = appendNames(v.Inputs, e.histories())
		}
	}
}

func appendNames(names []string, histories []*History) []string {
	for _, h := range histories {
		if h != nil && !slices.Contains(names, h.Name) {
			names = append(names, h.Name)
		}
	}
	return names
}

// histories lists what is read about the variant itself over the input window, and about the minimum of its model.
func (v *Variant) histories() []*History {
	all := []*History{v.Cost.Past, v.Cost.Day, v.Min.Past, v.Model.Min.Past}
	for _, name := range slices.Sorted(maps.Keys(v.Uses)) {
		all = append(all, v.Uses[name].Past)
	}
	for _, q := range v.Capacities {
		all = append(all, q.Past)
	}
	return all
}

// queries lists what is asked about the variant itself: its cost, uses, capacities, minimums and replicas.
func (v *Variant) queries(p *Program) []*Query {
	all := []*Query{v.Cost.Query, v.Min.Query, v.Model.Min.Query}
	for _, name := range slices.Sorted(maps.Keys(v.Uses)) {
		all = append(all, v.Uses[name].Query)
	}
	for _, q := range v.Capacities {
		all = append(all, q.Query)
	}
	return asked(append(all, p.Targets.Current.Now, p.Targets.Ready.Now)...)
}

// limitAges says how old the samples behind the answers about signals and replicas may be. Prices, limits and capacities may be as
// old as Prometheus finds them: their sources are scraped seldom. Of signals that share a query the smallest age counts.
func (p *compiler) limitAges() {
	slow := map[string]bool{}
	for _, r := range p.recorded {
		slow[r.Name] = r.Minute
	}
	limit := func(queries []*Query, age config.Duration) {
		for _, q := range queries {
			most := time.Duration(age)
			if slow[q.Expr] {
				most += time.Minute // Its rule is evaluated once in that time.
			}
			if q.MaxAge == 0 || most < q.MaxAge {
				q.MaxAge = most
			}
		}
	}
	limit(asked(p.Targets.Current.Now, p.Targets.Ready.Now), *p.Config.MaxAge)
	for _, m := range p.Models {
		for _, s := range m.Signals {
			age := p.Config.MaxAge
			if s.MaxAge != nil {
				age = s.MaxAge
			}
			limit(s.queries(), *age)
		}
	}
}
