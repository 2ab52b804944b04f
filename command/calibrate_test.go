package command

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cannedHistory answers range queries of calibrate with what one pod shows whose load goes up and down, at one length of requests:
// 10 ms and 0.2 ms per request in service between tokens.
func cannedHistory(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number := func(name string) float64 {
			v, err := strconv.ParseFloat(r.FormValue(name), 64)
			assert.NoError(t, err)
			return v
		}
		expr := r.FormValue("query")
		var values []string
		for i, at := 0, number("start"); at <= number("end"); i, at = i+1, at+number("step") {
			n := 40 + 30*math.Sin(float64(i)/5)
			value := 0.0
			switch {
			case strings.Contains(expr, "stdvar"):
				value = n / 2
			case strings.Contains(expr, "running"):
				value = n - 0.5
			case strings.Contains(expr, "inter_token"):
				value = 0.01 + 2e-4*n
			case strings.Contains(expr, "prompt"):
				value = 1000
			case strings.Contains(expr, "generation"):
				value = 250
			case strings.Contains(expr, "first_token"):
				value = math.NaN()
			}
			values = append(values, fmt.Sprintf(`[%.3f,"%v"]`, at, value))
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"namespace":"llm","pod":"a-0"},"values":[%s]}]}}`,
			strings.Join(values, ","))
	}))
	t.Cleanup(server.Close)
	return server
}

// TestCalibrateHistory runs the command against a Prometheus.
func TestCalibrateHistory(t *testing.T) {
	name := filepath.Join(t.TempDir(), "config.yml")
	require.NoError(t, os.WriteFile(name, []byte(`
prometheus: {url: "`+cannedHistory(t).URL+`"}
models:
  - name: m
    namespace: llm
    presets: [vllm]
    signals: [concurrency]
    slo: {itl: 25ms}
    variants:
      - {name: a, scale_target: {kind: StatefulSet}, cost: 1, capacity: {concurrency: 1}}
