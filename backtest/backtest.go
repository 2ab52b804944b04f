// Package backtest runs a scenario under one or several policies, and holds what came of it against what is expected.
package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/product"
	"github.com/variant-exporter/variant-exporter/backtest/report"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Options are what to run.
type Options struct {
	Scenario *scenario.Scenario
	Config   *config.Config // nil: none, which leaves the policies that need none
	Policies []string       // the first is held against the expectations, unless the program itself is among them
	Seed     uint64
	Mode     sim.Mode
	Fill     float64          // how much of what it believes a replica to carry a policy fills, as a factor on what it does by itself; 0: 1
	Now      func() time.Time // measures how long decisions take; nil: they are not measured
	// Progress, if not nil, is told which policy runs, and the share of it that is done.
	Progress func(policy string, share float64)
}

// Run runs the policies one after the other, on the same requests.
func Run(ctx context.Context, o Options) (*report.Result, error) {
	base, err := o.base()
	if err != nil {
		return nil, err
	}
	s := o.Scenario
	result := &report.Result{
		Scenario: s.Name, Duration: time.Duration(s.Duration), Warmup: time.Duration(s.Warmup), Events: events(s),
		Policies: []report.Policy{}, Expect: []report.Expectation{},
	}
	result.Notes = append(append(result.Notes, mode(base.Mode)), gaps(s)...)
	judged := 0
	if i := slices.Index(o.Policies, policy.Product); i >= 0 {
		judged = i
	}
	for i, name := range o.Policies {
		r, err := o.run(ctx, name, base)
		if err != nil {
			return nil, fmt.Errorf("policy %s: %w", name, err)
		}
		result.Policies = append(result.Policies, report.Policy{
			Name: name, Score: r.Score, Timeline: r.Timeline, DecisionSeconds: r.DecisionMean.Seconds(), FailedStarts: r.FailedStarts,
		})
		result.Notes = append(result.Notes, fmt.Sprintf("%s: %.2f ms a decision; %d starts failed", name, r.DecisionMean.Seconds()*1e3, r.FailedStarts))
		if i == judged {
			result.Expect = Judge(s, r)
		}
	}
	return result, nil
}

// base is what the runs of all policies have in common.
func (o *Options) base() (sim.Options, error) {
	if len(o.Policies) == 0 {
		return sim.Options{}, errors.New("no policy to run")
	}
	if err := o.fits(); err != nil {
		return sim.Options{}, err
	}
	if o.Now == nil {
		o.Now = scenario.Start
	}
	if o.Fill == 0 {
		o.Fill = 1
	}
	s := o.Scenario
	arrivals := s.Arrive(o.Seed)
	base := sim.Options{Scenario: s, Arrivals: arrivals, Seed: o.Seed, Mode: sim.ModeFor(o.Mode, arrivals), Now: o.Now}
	base.Bounds = bounds(s, o.Config)
	if o.Config != nil {
		base.Budgets = product.Budgets(o.Config)
	}
	base.Setup = sim.SetupOf(base)
	if o.Config != nil {
		capacities := product.Capacities(o.Config)
		for i := range base.Setup.Variants {
			v := &base.Setup.Variants[i]
			v.Facts.Capacity = capacities[v.ID]
		}
	}
	return base, nil
}

// bounds are those of the configuration. A variant that it does not bound has at most what its pool holds.
func bounds(s *scenario.Scenario, c *config.Config) map[string]sim.Bounds {
	all := map[string]sim.Bounds{}
	if c != nil {
		all = product.Bounds(c)
	}
	for i := range s.Variants {
		v := &s.Variants[i]
		b, known := all[v.ID()]
		if !known {
			b.Max = -1
		}
		if *v.Accelerators > 0 && b.Max < 0 {
			b.Max = max(b.Min, s.Pools[v.Pool] / *v.Accelerators)
		}
		all[v.ID()] = b
	}
	return all
}

// mode says how requests were served.
func mode(m sim.Mode) string {
	if m == sim.Fluid {
		return "requests were served as a fluid, which knows no order within a second and no spread of lengths; PromQL ran on the engine"
	}
	return "requests were served one by one; PromQL ran on the engine"
}

// gaps says what is left out of the scores.
func gaps(s *scenario.Scenario) []string {
	var notes []string
	for i := range s.Load {
		left, times := time.Duration(0), s.Unrecorded(s.Load[i].Model)
		if s.Load[i].Trace == "" || len(times) == 0 {
			continue
		}
		for _, g := range times {
			left += g.To - g.From
		}
		notes = append(notes, fmt.Sprintf("%s: %d gaps of the recording and half an hour after each, together %s, are left out of what is said of service",
			s.Load[i].Trace, len(times), left.Round(time.Minute)))
	}
	return notes
}

// run runs one policy.
func (o *Options) run(ctx context.Context, name string, base sim.Options) (*sim.Result, error) {
	r, err := o.ready(ctx, name, base)
	if err != nil {
		return nil, err
	}
	if o.Progress != nil {
		r.Sim.Progress = func(share float64) { o.Progress(name, share) }
	}
	result, err := r.Sim.Run(ctx)
	return result, errors.Join(err, r.Close())
}

// Running is a fleet under a policy that has not begun to move.
type Running struct {
	Name    string
	Sim     *sim.Sim
	Product *product.Product // nil for other policies
}

// Close frees what the policy holds.
func (r *Running) Close() error {
	if r.Product == nil {
		return nil
	}
	return r.Product.Close()
}

