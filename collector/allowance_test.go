package collector_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// newHostileServer tells one number of the calm model, and very many series of the hostile one.
func newHostileServer(t *testing.T, series int) *httptest.Server {
	t.Helper()
	many := make([]string, series)
	for i := range many {
		many[i] = fmt.Sprintf(`{"metric":{"namespace":"ns","model_name":"hostile","a":"%d"},"value":[%d,"1"]}`, i, fleetAt.Unix())
	}
	hostile := vector(strings.Join(many, ","))
	calm := vector(fmt.Sprintf(`{"metric":{"namespace":"ns","model_name":"calm"},"value":[%d,"25"]}`, fleetAt.Unix()))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.Contains(r.FormValue("query"), "calm"):
			answer(w, r, calm)
		case strings.HasSuffix(r.URL.Path, "/query_range"): // one step is enough
			text := strings.Replace(hostile, `"vector"`, `"matrix"`, 1)
			one := fmt.Sprintf(`"value":[%d,"1"]`, fleetAt.Unix())
			_, _ = fmt.Fprint(w, strings.ReplaceAll(text, one, fmt.Sprintf(`"values":[[%s,"1"]]`, r.FormValue("start"))))
		default:
			_, _ = fmt.Fprint(w, hostile)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func newHostileEvaluator(t *testing.T, url string, bytes int64) *collector.Evaluator {
	t.Helper()
	fleet, err := os.ReadFile("testdata/hostile.yml")
	require.NoError(t, err)
	c, found := config.Load("hostile.yml", "prometheus: {url: http://p}\n"+string(fleet))
	require.NotNil(t, c, "%v", found)
	client, err := promapi.New(promapi.Config{URL: url, Timeout: time.Minute})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	e, err := collector.NewEvaluator(c, client, collector.EvaluatorOptions{
		AnswerBytes: bytes, Concurrency: 8, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return e
}

// TestAnswersShareAnAllowance: sources that answer too much fail alone, and other models keep their numbers, in /metrics.
func TestAnswersShareAnAllowance(t *testing.T) {
	server := newHostileServer(t, 4_000)
	e := newHostileEvaluator(t, server.URL, 1<<20)
	for range 3 {
		handler, err := collector.NewHandler(e.Evaluate(t.Context(), fleetAt), promhttp.HandlerOpts{}, prometheus.NewRegistry())
		require.NoError(t, err)
		text := ask(handler, "", "").Body.String()
		require.Contains(t, text, `variant_desired_replicas{model="calm",target_namespace="ns",variant="calm"} 3`)
		require.NotContains(t, text, `variant_desired_replicas{model="hostile"`)
		require.Contains(t, text, `reason="too_large"`)
	}
	require.Empty(t, failures(newHostileEvaluator(t, server.URL, 0).Evaluate(t.Context(), fleetAt)), "nothing else is wrong with the answers")
}

const hostileURL = "TEST_HOSTILE_URL"

// TestHostileAnswersFitTheLimit holds the most resident memory of a process, with the memory limit that the manifests set, to the limit of
// its container, while all answers but one are as large as they may be.
func TestHostileAnswersFitTheLimit(t *testing.T) {
	if underRace || testing.Short() || runtime.GOOS != "linux" {
		t.Skip("memory means nothing under the race detector, is read from Linux' /proc, and takes long to fill")
	}
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestHostileProcess$", "-test.v")
	cmd.Env = append(os.Environ(), hostileURL+"="+newHostileServer(t, 150_000).URL, "GOMEMLIMIT=205MiB")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	_, found, ok := strings.Cut(string(out), "peak kB ")
	require.True(t, ok, "%s", out)
	var peak int
	_, err = fmt.Sscan(found, &peak)
	require.NoError(t, err)
	t.Logf("peak resident %d kB", peak)
	require.Less(t, peak, 256<<10)
}

// TestHostileProcess is what the test above runs.
func TestHostileProcess(t *testing.T) {
	url := os.Getenv(hostileURL)
	if url == "" {
		t.Skip("this is run by another test")
	}
	e := newHostileEvaluator(t, url, 205<<20/4)
	for range 3 {
		require.Equal(t, 3, *e.Evaluate(t.Context(), fleetAt).Models[0].Variants[0].Desired)
	}
	t.Log("peak kB", resident(t, "VmHWM"))
}
