package sim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
)

// TestGapsAreLeftOut holds that a recording that stops and comes back at once is no failure of who decides: nothing of it counts, nor of
// the half hour after it.
func TestGapsAreLeftOut(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("t_seconds,req_per_s,active_clients,rate_weighted_cv2,mean_input_tokens,mean_output_tokens\n")
	for _, line := range []string{"0,10,9,1,914,155", "600,10,9,1,914,155", "1200,0,0,1,914,155", "1800,60,9,1,914,155", "2400,60,9,1,914,155", "3000,10,9,1,914,155", "3600,10,9,1,914,155", "4200,10,9,1,914,155"} {
		b.WriteString(line + "\n")
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "gap.csv"), []byte(b.String()), 0o600))
	s, found := scenario.Load(filepath.Join(dir, "gap.yml"), `
duration: 80m
models: [{model: llm/m, slo: {ttft: 2s}}]
load: [{model: llm/m, trace: gap.csv, patience: 60s}]
pools: {h100: 80}
variants: [{name: a, namespace: llm, model: m, pool: h100, accelerators: 4, cost: 11.8, replicas: 4, profile: {alpha: 16.28ms, beta: 0.1046ms, gamma: 0.0000001ms, max_batch: 116}}]
`)
	require.NotNil(t, s, "%v", found)
	for _, mode := range []sim.Mode{sim.Requests, sim.Fluid} {
		o := sim.Options{Scenario: s, Arrivals: s.Arrive(1), Seed: 1, Mode: mode, Policy: fixed{}}
		o.Setup = sim.SetupOf(o)
		r, err := sim.Run(t.Context(), o)
		require.NoError(t, err)
		require.InDelta(t, 1, r.Score.SLOAttainment, 1e-3, "the flood came in the half hour after the gap")
		require.InDelta(t, 20*60*10+20*60*10, r.Score.Requests, 5500, "twenty minutes before it, and twenty from half an hour after it")
		require.InEpsilon(t, 4*11.8*80/60, r.Score.Cost, 1e-6, "all of it is paid")
	}
}
