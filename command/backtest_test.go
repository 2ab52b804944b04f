package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const backtestScenario = `
duration: 20m
models: [{model: llm/m, slo: {ttft: 2s}}]
load: [{model: llm/m, shape: steps, points: {0s: 5, 10m: 12}, input_tokens: 914, output_tokens: 155, patience: 60s}]
pools: {h100: 40}
variants:
  - {name: a, namespace: llm, model: m, pool: h100, accelerators: 4, cost: 10, startup: 1m, replicas: 1, profile: {alpha: 16.28ms, beta: 0.1046ms, gamma: 0.0000001ms, max_batch: 116}}
expect:
  desired: [{at: 8m, variant: a, max: 2}, {at: 15m, variant: a, min: 2, max: 4}]
`

const backtestConfig = `
signals: {rate: {unit: requests per second, demand: 'sum by (namespace, model_name) (rate(llm_d_epp_request_total[$rate_window]))'}}
models:
  - name: m
    namespace: llm
    variants: [{name: a, cost: 10, capacity: {rate: 7.53}, startup: 1m, replicas: {max: 10}}]
`

// backtestRun is the command as its users run it, on a scenario.
func backtestRun(t *testing.T, scenario string, args ...string) (code int, out, problems string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"s.yml": scenario, "c.yml": backtestConfig} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	var stdout, stderr bytes.Buffer
	all := append([]string{"backtest", "--scenario=" + filepath.Join(dir, "s.yml"), "--config.file=" + filepath.Join(dir, "c.yml")}, args...)
	code = Run(t.Context(), all, Streams{nil, &stdout, &stderr})
	return code, stdout.String(), stderr.String()
}

func TestBacktestJSON(t *testing.T) {
	code, out, problems := backtestRun(t, backtestScenario, "--format=json", "--policy=variant_exporter", "--policy=oracle")
	require.Zero(t, code, problems+out)
	var answer struct {
		Scenario string
		Policies []map[string]any
		Expect   []struct {
			What  string
			Holds bool
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	require.Equal(t, "s", answer.Scenario)
	require.Len(t, answer.Policies, 2)
	require.Equal(t, "variant_exporter", answer.Policies[0]["name"])
	require.Equal(t, "oracle", answer.Policies[1]["name"])
	for _, key := range []string{
		"slo_attainment", "unserved", "worst_hour", "cost", "cost_ratio_to_oracle", "replica_hours", "changes", "starts", "cancelled_starts",
		"short_lived", "short_minutes", "energy_kwh", "budget_violations",
	} {
		require.Contains(t, answer.Policies[0], key)
	}
	require.Len(t, answer.Expect, 2)
	require.True(t, answer.Expect[0].Holds)
}

func TestBacktestFailsWhereAnExpectationDoes(t *testing.T) {
	code, out, _ := backtestRun(t, backtestScenario+"  unserved: {min: 0.5}\n")
	require.Equal(t, exitFailure, code)
	require.Contains(t, out, "FAILED  unserved >= 0.5: 0")
	require.Contains(t, out, "ok      desired of a at 8m <= 2: ")
}

func TestBacktestModes(t *testing.T) {
	for mode, want := range map[string]string{"requests": "one by one", "fluid": "as a fluid"} {
		_, out, _ := backtestRun(t, backtestScenario, "--mode="+mode, "--policy=static")
		require.Contains(t, out, want)
	}
}

func TestBacktestRefuses(t *testing.T) {
	code, _, problems := backtestRun(t, backtestScenario+"events: [{at: 1h, crash: b}]\n")
	require.Equal(t, exitFailure, code)
	require.Contains(t, problems, "the event is after the end")
	require.Contains(t, problems, `unknown variant "b"`)
}

func TestBacktestCompares(t *testing.T) {
	code, out, problems := backtestRun(t, backtestScenario, "--format=json", "--policy=static", "--sweep=load=0.5,1", "--seeds=2")
	require.Zero(t, code, problems+out)
	var answer struct {
		Seeds    []uint64
		Settings []struct {
			Setting  string
			Policies []struct {
				Mean, Spread map[string]float64
				Runs         []map[string]any
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	require.Equal(t, []uint64{1, 2}, answer.Seeds)
	require.Len(t, answer.Settings, 2)
	require.Equal(t, "load=0.5", answer.Settings[0].Setting)
	require.Len(t, answer.Settings[0].Policies[0].Runs, 2)
	require.Less(t, answer.Settings[0].Policies[0].Mean["cost"], answer.Settings[1].Policies[0].Mean["cost"])
	for flag, want := range map[string]string{
		"--sweep=speed=2": "there is no", "--match=2": "--match must be above 0 and below 1", "--seeds=0": "--seeds must be from 1 to 1000",
	} {
		_, _, problems = backtestRun(t, backtestScenario, flag)
		require.Contains(t, problems, want)
	}
	_, _, problems = backtestRun(t, backtestScenario, "--seeds=2", "--format=html")
	require.Contains(t, problems, "--format must not be html")
}
