package promapi_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// startPrometheus starts a Prometheus server that scrapes itself every second, and returns its URL. The test is skipped where
// there is no prometheus on the PATH.
func startPrometheus(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("no Prometheus server to ask: ", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := fmt.Sprint(listener.Addr())
	require.NoError(t, listener.Close())
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(file, []byte("scrape_configs: [{job_name: self, scrape_interval: 1s, static_configs: [{targets: ["+address+"]}]}]"), 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // An interrupted server may end either way.
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return "http://" + address
}

// TestPrometheusServer asks a real server through this client and through client_golang's.
func TestPrometheusServer(t *testing.T) {
	address := startPrometheus(t)
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
	}, 30*time.Second, 100*time.Millisecond)

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
