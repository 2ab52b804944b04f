package collector_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// checkOnline asks a server what faultConfig asks, with a clock that stands still.
func checkOnline(t *testing.T, answer func(query string) string) *collector.OnlineReport {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, answer(r.FormValue("query")))
	}))
	t.Cleanup(server.Close)
	client, err := promapi.New(promapi.Config{URL: server.URL})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	c, found := config.Load("test.yml", faultConfig)
	require.NotNil(t, c, "%v", found)
	at := time.Unix(1767225600, 0)
	e, err := collector.NewEvaluator(c, client, collector.EvaluatorOptions{
		Concurrency: 4, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return collector.CheckOnline(t.Context(), e, at, 10*time.Second)
}

func TestCheckOnlineHealthy(t *testing.T) {
	r := checkOnline(t, healthy)
	require.True(t, r.OK(), r.Problems)
	require.Empty(t, r.Doubts)
	var b strings.Builder
	require.NoError(t, r.WriteText(&b))
	require.Equal(t, strings.TrimPrefix(`
INPUT                  SERIES  FITTING  SECONDS  AGE
scale_targets.current  4       4        0.000    -
scale_targets.ready    4       4        0.000    -
running.demand         2       2        0.000    -
tokens.demand          2       2        0.000    -

evaluated in 0.000s of the 10.00s that a scrape leaves
`, "\n"), b.String())
}

// TestCheckOnlineInert is the mistake that leaves an autoscaler looking healthy and doing nothing: the name in the configuration
// is not the one in the label.
func TestCheckOnlineInert(t *testing.T) {
	r := checkOnline(t, func(query string) string {
		return strings.ReplaceAll(healthy(query), "org/beta", "beta")
	})
	require.False(t, r.OK())
	require.Contains(t, r.Problems, `model llm/org/beta: nothing is known of signal running: no result`)
	require.Contains(t, r.Problems, `variant llm/beta-h100 holds: running: no result`)
	require.Contains(t, r.Doubts,
		`running.demand: 1 of 2 series belong to nothing configured, for example {model_name="beta", namespace="llm"}`)
}

func TestCheckOnlineNothingFits(t *testing.T) {
	r := checkOnline(t, func(query string) string {
		return strings.ReplaceAll(healthy(query), `"namespace":"llm"`, `"namespace":"prod"`)
	})
	require.Contains(t, r.Problems, `running.demand: labels do not fit: 2 series and none belongs to a configured model or variant, `+
		`for example {model_name="org/alpha", namespace="prod"}`)
	require.Contains(t, r.Doubts, `variant llm/beta-h100: nothing is known of the replicas of Deployment beta-h100`)
}

func TestCheckOnlineAges(t *testing.T) {
	r := checkOnline(t, func(query string) string {
		if strings.Contains(query, "timestamp(running)") {
			return vector(`{"metric":{"selector":"` + selectorOf(query, "running") + `"},"value":[1767225600,"1767225400"]}`)
		}
		return healthy(query)
	})
	require.Contains(t, r.Doubts, "running.demand: the newest sample is 3m20s old")
	out, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(out), `"age_seconds":200`)
}

// selectorOf finds by which number a query asks for the age of a selector.
func selectorOf(query, selector string) string {
	_, after, _ := strings.Cut(query, "timestamp("+selector+")), \"selector\", \"")
	number, _, _ := strings.Cut(after, `"`)
	return number
}
