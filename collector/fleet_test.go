package collector_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// fleetAt is when fleets are evaluated.
var fleetAt = time.Unix(1767225600, 0)

// variantsPerModel are the accelerators on which each model of a fleet runs.
const variantsPerModel = 4

// fleetConfig has models with four variants each, planned by the concurrency of the preset vllm.
func fleetConfig(models int) string {
	var b strings.Builder
	b.WriteString("prometheus: {url: http://prometheus.example}\nmodels:\n")
	for m := range models {
		fmt.Fprintf(&b, "  - name: org/model-%d\n    namespace: team-%d\n    presets: [vllm]\n    variants:\n", m, m%10)
		for v := range variantsPerModel {
			fmt.Fprintf(&b, "      - {name: model-%d-v%d, accelerator: gpu-%d, cost: %g, startup: 2m, capacity: {concurrency: %d}, replicas: {max: 50}}\n",
				m, v, v, fleetCost(m, v), fleetCapacity(m, v))
		}
	}
	return b.String()
}

// Variants differ in what a request costs on them, and by how much differs from model to model.
func fleetCost(m, v int) float64 { return float64(10+m%7+13*v) / 10 }

func fleetCapacity(m, v int) int { return 20 + m%5 + 45*v }

// fleetServer answers what a Prometheus that scrapes the fleet and kube-state-metrics would, from memory.
type fleetServer struct {
	*httptest.Server
	mu      sync.Mutex
	queries []string
}

func newFleetServer(tb testing.TB, models int) *fleetServer {
	tb.Helper()
	demand, targets := fleetDemand(models), fleetTargets(models)
	var answers sync.Map // what is asked again is not made again: the time that it takes is not the exporter's
	s := &fleetServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		s.mu.Lock()
		s.queries = append(s.queries, r.URL.Path+" "+query)
		s.mu.Unlock()
		answer := demand
		switch {
		case strings.Contains(query, "timestamp("):
			answer = vector(fmt.Sprintf(`{"metric":{"selector":"0"},"value":[%d,"%d"]}`, fleetAt.Unix(), fleetAt.Unix()-7))
		case strings.Contains(query, "replicas_updated"): // what is replaced
			answer = vector("")
		case strings.Contains(query, "kube_"):
			answer = targets
		}
		w.Header().Set("Content-Type", "application/json")
		key := r.URL.Path + r.Form.Encode()
		text, known := answers.Load(key)
		if !known {
			text = []byte(answerTo(r, answer))
			answers.Store(key, text)
		}
		_, _ = w.Write(text.([]byte))
	}))
	tb.Cleanup(s.Close)
	return s
}

func fleetDemand(models int) string {
	series := make([]string, models)
	for m := range series {
		series[m] = fmt.Sprintf(`{"metric":{"namespace":"team-%d","model_name":"org/model-%d"},"value":[%d,"%d"]}`,
			m%10, m, fleetAt.Unix(), 100+m%900)
	}
	return vector(strings.Join(series, ","))
}

func fleetTargets(models int) string {
	var series []string
	for m := range models {
		for v := range variantsPerModel {
			series = append(series, fmt.Sprintf(
				`{"metric":{"namespace":"team-%d","deployment":"model-%d-v%d","scale_target_kind":"Deployment","scale_target_name":"model-%d-v%d"},"value":[%d,"%d"]}`,
				m%10, m, v, m, v, fleetAt.Unix(), (m+v)%4))
		}
	}
	return vector(strings.Join(series, ","))
}

// newFleetEvaluator makes an evaluator that asks a server through the real client.
func newFleetEvaluator(tb testing.TB, models int, url string) *collector.Evaluator {
	tb.Helper()
	c, found := config.Load("fleet.yml", fleetConfig(models))
	require.NotNil(tb, c, "%v", found)
	client, err := promapi.New(promapi.Config{URL: url})
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	e, err := collector.NewEvaluator(c, client, collector.EvaluatorOptions{
		Concurrency: 8, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(tb, err)
	return e
}
