package faults_test

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/faults"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

var (
	oneSeed = flag.Uint64("faults.seed", 0, "run the schedule of this seed only")
	seeds   = flag.Uint64("faults.schedules", 0, "run the schedules of the seeds from 1 to this; by default 4, and 200 with TEST_LONG")
)

// TestSchedules runs schedules and holds every scrape of each to the rules.
func TestSchedules(t *testing.T) {
	first, last := uint64(1), long.Of[uint64](4, 200)
	switch {
	case *oneSeed != 0:
		first, last = *oneSeed, *oneSeed
	case *seeds != 0:
		last = *seeds
	}
	all := scenarios(t)
	for seed := first; seed <= last; seed++ {
		sc := all[seed%uint64(len(all))]
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newRun(t, sc, seed).run() })
		})
	}
	t.Logf("seeds %d to %d; run one again with -faults.seed=N", first, last)
}

// The parts of a run: nothing goes wrong, then what the schedule says, then nothing again until all of it is forgotten.
const (
	settle  = 4 * time.Minute
	trouble = 6 * time.Minute
	forget  = 13 * time.Minute // longer than the window and than Prometheus looks back for a sample, and as long as new replicas stay
)

// run is one schedule.
type run struct {
	*world
	step     time.Duration // between scrapes by Prometheus
	calm     time.Duration // from here on nothing goes wrong
	exporter *collector.Evaluator
}

func newRun(t *testing.T, sc *scenario, seed uint64) *run {
	r := &run{step: 15 * time.Second, calm: settle + trouble}
	o := faults.Options{From: settle, To: settle + trouble, Step: r.step}
	if seed%19 == 0 {
		r.step, r.calm = time.Minute, settle+65*time.Minute
		o = faults.Options{From: settle, To: r.calm, Step: r.step, Hour: true}
	}
	r.world = newWorld(t, sc, faults.NewSchedule(seed, o))
	r.exporter = r.connect()
	return r
}

func (r *run) run() {
	defer func() {
		if r.t.Failed() {
			r.t.Logf("%s (%s), at %s", r.schedule, r.scenario.name, r.now)
		}
	}()
	for now := time.Duration(0); now <= r.calm+forget; now += r.step {
		r.world.step(now)
		if watched := now >= settle && now < r.calm+time.Minute; !watched && now%time.Minute != 0 {
			continue // the exporter may be scraped less often while nothing goes wrong
		}
		at := time.Now()
		if x := r.schedule.Trouble(faults.Skew, now); x != nil {
			at = at.Add(x.Skew)
		}
		if r.schedule.Trouble(faults.NewExporter, now) != nil {
			r.exporter, r.gauges = nil, nil
			continue
		}
		if r.exporter == nil {
			r.exporter = r.connect()
		}
		got := scrape(r.t, r.exporter, at)
		r.gauges = got.desired
		r.bounded(got)
		r.agreed(got, at)
		r.justified(got, at)
		r.sufficient(got, at)
		r.watched(got, at)
	}
	r.forgotten()
}

// forgotten: at the end everything is as if nothing had gone wrong. What is planned for is the same, and so is what is desired, but for
// what a day is remembered for: which demand came back, and how long plans lived. A day with a gap knows less of that. Without it the
// numbers are the same, and with it there is enough for what is planned for.
func (r *run) forgotten() {
	at := time.Now()
	almost := cmpopts.EquateApprox(0.01, 0) // the tokens of what waits follow from the lengths of requests, means over longer than that
	decide := func(c *config.Config, of *store) *exposition { return scrape(r.t, newEvaluator(r.t, c, of), at) }
	got, truth := decide(r.scenario.config, r.seen), decide(r.scenario.config, r.truth)
	require.Equal(r.t, got.desired, r.gauges, "the exporter decides what one does that has just started")
	for m := range truth.Models {
		for i, want := range truth.Models[m].Signals {
			is := got.Models[m].Signals[i]
			require.Equal(r.t, []string{want.Partial, want.Missing}, []string{is.Partial, is.Missing})
			require.Empty(r.t, cmp.Diff([]*float64{want.Measured, want.Stabilized}, []*float64{is.Measured, is.Stabilized}, almost))
			if !r.scenario.learns {
				require.Empty(r.t, cmp.Diff(want.Planned, is.Planned, almost), "%s of %s", want.Name, truth.Models[m].Name)
			}
		}
	}
	planned := func(s collector.Signal) *float64 { return s.Planned }
	require.Empty(r.t, lacking(got, r.fleet.Status().Variants, got, planned))
	require.Equal(r.t, decide(r.scenario.forgetful, r.truth).desired, decide(r.scenario.forgetful, r.seen).desired)
}