`), 0o600))
	calibrate := func(args ...string) (code int, out, problems string) {
		var stdout, stderr bytes.Buffer
		code = Run(t.Context(), append([]string{"calibrate", "--config.file=" + name}, args...), Streams{nil, &stdout, &stderr})
		return code, stdout.String(), stderr.String()
	}
	code, out, problems := calibrate("--from=6h", "--step=2m")
	assert.Zero(t, code, problems)
	for _, want := range []string{
		"models:\n  - name: \"m\"\n    namespace: \"llm\"\n    variants:\n      - name: \"a\"\n",
		"# Seen: 180 observations; requests in service 10",
		"with itl within 25ms (the mean)", "bound by itl", "Warning: beta and gamma cannot be told apart",
	} {
		assert.Contains(t, out, want)
	}
	code, out, _ = calibrate("--from=2026-11-02T15:00:00Z", "--to=2026-11-02T16:00:00Z", "--step=1m", "--slo.itl=20ms", "--format=json")
	assert.Zero(t, code)
	assert.Contains(t, out, `"itl": 0.02`)
	code, _, problems = calibrate("--expr.itl=rate(")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, problems, "expression for itl")
	code, _, problems = calibrate("--replica-label=instance")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, problems, "running of a has no label instance")
}

// TestCSVOfThePage fits the results that docs/calibration.md shows.
func TestCSVOfThePage(t *testing.T) {
	text, err := os.ReadFile("../docs/calibration.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "    concurrency,input_tokens,")
	require.True(t, found)
	table, _, found := strings.Cut(rest, "\n\n")
	require.True(t, found)
	file := write(t, filepath.Join(t.TempDir(), "bench.csv"), strings.ReplaceAll("concurrency,input_tokens,"+table+"\n", "\n    ", "\n"))
	command, _, found := strings.Cut(string(text), "\n\n    concurrency,input_tokens,")
	require.True(t, found)
	args := strings.Fields(strings.Replace(command[strings.LastIndex(command, "    variant_exporter calibrate")+len("    variant_exporter "):], "bench.csv", file, 1))
	code, out, problems := runs(t, args...)
	require.Zero(t, code, "%s%s", out, problems)
	require.Contains(t, out, "requests per second a replica")
}

// TestCalibrateRefuses are flags that say nothing.
func TestCalibrateRefuses(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--slo.itl=-5ms"}, "a target is more than 0"},
		{[]string{"--slo.quantile=0.95"}, "--slo.quantile=0.95: of which target?"},
		{[]string{"--benchmark=a.json", "--benchmark=a.json"}, "--benchmark=a.json: given twice"},
	} {
		code, _, problems := runs(t, append([]string{"calibrate"}, tc.args...)...)
		assert.NotZero(t, code)
		assert.Contains(t, problems, tc.want)
	}
}

// guidellmReport is a report with a benchmark for each load, and one that failed.
func guidellmReport(loads ...float64) string {
	runs := []string{`{"metrics":{"request_concurrency":{"successful":null}}}`}
	for _, n := range loads {
		runs = append(runs, fmt.Sprintf(`{"config":{"strategy":{"type_":"concurrent"}},"metrics":{"request_concurrency":{"successful":{"mean":%g}},
"prompt_token_count":{"successful":{"mean":512}},"output_token_count":{"successful":{"mean":128}},
"time_to_first_token_ms":{"successful":{"mean":%g}},"inter_token_latency_ms":{"successful":{"mean":%g}}}}`, n, 25+n/2, 6+n/5))
	}
	return `{"benchmarks":[` + strings.Join(runs, ",") + `]}`
}

// TestCalibrateBenchmark gets a capacity of a report in which one benchmark failed, and one was of more than a batch.
func TestCalibrateBenchmark(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "benchmarks.json"), guidellmReport(1, 4, 8, 16, 32, 64, 128, 512))
	code, out, problems := runs(t, "calibrate", "--benchmark="+file, "--slo.itl=20ms", "--max-batch=256")
	require.Zero(t, code, "%s%s", out, problems)
	for _, want := range []string{
		"# Seen: 7 observations", "# Left out: " + file + ": result 1: benchmarks[0]: no successful requests.",
		"512 requests at once are more than max_batch 256", "requests per second a replica", "capacity: {concurrency:",
	} {
		assert.Contains(t, strings.ReplaceAll(out, "\n# ", " "), strings.TrimPrefix(want, "# "))
	}
	failed := write(t, filepath.Join(t.TempDir(), "failed.json"), guidellmReport())
	code, out, problems = runs(t, "calibrate", "--benchmark="+file, "--benchmark="+failed, "--slo.itl=20ms", "--format=json")
	require.Zero(t, code, problems)
	assert.Contains(t, out, failed+": result 1: benchmarks[0]: no successful requests")
	code, _, problems = runs(t, "calibrate", "--benchmark="+failed)
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, problems, "no successful requests")
}

// TestCalibrateOfOneLoad has results that say nothing of other loads: no profile, and a floor where there are targets.
func TestCalibrateOfOneLoad(t *testing.T) {
	for want, loads := range map[string][]float64{
		"all observations have about 8 requests in service": {8, 8, 8, 8, 8, 8, 8},
		"a run of a benchmark is one":                       {8},
	} {
		file := write(t, filepath.Join(t.TempDir(), "benchmarks.json"), guidellmReport(loads...))
		code, out, _ := runs(t, "calibrate", "--benchmark="+file)
		assert.Equal(t, exitFailure, code)
		assert.Contains(t, strings.ReplaceAll(out, "\n# ", " "), want)
		code, out, _ = runs(t, "calibrate", "--benchmark="+file, "--slo.itl=20ms")
		assert.Zero(t, code)
		assert.Contains(t, strings.ReplaceAll(out, "\n# ", " "), want)
		assert.NotContains(t, out, "\nprofile:")
		assert.Contains(t, out, "\ncapacity: {concurrency: 8} ")
	}
}

// TestCalibrateRateNotSeen has a load without a time to the first token: its rate is not told, in any format.
func TestCalibrateRateNotSeen(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "bench.csv"), "concurrency,input_tokens,output_tokens,ttft,itl\n8,512,1,,0.01\n")
	code, out, _ := runs(t, "calibrate", "--csv="+file, "--slo.itl=20ms")
	assert.Zero(t, code)
	assert.Contains(t, out, "\ncapacity: {concurrency: 8}\n")
	assert.NotContains(t, out, "a second")
	code, out, _ = runs(t, "calibrate", "--csv="+file, "--slo.itl=20ms", "--format=json")
	assert.Zero(t, code)
	assert.NotContains(t, out, `"rate"`)
}
