package promapi_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/internal/promtest"
)

// TestPrometheusServer asks a real server through this client and through client_golang's.
func TestPrometheusServer(t *testing.T) {
	address := promtest.Start(t, promtest.Server{Config: func(address string) string { // it scrapes itself
		return "scrape_configs: [{job_name: self, scrape_interval: 1s, static_configs: [{targets: [" + address + "]}]}]"
	}})
	client := connect(t, promapi.Config{URL: address})
	plain, err := api.NewClient(api.Config{Address: address})
	require.NoError(t, err)
	t.Cleanup(plain.(interface{ CloseIdleConnections() }).CloseIdleConnections)
	reference := v1.NewAPI(plain)

	var when time.Time
	require.Eventually(t, func() bool {
		when = time.Now().Add(-time.Second)
		vector, err := client.Query(t.Context(), "up == 1 and on () prometheus_build_info", when)
		return err == nil && len(vector) == 1
	}, time.Minute, 100*time.Millisecond)

	span := v1.Range{Start: when.Add(-10 * time.Minute), End: when, Step: 700 * time.Millisecond}
	for _, expr := range []string{
		"up", "absent(up)", "vector(time())", `{__name__=~"prometheus_.+"}`, "vector(0)/0", "vector(-1)/0", "count by (le) (prometheus_http_request_duration_seconds_bucket)",
		`label_replace(up, "text", "\"<é\\>\n&\u2028", "", "")`,
	} {
		vector, err := client.Query(t.Context(), expr, when)
		require.NoError(t, err, expr)
		want, _, _, err := reference.Query(t.Context(), expr, when.Truncate(time.Millisecond))
		require.NoError(t, err, expr)
		assert.Equal(t, want.String(), vector.String(), expr)

		matrix, err := client.QueryRange(t.Context(), expr, span)
		require.NoError(t, err, expr)
		rounded := v1.Range{Start: span.Start.Truncate(time.Millisecond), End: span.End.Truncate(time.Millisecond), Step: span.Step}
		want, _, _, err = reference.QueryRange(t.Context(), expr, rounded)
		require.NoError(t, err, expr)
		assert.Equal(t, want.String(), matrix.String(), expr)
	}
	for expr, reason := range map[string]promapi.Reason{
		"time()": promapi.ReasonWrongType, `"text"`: promapi.ReasonWrongType, "up[1m]": promapi.ReasonWrongType,
		"up{": promapi.ReasonBadQuery, "up + on () group_left () {__name__=~\"prometheus_.+\"}": promapi.ReasonExecution,
	} {
		_, err := client.Query(t.Context(), expr, when)
		assert.Equal(t, reason, promapi.ReasonOf(err), "%s: %v", expr, err)
	}
}
