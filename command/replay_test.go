package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/replay"
)

// replayRun is the command as its users run it.
func replayRun(t *testing.T, args ...string) (code int, out, problems string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Run(t.Context(), append([]string{"replay"}, args...), Streams{nil, &stdout, &stderr})
	return code, stdout.String(), stderr.String()
}

// cannedReplay is a Prometheus in which load rises from 100 to 300 after half an hour, under four replicas of which nothing is known
// for five minutes.
func cannedReplay(t *testing.T, from int64) string {
	t.Helper()
	answer := func(expr string, at int64) (value float64, known bool) {
		minute := (at - from) / 60
		switch {
		case strings.Contains(expr, "timestamp("):
			return 0, false
		case expr == "load" && minute < 30:
			return 100, true
		case expr == "load":
			return 300, true
		}
		return 4, minute < 10 || minute >= 15
	}
	const metric = `{"namespace":"llm","model_name":"m","scale_target_kind":"Deployment","scale_target_name":"a","selector":"0"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number := func(name string) int64 {
			v, err := strconv.ParseInt(r.FormValue(name), 10, 64)
			assert.NoError(t, err)
			return v
		}
		assert.Equal(t, "/api/v1/query_range", r.URL.Path, "one query for all steps")
		var values []string
		for at := number("start"); at <= number("end"); at += number("step") {
			if v, known := answer(r.FormValue("query"), at); known {
				values = append(values, fmt.Sprintf(`[%d,"%v"]`, at, v))
			}
		}
		result := ""
		if len(values) > 0 {
			result = `{"metric":` + metric + `,"values":[` + strings.Join(values, ",") + `]}`
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, result)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestReplayComparison works out by hand what an hour cost: a replica carries 50 and is ready two minutes after it was asked for.
//
// Ran: four replicas at 2 an hour for the 55 minutes that are known, short of 300 by a third for 30 minutes. Followed: two
// replicas, then six, of which only two are ready for the first two minutes of 300.
func TestReplayComparison(t *testing.T) {
	from := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	file := write(t, filepath.Join(t.TempDir(), "config.yml"), `
prometheus: {url: "`+cannedReplay(t, from.Unix())+`"}
defaults: {headroom: 0, scale_down_window: 0s}
scale_targets: {current: current, ready: ready}
signals: {load: {unit: requests, demand: load}}
models: [{name: m, namespace: llm, provision_timeout: 0s, variants: [{name: a, cost: 2, startup: 2m, uses: {power: 500}, capacity: {load: 50}}]}]
`)
	args := []string{"--config.file=" + file, "--from=" + from.Format(time.RFC3339), "--to=" + from.Add(time.Hour).Format(time.RFC3339)}
	page := filepath.Join(t.TempDir(), "replay.html")
	code, out, problems := replayRun(t, append(args, "--output.html="+page)...)
	require.Zero(t, code, problems)
	golden(t, filepath.Join("testdata", "replay", "hour.txt"), out)

	code, out, problems = replayRun(t, append(args, "--format=json")...)
	require.Zero(t, code, problems)
	var got replay.Result
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	energy := func(kwh float64) *float64 { return &kwh }
	const known = 55. / 60
	assert.InDelta(t, 4*known*2, got.Total.Ran.Cost, 1e-9)
	assert.InDelta(t, (2*25+6*30)/60.*2, got.Total.Followed.Cost, 1e-9)
	assert.InDelta(t, *energy(4 * known * 0.5), *got.Total.Ran.EnergyKWh, 1e-9)
	want := replay.Compared{
		Ran:      replay.Account{ShortfallMinutes: 30, LargestShortfall: 1 - 200./300},
		Followed: replay.Account{ShortfallMinutes: 2, LargestShortfall: 1 - 100./300, Changes: 2},
	}
	for _, pair := range [][2]replay.Account{{want.Ran, got.Total.Ran}, {want.Followed, got.Total.Followed}} {
		assert.InDelta(t, pair[0].ShortfallMinutes, pair[1].ShortfallMinutes, 1e-9)
		assert.InDelta(t, pair[0].LargestShortfall, pair[1].LargestShortfall, 1e-9)
		assert.Equal(t, pair[0].Changes, pair[1].Changes)
	}
	v := got.Models[0].Variants[0]
	assert.InDelta(t, 5, v.UnknownMinutes, 1e-9)
	assert.InDelta(t, 5, got.Models[0].UnmeasuredMinutes, 1e-9)
	assert.Zero(t, v.HeldMinutes)
	assert.Len(t, v.Desired, 60)

	code, out, problems = replayRun(t, append(args, "--format=csv")...)
	require.Zero(t, code, problems)
	lines := strings.Split(out, "\n")
	require.Len(t, lines, 62)
	assert.Equal(t, []string{
		"time,namespace,model,variant,current,ready,desired,reason,followed,followed_ready,cost_per_replica_hour",
		"2026-11-16T09:00:00Z,llm,m,a,4,4,2,demand,2,2,2",
	}, lines[:2])
	assert.Equal(t, "2026-11-16T09:12:00Z,llm,m,a,,,,hold,2,2,2", lines[13])
	assert.Equal(t, []string{
		"2026-11-16T09:30:00Z,llm,m,a,4,4,6,demand,6,2,2", "2026-11-16T09:31:00Z,llm,m,a,4,4,6,demand,6,2,2",
		"2026-11-16T09:32:00Z,llm,m,a,4,4,6,demand,6,6,2",
	}, lines[31:34])
}

// TestReplayProposes runs alternatives over the same history, and asks for it once.
func TestReplayProposes(t *testing.T) {
	from := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	file := write(t, filepath.Join(t.TempDir(), "config.yml"), `
prometheus: {url: "`+cannedReplay(t, from.Unix())+`"}
defaults: {headroom: 0.5, scale_down_window: 10m}
scale_targets: {current: current, ready: ready}
signals: {load: {unit: requests, demand: load}}
models: [{name: m, namespace: llm, provision_timeout: 0s, variants: [{name: a, cost: 2, startup: 2m, capacity: {load: 40}}]}]
`)
	args := []string{"--config.file=" + file, "--from=" + from.Format(time.RFC3339), "--to=" + from.Add(time.Hour).Format(time.RFC3339)}
	code, plain, problems := replayRun(t, args...)
	require.Zero(t, code, problems)
	code, out, problems := replayRun(t, append(args, "--propose")...)
	require.Zero(t, code, problems)
	require.True(t, strings.HasPrefix(out, plain), "the comparison is that of the configuration")
	table := out[len(plain):]
	for _, row := range []string{"what ran ", "as configured ", "scale_down_window: 5m ", "scale_down_window: 20m ", "headroom: 0.4 ", "headroom: 0.6 ", "headroom: auto ", "forecast: {method: linear} "} {
		assert.Contains(t, table, "\n"+row)
	}
	assert.Contains(t, table, "\n* headroom: 0.4: it costs ", "300 and 40 % are eleven replicas of 40, 300 and 50 % are twelve")

	code, out, problems = replayRun(t, append(args, "--propose", "--format=json")...)
	require.Zero(t, code, problems)
	var got replay.Result
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Len(t, got.Proposal.Alternatives, 7)
	assert.Equal(t, got.Total.Followed, got.Proposal.Alternatives[0].Followed)
	chosen := 0
	for _, a := range got.Proposal.Alternatives {
		if a.Chosen {
			chosen++
			assert.Less(t, a.Followed.Cost, got.Total.Followed.Cost)
		}
	}
	assert.Equal(t, 1, chosen)
	code, _, problems = replayRun(t, append(args, "--propose", "--format=csv")...)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, problems, "--propose goes with")
}

// TestReplayInterrupted ends with one line, also in the middle of a query.
func TestReplayInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // Only then is it seen that the client leaves.
		cancel()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	file := write(t, filepath.Join(t.TempDir(), "config.yml"), `
prometheus: {url: "`+server.URL+`"}
models: [{name: m, namespace: llm, presets: [vllm], variants: [{name: a, cost: 1, capacity: {concurrency: 1}}]}]
`)
	var stdout, stderr bytes.Buffer
	code := Run(ctx, []string{"replay", "--config.file=" + file}, Streams{nil, &stdout, &stderr})
	assert.Equal(t, exitFailure, code)
	assert.Empty(t, stdout.String())
	assert.Equal(t, "variant_exporter: error: interrupted\n", stderr.String())
}

// golden compares a text with a file.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		write(t, file, text)
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}
