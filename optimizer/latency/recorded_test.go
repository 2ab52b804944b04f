package latency_test

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// recordedServer are measurements of a real server that are not part of the project.
const recordedServer = "/work/shared/data/runs/h200-llama8b"

// fromFixedLengths is the profile that calibrate fits to its points of fixed lengths.
var fromFixedLengths = latency.Profile{
	Alpha: 5.008e-3, Gamma: 6.844e-8, MaxBatch: 256, MaxQueue: 2560, MaxBatchTokens: 2048,
	Chunk: latency.Chunk{Alpha: 3.991e-3, Beta: 1.951e-5, Gamma: 6.767e-8, Attention: 2.125e-9, Longest: 8.770e-7},
}

// recordedRows are the lines of a table by the names of its columns; what is no number is 0.
func recordedRows(t *testing.T, name string) []map[string]float64 {
	t.Helper()
	f, err := os.Open(filepath.Join(recordedServer, name))
	if os.IsNotExist(err) {
		t.Skip("the recorded server is not here: ", recordedServer)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		r, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	lines, err := csv.NewReader(r).ReadAll()
	require.NoError(t, err)
	var rows []map[string]float64
	for _, l := range lines[1:] {
		row := map[string]float64{}
		for i, cell := range l {
			row[lines[0][i]], _ = strconv.ParseFloat(cell, 64)
		}
		rows = append(rows, row)
	}
	return rows
}

// TestRecordedArrivals serves the recorded requests, at the times at which they came, in the simulation with a profile from fixed
// lengths. Where this too is faster than the server was, the profile is at fault and not the model.
func TestRecordedArrivals(t *testing.T) {
	measured := map[string]map[string]float64{}
	for i, name := range []string{"fixed-0", "fixed-2", "mixed-0", "mixed-2", "mixed-4"} {
		measured[name] = recordedRows(t, "open.csv")[i]
	}
	for _, name := range []string{"fixed-0", "fixed-2", "mixed-0", "mixed-2", "mixed-4"} {
		for _, slower := range []float64{1, 1.02, 1.04, 1.06, 1.08} {
			m, seen := replayed(t, name, fromFixedLengths.Scaled(slower)), measured[name]
			itl, ttft := average(m.itl)/seen["itl"]-1, average(m.ttft)/seen["ttft"]-1
			t.Logf("%s, times %.2f: in service %+.0f %%, mean itl %+.0f %%, p95 itl %+.0f %%, mean ttft %+.0f %%, p95 ttft %+.0f %%", name, slower,
				100*(m.inService/seen["running"]-1), 100*itl, 100*(quantile(m.itl, 0.95)/seen["itl_p95"]-1), 100*ttft, 100*(quantile(m.ttft, 0.95)/seen["ttft_p95"]-1))
			if strings.HasPrefix(name, "fixed") && slower == 1.02 && math.Abs(itl) > 0.1 {
				t.Errorf("%s: mean itl is %+.0f %% off", name, 100*itl)
			}
		}
	}
}

// replayed is what the simulation measures of a recorded segment, from five seconds on. Of those in service when it begins the
// recording has the number and their tokens in the cache; what is left of them is drawn.
func replayed(t *testing.T, name string, p latency.Profile) measured {
	t.Helper()
	const warmUp = 5
	s := &simulated{simulation: simulation{profile: p}, rng: rand.New(rand.NewPCG(1, 1))}
	first := recordedRows(t, "main-"+name+"-iterations.csv.gz")[0]
	for range int(first["requests"]) {
		left := 1 + s.rng.Float64()*127
		if strings.HasPrefix(name, "mixed") {
			left = 1 + s.rng.ExpFloat64()*160
		}
		s.batch = append(s.batch, &request{input: first["cached_tokens"] / first["requests"], output: math.Round(left), done: 1, warm: true})
	}
	come := recordedRows(t, "main-"+name+"-requests.csv.gz")
	now, area, observed := 0.0, 0.0, 0.0
	running := s.schedule()
	for len(come) > 0 {
		next := s.schedule()
		if running.time == 0 { // no request is in service
			running.time = 1e-4
		}
		now += running.time
		if now > warmUp {
			area, observed = area+running.time*float64(len(s.batch)), observed+running.time
		}
		for ; len(come) > 0 && come[0]["arrival"] <= now; come = come[1:] {
			s.waiting = append(s.waiting, &request{
				arrived: come[0]["arrival"], input: come[0]["input_tokens"], output: come[0]["output_tokens"], prompt: come[0]["input_tokens"],
				warm: come[0]["arrival"] < warmUp,
			})
		}
		s.end(running, now)
		running = next
	}
	return s.finish(area / observed)
}
