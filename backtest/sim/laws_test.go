package sim_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
)

func load(t *testing.T, text string) *scenario.Scenario {
	t.Helper()
	s, found := scenario.Load("test.yml", text)
	require.NotNil(t, s, "%v", found)
	return s
}

// fixed is the policy that changes nothing.
type fixed struct{}

func (fixed) Name() string                               { return "fixed" }
func (fixed) Desired(*policy.Observation) map[string]int { return nil }

// run runs a scenario under a policy; an empty one changes nothing.
func run(t *testing.T, text, name string, mode sim.Mode, seed uint64) *sim.Result {
	t.Helper()
	s := load(t, text)
	o := sim.Options{Scenario: s, Arrivals: s.Arrive(seed), Seed: seed, Mode: mode}
	o.Setup = sim.SetupOf(o)
	o.Policy = fixed{}
	if name != "" {
		p, err := policy.New(name, o.Setup)
		require.NoError(t, err)
		o.Policy = p
	}
	r, err := sim.Run(t.Context(), o)
	require.NoError(t, err)
	return r
}

// wants is the policy that always wants the same.
type wants map[string]int

func (wants) Name() string                                 { return "wants" }
func (w wants) Desired(*policy.Observation) map[string]int { return w }

// random is the policy that knows nothing.
type random struct{ rng *rand.Rand }

func (random) Name() string { return "random" }

func (r random) Desired(o *policy.Observation) map[string]int {
	desired := map[string]int{}
	for i := range o.Variants {
		if r.rng.IntN(4) > 0 {
			desired[o.Variants[i].ID] = r.rng.IntN(9)
		}
	}
	return desired
}

// troubled is a fleet to which everything happens.
const troubled = `
duration: 40m
models: [{model: llm/m, slo: {ttft: 2s, itl: 150ms}, gateway: %s}]
load:
  - {model: llm/m, shape: steps, points: {0s: 6, 10m: 25, 30m: 2}, burstiness: 4, input_tokens: {mean: 600, cv: 1}, output_tokens: {mean: 120, cv: 0.5}, patience: 30s}
  - {model: llm/m, shape: spikes, rate: 20, every: 15m, length: 1m, input_tokens: 100, output_tokens: 10}
pools: {big: 12, small: 6}
variants:
  - {name: a, namespace: llm, model: m, pool: big, accelerators: 2, cost: 4, startup: 1m, startup_cv: 0.5, fails_to_start: 0.2, drain: 5s, replicas: 3, kv_tokens: 60000, profile: {alpha: 10ms, beta: 0.08ms, gamma: 0.00005ms, max_batch: 64, max_queue: 50}}
  - {name: b, namespace: llm, model: m, kind: StatefulSet, pool: small, cost: 1, startup: 30s, replicas: 1, profile: {alpha: 20ms, beta: 0.2ms, gamma: 0.0001ms, max_batch: 32}}
events:
  - {at: 5m, for: 1m, unready: a}
  - {at: 8m, crash: {variant: a, replicas: 1}}
  - {at: 12m, for: 5m, pool: big, accelerators: 4, evict: true, notice: 20s}
  - {at: 20m, rollout: a, surge: 1}
  - {at: 22m, rollout: b}
  - {at: 25m, for: 5m, autoscaler_stops: b, at_most: 2}
  - {at: 26m, for: 3m, slow: {variant: a, by: 2}}
`

// TestNothingIsLost holds that every request is served, refused, given up, lost with its server, or still under way, and that no
// more accelerators are ever used than there are, whatever happens and under any policy.
func TestNothingIsLost(t *testing.T) {
	for _, mode := range []sim.Mode{sim.Requests, sim.Fluid} {
		for _, gateway := range []string{"{replicas: 2}", "none"} {
			for seed := range uint64(6) {
				t.Run(fmt.Sprintf("%s/%s/%d", mode, gateway, seed), func(t *testing.T) {
					s := load(t, fmt.Sprintf(troubled, gateway))
					o := sim.Options{Scenario: s, Arrivals: s.Arrive(seed), Seed: seed, Mode: mode}
					o.Setup = sim.SetupOf(o)
					o.Policy = random{rand.New(rand.NewPCG(seed, 1))}
					r, err := sim.Run(t.Context(), o)
					require.NoError(t, err)
					require.Greater(t, r.Arrived, 10000.0)
					sum := r.Served + r.Refused + r.Impatient + r.Failed + r.Unbegun + r.InSystem
					require.InEpsilon(t, r.Arrived, sum, 1e-6, "%+v", r)
					for i := range r.Timeline.Cost {
						v := r.Timeline.Variants
						require.LessOrEqual(t, 2*(v[0].Ready[i]+v[0].Starting[i]+v[0].Draining[i]), 12.0)
						require.LessOrEqual(t, v[1].Ready[i]+v[1].Starting[i]+v[1].Draining[i], 6.0)
					}
				})
			}
		}
	}
}

func TestEqualSeedsGiveEqualRuns(t *testing.T) {
	text := fmt.Sprintf(troubled, "{replicas: 1}")
	for _, mode := range []sim.Mode{sim.Requests, sim.Fluid} {
		first, second := run(t, text, "rate-last", mode, 3), run(t, text, "rate-last", mode, 3)
		require.Equal(t, first.Score, second.Score)
		require.Equal(t, fmt.Sprint(first.Timeline), fmt.Sprint(second.Timeline)) // NaN are equal as texts
		other := run(t, text, "rate-last", mode, 4)
		require.NotEqual(t, first.Score.Requests, other.Score.Requests)
	}
}