// Prepare makes a fleet for each policy, all with the same requests. The caller closes them.
func Prepare(ctx context.Context, o Options) ([]*Running, error) {
	base, err := o.base()
	if err != nil {
		return nil, err
	}
	var all []*Running
	for _, name := range o.Policies {
		r, err := o.ready(ctx, name, base)
		if err != nil {
			for _, other := range all {
				err = errors.Join(err, other.Close())
			}
			return nil, fmt.Errorf("policy %s: %w", name, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// ready makes a fleet under a policy.
func (o *Options) ready(ctx context.Context, name string, one sim.Options) (*Running, error) {
	if name != policy.Product {
		p, err := policy.NewTuned(name, one.Setup, o.Fill)
		if err != nil {
			return nil, err
		}
		one.Policy = p
		return &Running{Name: name, Sim: sim.New(one)}, nil
	}
	if err := believe(o.Config, o.Fill); err != nil {
		return nil, err
	}
	p, err := product.New(ctx, o.Config, o.Now)
	if err != nil {
		return nil, err
	}
	one.Policy, one.Store, one.Wanted = p, p.Store, p.Wanted
	return &Running{Name: name, Sim: sim.New(one), Product: p}, nil
}

// fits reports a configuration and a scenario that are not about the same variants.
func (o *Options) fits() error {
	if !slices.Contains(o.Policies, policy.Product) {
		return nil
	}
	if o.Config == nil {
		return fmt.Errorf("policy %s needs a configuration", policy.Product)
	}
	var there []string
	for i := range o.Scenario.Variants {
		there = append(there, o.Scenario.Variants[i].ID())
	}
	for i := range o.Config.Models {
		m := &o.Config.Models[i]
		for j := range m.Variants {
			if id := m.Namespace + "/" + m.Variants[j].Name; !slices.Contains(there, id) {
				return fmt.Errorf("the configuration has the variant %s, the scenario has %s: names and namespaces must be equal", id, strings.Join(there, ", "))
			}
		}
	}
	return nil
}

func events(s *scenario.Scenario) []report.Event {
	var all []report.Event
	for i := range s.Events {
		e := &s.Events[i]
		all = append(all, report.Event{At: time.Duration(e.At), For: time.Duration(e.For), What: e.What()})
	}
	return all
}

// Judge holds a run against what the scenario expects.
func Judge(s *scenario.Scenario, r *sim.Result) []report.Expectation {
	judged := []report.Expectation{}
	named := s.Expect.Named()
	for _, name := range scoreNames() {
		if b := named[name]; b != nil {
			judged = append(judged, expectation(name, b, score(&r.Score, name)))
		}
	}
	for i := range s.Expect.Desired {
		x := &s.Expect.Desired[i]
		judged = append(judged, desired(s, r, x))
	}
	return judged
}

func scoreNames() []string {
	return []string{
		"slo_attainment", "unserved", "worst_hour", "cost", "cost_ratio", "replica_hours", "changes", "starts", "cancelled_starts",
		"short_lived", "short_minutes", "energy_kwh", "budget_violations",
	}
}

// score is a number of the scorecard; NaN where it does not apply.
func score(s *report.Score, name string) float64 {
	optional := func(v *float64) float64 {
		if v == nil {
			return math.NaN()
		}
		return *v
	}
	switch name {
	case "slo_attainment":
		return s.SLOAttainment
	case "unserved":
		return s.Unserved
	case "worst_hour":
		return s.WorstHour
	case "cost":
		return s.Cost
	case "cost_ratio":
		return optional(s.CostRatio)
	case "replica_hours":
		return s.ReplicaHours
	case "changes":
		return float64(s.Changes)
	case "starts":
		return float64(s.Starts)
	case "cancelled_starts":
		return float64(s.CancelledStarts)
	case "short_lived":
		return float64(s.ShortLived)
	case "short_minutes":
		return s.ShortMinutes
	case "energy_kwh":
		return optional(s.EnergyKWh)
	case "budget_violations":
		return float64(s.BudgetViolations)
	}
	return math.NaN()
}

// expectation judges a number. One that does not apply holds nothing.
func expectation(what string, b *scenario.Bounds, found float64) report.Expectation {
	e := report.Expectation{What: what, Holds: !math.IsNaN(found), Found: "does not apply"}
	if e.Holds {
		e.Found = strconv.FormatFloat(found, 'g', 6, 64)
	}
	if b.Min != nil {
		e.What += " >= " + strconv.FormatFloat(*b.Min, 'g', -1, 64)
		e.Holds = e.Holds && found >= *b.Min
	}
	if b.Max != nil {
		e.What += " <= " + strconv.FormatFloat(*b.Max, 'g', -1, 64)
		e.Holds = e.Holds && found <= *b.Max
	}
	return e
}

// desired judges what the autoscaler of a variant was last asked for at a time: while nothing is told, it holds.
func desired(s *scenario.Scenario, r *sim.Result, x *scenario.ExpectDesired) report.Expectation {
	found := math.NaN()
	for i := range s.Variants {
		if s.Variants[i].Name != x.Variant {
			continue
		}
		for _, w := range r.Wanted[s.Variants[i].ID()] {
			if w.At > time.Duration(x.At) {
				break
			}
			if w.Told {
				found = float64(w.Replicas)
			}
		}
	}
	e := expectation("desired of "+x.Variant+" at "+x.At.String(), &x.Bounds, found)
	if math.IsNaN(found) {
		e.Found = "none: nothing was told"
	}
	return e
}
