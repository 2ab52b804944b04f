package faults_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	backtest "github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
)

// fleetOf is a simulated fleet, as a scenario of the backtest has it. Names are in the namespace llm.
type fleetOf []modelOf

// modelOf is a model: requests of 200 and 600 tokens.
type modelOf struct {
	name     string
	rates    map[time.Duration]float64 // requests per second from each time on
	variants []variantOf
}

// variantOf is a variant of it. All have the same speed.
type variantOf struct {
	name                  string
	batch, replicas, most int
	startup               time.Duration
}

// length is more than any run takes.
const length = 90 * time.Minute

// start makes the fleet. Only calls of Scale change its replicas.
func (f fleetOf) start(t *testing.T, seed uint64) *sim.Sim {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "duration: %s\npools: {any: 1000}\nmodels:\n", length)
	for _, m := range f {
		fmt.Fprintf(&b, "  - {model: llm/%s}\n", m.name)
	}
	b.WriteString("load:\n")
	for _, m := range f {
		var points []string
		for _, at := range slices.Sorted(maps.Keys(m.rates)) {
			points = append(points, fmt.Sprintf("%dms: %g", at.Milliseconds(), m.rates[at]))
		}
		fmt.Fprintf(&b, "  - {model: llm/%s, shape: steps, points: {%s}, burstiness: 2, input_tokens: {mean: 200, cv: 0.3}, output_tokens: {mean: 600, cv: 0.3}}\n",
			m.name, strings.Join(points, ", "))
	}
	b.WriteString("variants:\n")
	bounds := map[string]sim.Bounds{}
	for _, m := range f {
		for _, v := range m.variants {
			bounds["llm/"+v.name] = sim.Bounds{Max: v.most}
			fmt.Fprintf(&b, "  - {name: %s, namespace: llm, model: %s, pool: any, cost: 1, startup: %dms, replicas: %d, kv_tokens: %d, "+
				"profile: {alpha: 25ms, beta: 0.04ms, gamma: 0.0007ms, max_batch: %d}}\n",
				v.name, m.name, v.startup.Milliseconds(), v.replicas, v.tokens(), v.batch)
		}
	}
	s, found := backtest.Load("fleet.yml", b.String())
	require.NotNil(t, s, "%v", found)
	o := sim.Options{Scenario: s, Arrivals: s.Arrive(seed), Seed: seed, Mode: sim.Requests, Policy: still{}, Bounds: bounds}
	o.Setup = sim.SetupOf(o)
	return sim.New(o)
}

// blockTokens is the size of a block of the cache.
const blockTokens = 16

func (v variantOf) tokens() int { return 200 * v.batch * blockTokens }

// blocks is how many blocks the cache of a variant has.
func (f fleetOf) blocks(name string) int {
	for _, m := range f {
		for _, v := range m.variants {
			if v.name == name {
				return v.tokens() / blockTokens
			}
		}
	}
	return 0
}

// still is the policy that changes nothing.
type still struct{}

func (still) Name() string                               { return "still" }
func (still) Desired(*policy.Observation) map[string]int { return nil }

// served is the name of a model without its namespace.
func served(id string) string { return id[strings.IndexByte(id, '/')+1:] }

// current is how many replicas there are of a variant, ready or not.
func current(v sim.VariantStatus) int { return v.Ready + v.Starting }