// steady is a fleet under a constant load.
const steady = `
duration: 30m
warmup: 5m
models: [{model: llm/m, slo: {ttft: 2s, itl: 150ms}}]
load: [{model: llm/m, shape: constant, rate: %v, input_tokens: 914, output_tokens: 155, patience: 60s}]
pools: {h100: 80}
variants:
  - {name: a, namespace: llm, model: m, pool: h100, accelerators: 4, cost: 11.8, startup: 2m, replicas: 4, watts: 2000, idle_watts: 500, profile: {alpha: 16.28ms, beta: 0.1046ms, gamma: 0.0000001ms, max_batch: 116}}
`

// TestTheFluidAgreesWithSingleRequests compares the engines where they should agree: a steady load well within, near, and beyond what the
// fleet carries.
func TestTheFluidAgreesWithSingleRequests(t *testing.T) {
	for _, tc := range []struct {
		rate            float64
		served, latency float64 // relative differences that are allowed
	}{{8, 0.01, 0.15}, {20, 0.01, 0.15}, {26, 0.01, 0.2}, {45, 0.05, 0.25}} {
		t.Run(fmt.Sprint(tc.rate), func(t *testing.T) {
			text := fmt.Sprintf(steady, tc.rate)
			one, fluid := run(t, text, "", sim.Requests, 1), run(t, text, "", sim.Fluid, 1)
			require.Equal(t, one.Score.Requests, fluid.Score.Requests)
			require.InEpsilon(t, one.Served, fluid.Served, tc.served)
			require.InDelta(t, one.Score.SLOAttainment, fluid.Score.SLOAttainment, 0.03)
			require.InDelta(t, one.Score.Unserved, fluid.Score.Unserved, 0.03)
			require.InDelta(t, one.Score.TTFT.P50, fluid.Score.TTFT.P50, 0.15+0.03*one.Score.TTFT.P50)
			require.InEpsilon(t, one.Score.Cost, fluid.Score.Cost, 1e-9)
			require.InEpsilon(t, *one.Score.EnergyKWh, *fluid.Score.EnergyKWh, tc.latency)
		})
	}
}

// TestNumbers are results that can be worked out by hand.
func TestNumbers(t *testing.T) {
	t.Run("cost", func(t *testing.T) {
		r := run(t, fmt.Sprintf(steady, 8.0), "", sim.Requests, 1)
		require.InEpsilon(t, 4*11.8*0.5, r.Score.Cost, 1e-9) // four replicas for half an hour
		require.InEpsilon(t, 2, r.Score.ReplicaHours, 1e-9)
		require.InEpsilon(t, 2*11.8*0.5, r.OracleCost, 1e-9) // two of 7.5 requests per second would do
		require.Zero(t, r.Score.Changes)
	})
	t.Run("the batch of an idle server", func(t *testing.T) {
		r := run(t, fmt.Sprintf(strings.Replace(steady, "output_tokens: 155", "output_tokens: 2", 1), 0.05), "", sim.Requests, 1)
		// A prompt of 914 tokens alone: 16.28 + 914 x 0.1046 ms; the second token alone: 16.28 + 0.1046 ms.
		require.InEpsilon(t, 0.1119, r.Score.TTFT.P50, 0.03)
		require.InEpsilon(t, 0.01638, r.Score.ITL.P50, 0.03)
	})
	t.Run("beyond what the fleet carries", func(t *testing.T) {
		r := run(t, fmt.Sprintf(steady, 45.0), "", sim.Requests, 1)
		require.InEpsilon(t, 4*7.49, r.Served/1800, 0.05)
		require.InEpsilon(t, 30, r.Score.ShortMinutes, 1e-9)
	})
}

// TestStartup holds that what is ordered serves no sooner than after its startup, and what does not fit waits.
func TestStartup(t *testing.T) {
	s := load(t, `
duration: 20m
models: [{model: llm/m, slo: {ttft: 2s}}]
load: [{model: llm/m, shape: steps, points: {0s: 5, 5m: 40}, input_tokens: 914, output_tokens: 155, patience: 60s}]
pools: {h100: 16}
variants:
  - {name: a, namespace: llm, model: m, pool: h100, accelerators: 4, cost: 11.8, startup: 2m, replicas: 1, profile: {alpha: 16.28ms, beta: 0.1046ms, gamma: 0.0000001ms, max_batch: 116}}
autoscaler: {kind: hpa, sync: 15s, lag: 15s}
`)
	o := sim.Options{Scenario: s, Arrivals: s.Arrive(1), Seed: 1, Mode: sim.Requests, Policy: wants{"llm/a": 6}}
	o.Setup = sim.SetupOf(o)
	r, err := sim.Run(t.Context(), o)
	require.NoError(t, err)
	v := r.Timeline.Variants[0]
	require.InDelta(t, 1, v.Ready[1], 0, "ordered after 30 s, ready after 2 m more")
	require.InDelta(t, 3, v.Starting[1], 0)
	require.InDelta(t, 4, v.Ready[3], 0, "the pool has room for four")
	require.InDelta(t, 2, v.Pending[3], 0, "of the six that are wanted")
	require.NotNil(t, r.Score.RecoverySeconds)
	require.InDelta(t, 900, *r.Score.RecoverySeconds, 60, "four never carry it")
}