// bounded: every gauge is a whole number within its bounds.
func (r *run) bounded(got *exposition) {
	for name, x := range got.desired {
		limits := r.scenario.bounds[name]
		require.True(r.t, x == math.Trunc(x) && x >= limits[0] && x <= limits[1], "%s is to have %g replicas", name, x)
	}
}

// agreed: what another exporter, that has just started, exposes at the same time is the same. Where no answer was spoilt it is
// also what the data alone say.
func (r *run) agreed(got *exposition, at time.Time) {
	if r.schedule.Trouble(faults.Restart, r.now) != nil {
		return
	}
	var other *exposition
	switch struck := len(r.answersSpoilt()); {
	case struck == 0:
		other = scrape(r.t, newEvaluator(r.t, r.scenario.config, r.seen), at)
	case r.now/r.step%3 == 0:
		other = scrape(r.t, r.connect(), at)
	default:
		return
	}
	if diff := cmp.Diff(other.text, got.text); diff != "" {
		r.t.Fatalf("two exporters differ:\n%s", diff)
	}
}

// justified: an exporter that did not get the answers there are lowers nothing for it. Where it did not get what a model's demand
// or capacities are, it lowers nothing of the model at all; otherwise what it lowers leaves enough for what it would have planned
// for.
func (r *run) justified(got *exposition, at time.Time) {
	down := r.schedule.Trouble(faults.Restart, r.now) != nil
	lowered := r.lowered(got)
	if len(lowered) == 0 || len(r.answersSpoilt()) == 0 && !down {
		return
	}
	spoilt := r.inputs(got)
	clean := scrape(r.t, newEvaluator(r.t, r.scenario.config, r.seen), at)
	for _, v := range lowered {
		for _, name := range essential(got, served(v.Model)) {
			if _, ok := spoilt[name]; ok || down {
				r.t.Fatalf("%s has %d replicas, is to have %g, would have %v if the answers had not been spoilt\nspoilt: %v",
					v.Name, v.Asked, got.desired[v.Name], clean.desired, spoilt)
			}
		}
	}
	require.Empty(r.t, lacking(got, lowered, clean, func(s collector.Signal) *float64 { return s.Planned }), "spoilt: %v", spoilt)
}

