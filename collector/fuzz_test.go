package collector_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// kinds are what a Prometheus is asked for in the fuzz test: demand, replicas and everything else.
const kinds = 3

func kindOf(query string) int {
	switch {
	case strings.Contains(query, "current") || strings.Contains(query, "ready"):
		return 1
	case strings.Contains(query, "demand") || strings.Contains(query, "rate") || strings.Contains(query, "queued"):
		return 0
	}
	return 2
}

// remembering asks once for each kind, and says to every query what was said to the first of its kind, over ranges at every step.
type remembering struct {
	promapi.Querier
	mu   sync.Mutex
	said [kinds]func() (model.Vector, error)
}

// Query implements promapi.Querier.
func (r *remembering) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := &r.said[kindOf(expr)]
	if *said == nil {
		vector, err := r.Querier.Query(ctx, expr, at)
		*said = func() (model.Vector, error) { return vector, err }
	}
	return (*said)()
}

// QueryRange implements promapi.RangeQuerier.
func (r *remembering) QueryRange(ctx context.Context, expr string, over v1.Range) (model.Matrix, error) {
	vector, err := r.Query(ctx, expr, over.End)
	return throughout(vector, over), err
}

// FuzzAnswers holds that whatever a Prometheus says, what is exposed as desired is a whole number within its bounds.
func FuzzAnswers(f *testing.F) {
	said := func(text string) []byte {
		v := parseVector(f, text)
		for _, s := range v {
			s.Timestamp = model.TimeFromUnix(fleetAt.Unix())
		}
		result, err := json.Marshal(v)
		require.NoError(f, err)
		return []byte(`{"status":"success","data":{"resultType":"vector","result":` + string(result) + `}}`)
	}
	both := func(value string) []byte {
		return said(load(value) + "\n" + `{namespace="ns", model_name="n"} ` + value)
	}
	f.Add(both("30"), said(runs("a", "2", "b", "1", "c", "3")), said(`{} 10`))
	f.Add(both("1e300"), said(runs("a", "0.5", "b", "NaN", "c", "-1")), said(`{} 0`))
	f.Add(both("NaN"), said(runs("a", "2", "a", "3")), said(`{llm_d_ai_variant="a", namespace="ns"} 5e-324`))
	f.Add(both("-1"), []byte(`{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`), []byte(`{"status":"success"}`))
	f.Add([]byte(vector("")), []byte(vector("null")), []byte("<html>"))

	var bodies atomic.Pointer[[kinds][]byte]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(bodies.Load()[kindOf(r.FormValue("query"))]) // a client that has had enough reads no more
	}))
	f.Cleanup(server.Close)
	client, err := promapi.New(promapi.Config{URL: server.URL, Timeout: 5 * time.Second})
	require.NoError(f, err)
	f.Cleanup(client.Close)
	f.Fuzz(func(t *testing.T, demand, replicas, other []byte) {
		bodies.Store(&[kinds][]byte{demand, replicas, other})
		e := fuzzEvaluator(t, complete(propertyConfig), &remembering{Querier: client})
		for name, x := range gatheredDesired(t, e.Evaluate(t.Context(), fleetAt)) {
			require.True(t, x == math.Trunc(x) && x >= float64(replicaBounds[name][0]) && x <= float64(replicaBounds[name][1]), "%s: %g", name, x)
		}
	})
}

func fuzzEvaluator(tb testing.TB, text string, q promapi.RangeQuerier) *collector.Evaluator {
	tb.Helper()
	c, found := config.Load("fuzz.yml", text)
	require.NotNil(tb, c, "%v", found)
	e, err := collector.NewEvaluator(c, q, collector.EvaluatorOptions{Concurrency: 4, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(tb, err)
	return e
}

// gatheredDesired gathers what is exposed, through a registry that checks it, and returns the desired replicas.
func gatheredDesired(t *testing.T, s *collector.Snapshot) map[string]float64 {
	t.Helper()
	replicas := map[string]float64{}
	for _, f := range gather(t, s) {
		if f.GetName() != "variant_desired_replicas" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "variant" {
					replicas[l.GetValue()] = m.GetGauge().GetValue()
				}
			}
		}
	}
	return replicas
}

// oneAnswer says the same to everything: a number without labels.
type oneAnswer float64

// Query implements promapi.Querier.
func (a oneAnswer) Query(_ context.Context, _ string, at time.Time) (model.Vector, error) {
	return model.Vector{{Value: model.SampleValue(a), Timestamp: model.TimeFromUnixNano(at.UnixNano())}}, nil
}

// QueryRange implements promapi.RangeQuerier.
func (a oneAnswer) QueryRange(_ context.Context, _ string, r v1.Range) (model.Matrix, error) {
	return model.Matrix{{Values: []model.SamplePair{{Value: model.SampleValue(a), Timestamp: model.TimeFromUnixNano(r.End.UnixNano())}}}}, nil
}

// FuzzConfiguration holds that whatever is accepted as a configuration can be evaluated.
func FuzzConfiguration(f *testing.F) {
	for _, folder := range []string{"good", "examples"} {
		names, err := filepath.Glob(filepath.Join("config", "testdata", folder, "*.yml"))
		require.NoError(f, err)
		require.NotEmpty(f, names)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(f, err)
			f.Add(string(text), 3.0)
		}
	}
	f.Fuzz(func(t *testing.T, text string, value float64) {
		c, _ := config.Load("fuzz.yml", text)
		if c == nil {
			return
		}
		e := fuzzEvaluator(t, text, oneAnswer(value))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		for name, x := range gatheredDesired(t, e.Evaluate(ctx, fleetAt)) {
			require.True(t, x == math.Trunc(x) && x >= 0 && !math.IsInf(x, 0), "%s: %g", name, x)
		}
	})
}
