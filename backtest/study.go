package backtest

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/report"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// StudyOptions are what to run several times.
type StudyOptions struct {
	// Load reads the files: each run changes its own. The configuration may be nil.
	Load     func() (*scenario.Scenario, *config.Config, error)
	Policies []string
	Seeds    []uint64
	Settings []Setting // none: as it is
	// Match are shares of requests within the targets. For each one the cheapest fill of each policy's replicas is sought that reaches it.
	Match []float64
	Mode  sim.Mode
	Now   func() time.Time
	// Progress, if not nil, is told of each run that is done, and of how many there are as far as is known. Calls do not overlap.
	Progress func(done, of int)
}

// study is one in progress.
type study struct {
	StudyOptions
	slots chan struct{} // of runs at the same time

	mu         sync.Mutex
	done, of   int
	notes      []string
	scenario   *scenario.Scenario
	judgements [][]report.Expectation // by seed
}

// RunStudy runs a scenario under several settings and seeds, as many runs at a time as there are processors.
func RunStudy(ctx context.Context, o StudyOptions) (*report.Study, error) {
	s := &study{StudyOptions: o, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
	if len(s.Settings) == 0 {
		s.Settings = []Setting{{fill: 1}}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sc, _, err := o.Load()
	if err != nil {
		return nil, err
	}
	s.scenario = sc
	s.judgements = make([][]report.Expectation, len(o.Seeds))
	targets := o.Match
	if len(targets) == 0 {
		targets = []float64{math.NaN()}
	}
	result := &report.Study{Scenario: sc.Name, Seeds: o.Seeds, Expect: []report.Expectation{}}
	var running sync.WaitGroup
	for _, setting := range s.Settings {
		for _, target := range targets {
			result.Settings = append(result.Settings, report.Setting{Name: named(setting, target), Policies: make([]report.Summary, len(o.Policies))})
		}
	}
	for i, setting := range s.Settings {
		for k, name := range o.Policies {
			running.Go(func() {
				p := &tried{study: s, setting: setting, policy: name, known: map[int]report.Summary{}}
				for j, target := range targets {
					summary, err := p.find(ctx, target)
					if err != nil {
						cancel(err)
						return
					}
					result.Settings[i*len(targets)+j].Policies[k] = summary
				}
			})
		}
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	result.Notes = s.notes
	if len(o.Settings) == 0 && len(o.Match) == 0 {
		result.Expect = s.overSeeds()
	}
	return result, nil
}

func named(s Setting, target float64) string {
	switch {
	case math.IsNaN(target):
		return s.Name
	case s.Name == "":
		return fmt.Sprintf("match=%g", target)
	}
	return fmt.Sprintf("%s match=%g", s.Name, target)
}

// tried is a policy under a setting, with what is known of its fills.
type tried struct {
	*study
	setting Setting
	policy  string
	known   map[int]report.Summary // by the place of the fill
}

// fills are those that are tried, from the cheapest on.
func fills() []float64 {
	return []float64{2, 1.8, 1.6, 1.5, 1.4, 1.3, 1.25, 1.2, 1.15, 1.1, 1.05, 1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1}
}

// find searches for the cheapest fill that reaches a share of requests within the targets, by halves: less in each replica is taken to
// serve no worse. Without a target it is the policy as it is.
func (p *tried) find(ctx context.Context, target float64) (report.Summary, error) {
	all := fills()
	if math.IsNaN(target) {
		return p.at(ctx, slices.Index(all, 1))
	}
	least, most := 0, len(all) // the answer is not before the one, and reached at the other
	for least < most {
		middle := (least + most) / 2
		s, err := p.at(ctx, middle)
		if err != nil {
			return s, err
		}
		if s.Mean["slo_attainment"] >= target {
			most = middle
		} else {
			least = middle + 1
		}
	}
	reached := most < len(all)
	s, err := p.at(ctx, min(most, len(all)-1))
	s.Fill, s.Reach = &all[min(most, len(all)-1)], &reached
	return s, err
}

// at runs the policy with a fill, on all seeds.
func (p *tried) at(ctx context.Context, place int) (report.Summary, error) {
	if s, ok := p.known[place]; ok {
		return s, nil
	}
	runs := make([]report.Policy, len(p.Seeds))
	errs := make([]error, len(p.Seeds))
	var running sync.WaitGroup
	for i, seed := range p.Seeds {
		running.Go(func() { runs[i], errs[i] = p.one(ctx, i, seed, fills()[place]) })
	}
	running.Wait()
	for i, err := range errs {
		if err != nil {
			return report.Summary{}, fmt.Errorf("%s, seed %d: %w", p.policy, p.Seeds[i], err)
		}
	}
	p.known[place] = report.Summarize(p.policy, runs)
	return p.known[place], nil
}

// one runs once, when there is a processor for it.
func (p *tried) one(ctx context.Context, place int, seed uint64, fill float64) (report.Policy, error) {
	p.began()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return report.Policy{}, context.Cause(ctx)
	}
	s, c, err := p.Load()
	if err != nil {
		return report.Policy{}, err
	}
	if p.setting.change != nil {
		if err := p.setting.change(s, c); err != nil {
			return report.Policy{}, err
		}
	}
	if !knows(p.policy) {
		fill *= p.setting.fill
	}
	r, err := Run(ctx, Options{Scenario: s, Config: c, Policies: []string{p.policy}, Seed: seed, Mode: p.Mode, Now: p.Now, Fill: fill})
	if err != nil {
		return report.Policy{}, err
	}
	p.ended(place, r)
	one := r.Policies[0]
	one.Timeline = nil
	return one, nil
}

// knows reports whether a policy knows what a replica carries, so that no belief of it can be wrong.
func knows(name string) bool {
	return name == "oracle" || name == "oracle-delayed" || name == "oracle-noise"
}

func (s *study) began() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of++
}

// ended keeps the results of a run that are not numbers: what is expected of the policy under test, and how requests were served.
func (s *study) ended(place int, r *report.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done++
	if s.Progress != nil {
		s.Progress(s.done, s.of)
	}
	for _, note := range r.Notes[:len(r.Notes)-1] { // the last one is of the policy
		if !slices.Contains(s.notes, note) {
			s.notes = append(s.notes, note)
		}
	}
	judged := s.Policies[0]
	if slices.Contains(s.Policies, policy.Product) {
		judged = policy.Product
	}
	if r.Policies[0].Name == judged {
		s.judgements[place] = r.Expect
	}
}

// overSeeds are the expectations over all seeds: each has to hold for every one.
func (s *study) overSeeds() []report.Expectation {
	var all []report.Expectation
	for i, judged := range s.judgements {
		for k, e := range judged {
			if i == 0 {
				all = append(all, e)
				continue
			}
			if all[k].Holds && !e.Holds {
				e.Found = fmt.Sprintf("%s, of seed %d", e.Found, s.Seeds[i])
				all[k] = e
			}
		}
	}
	return all
}