// essential are the inputs of a model without which nothing of it is lowered: its demand, as it is, over the window and as it is
// foreseen, and the capacities. Prices and limits only keep what depends on them where it is; of whether a source is up, it is enough
// that something is said.
func essential(x *exposition, name string) []string {
	var names []string
	for m := range x.Models {
		model := &x.Models[m]
		if model.Name != name {
			continue
		}
		for _, s := range model.Signals {
			for _, name := range s.Inputs {
				// Whether a queue stood is learnt from many looks: a few that are not known are none, and what is lowered must still be enough.
				if !strings.Contains(name, ".alive") && !strings.HasSuffix(name, ".queued.history") {
					names = append(names, name)
				}
			}
		}
		for v := range model.Variants {
			for _, name := range model.Variants[v].Inputs {
				if strings.Contains(name, ".capacity") {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// inputs names the inputs whose answers were spoilt.
func (r *run) inputs(got *exposition) map[string]faults.Fault {
	struck := r.answersSpoilt()
	names := map[string]faults.Fault{}
	for i := range got.Inputs {
		if fault, ok := struck[asked{got.Inputs[i].Query, strings.Contains(got.Inputs[i].Name, ".history")}]; ok {
			names[got.Inputs[i].Name] = fault
		}
	}
	return names
}

// lowered are the variants of which there are to be fewer than there are, as far as the exporter can know of them: while
// kube-state-metrics is away, what it last told counts as the present.
func (r *run) lowered(got *exposition) []sim.VariantStatus {
	known := map[string]int{}
	for m := range got.Models {
		for _, v := range got.Models[m].Variants {
			if v.Current != nil {
				known[v.Name] = *v.Current
			}
		}
	}
	var lowered []sim.VariantStatus
	for _, v := range r.fleet.Status().Variants {
		x, ok := got.desired[v.Name]
		if current, is := known[v.Name]; is && current < v.Asked {
			v.Asked = current
		}
		if ok && x < float64(v.Asked) {
			lowered = append(lowered, v)
		}
	}
	return lowered
}

// sufficient: where not everything was scraped, nothing is lowered below what carries the demand that there really is. Series
// that are not marked as stale count as the present for as long as Prometheus looks back.
func (r *run) sufficient(got *exposition, at time.Time) {
	lowered := r.lowered(got)
	if len(lowered) == 0 || r.seen == r.truth || r.scenario.delayed {
		return
	}
	times := []time.Time{at}
	if r.fresh.Before(at) {
		times[0] = r.fresh
	}
	if x := r.schedule.Trouble(faults.NoPod, r.now); x != nil && !x.Marked {
		times = append(times, r.start.Add(x.From-r.step))
	}
	var wrong string
	for _, at := range times {
		truth := scrape(r.t, newEvaluator(r.t, r.scenario.config, r.truth), at)
		if wrong = lacking(got, lowered, truth, func(s collector.Signal) *float64 { return s.Measured }); wrong == "" {
			return
		}
	}
	r.t.Fatal(wrong)
}

// watched: nothing is lowered by a Prometheus that knows of no model server and no gateway at the first of the steps that a window
// needs: seven of the eight of two minutes, which is at least four fifths.
func (r *run) watched(got *exposition, at time.Time) {
	lowered := r.lowered(got)
	if len(lowered) == 0 || r.seen == r.truth {
		return
	}
	known, err := r.seen.Query(r.t.Context(), `count(last_over_time({job=~"vllm|epp"}[5m] offset 90s))`, at)
	require.NoError(r.t, err)
	require.NotEmpty(r.t, known, "%v lowers with less history than the window", got.desired)
}

// lacking says where what is left of the models of which something is lowered does not carry a demand that another evaluation
// knows of, nor as much as that evaluation would have had it carry.
func lacking(got *exposition, lowered []sim.VariantStatus, other *exposition, demand func(collector.Signal) *float64) string {
	for m := range other.Models {
		model := &other.Models[m]
		if !slices.ContainsFunc(lowered, func(v sim.VariantStatus) bool { return served(v.Model) == model.Name }) {
			continue
		}
		for _, s := range model.Signals {
			if demand(s) == nil {
				continue
			}
			supply, enough := 0.0, 0.0
			for i := range model.Variants {
				v := &model.Variants[i]
				supply += capacity(v, s.Name) * replicas(got, v)
				enough += capacity(v, s.Name) * replicas(other, v)
			}
			if supply < min(*demand(s), enough) {
				return fmt.Sprintf("%s: %v carries %g of %g %s; %v would be right", model.Name, got.desired, supply, *demand(s), s.Name, other.desired)
			}
		}
	}
	return ""
}

// replicas are those to be had of a variant, or, where nothing is said, those there are.
func replicas(got *exposition, v *collector.Variant) float64 {
	if x, ok := got.desired[v.Name]; ok {
		return x
	}
	return float64(*v.Current)
}

func capacity(v *collector.Variant, signal string) float64 {
	for _, c := range v.Capacities {
		if c.Signal == signal {
			return c.Value
		}
	}
	return 0
}
