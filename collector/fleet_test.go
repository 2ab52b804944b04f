package collector_test

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
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

// withRates plans a fleet by a rate as well, which is how the documentation begins: with the noise and the forecast of it, over two days
// and the same days a week ago.
func withRates(config string) string {
	return regexp.MustCompile(`capacity: {concurrency: (\d+)}`).ReplaceAllString(config, "capacity: {concurrency: $1, generation_tokens: ${1}0}")
}

// fleetServer answers what a Prometheus that scrapes the fleet and kube-state-metrics would, from memory.
type fleetServer struct {
	*httptest.Server
	mu      sync.Mutex
	queries []string
}

func newFleetServer(tb testing.TB, models int) *fleetServer {
	tb.Helper()
	f := makeFleet(models)
	var answers sync.Map // what is asked again is not made again: the time that it takes is not the exporter's
	s := &fleetServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		s.mu.Lock()
		s.queries = append(s.queries, r.URL.Path+" "+query)
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		key := r.URL.Path + r.Form.Encode()
		text, known := answers.Load(key)
		if !known {
			text = answerFleet(r, f.about(query))
			answers.Store(key, text)
		}
		_, _ = w.Write(text.([]byte))
	}))
	tb.Cleanup(s.Close)
	return s
}

// fleetSeries is one series of an answer. Where it moves, it goes up and down by a third in a day.
type fleetSeries struct {
	metric string
	value  float64
	moves  bool
}

func (s *fleetSeries) at(seconds float64) float64 {
	if !s.moves {
		return s.value
	}
	return math.Round(1000*s.value*(1+math.Sin(2*math.Pi*seconds/86400+s.value)/3)) / 1000
}

// madeFleet is what a Prometheus knows of a fleet.
type madeFleet struct{ running, waiting, rate, targets, sources []fleetSeries }

func makeFleet(models int) *madeFleet {
	f := &madeFleet{}
	for m := range models {
		labels := fmt.Sprintf(`"namespace":"team-%d","model_name":"org/model-%d"`, m%10, m)
		f.running = append(f.running, fleetSeries{labels, float64(100 + m%900), true})
		f.rate = append(f.rate, fleetSeries{labels, float64(1000 + 10*(m%900)), true})
		f.waiting = append(f.waiting, fleetSeries{labels, float64(max(0, m%10-8)), false})
		for v := range variantsPerModel {
			workload := fmt.Sprintf("model-%d-v%d", m, v)
			f.targets = append(f.targets, fleetSeries{fmt.Sprintf(`"namespace":"team-%d","deployment":%[2]q,"scale_target_kind":"Deployment","scale_target_name":%[2]q`,
				m%10, workload), float64((m + v) % 4), false})
			if (m+v)%4 > 0 {
				f.sources = append(f.sources, fleetSeries{labels + fmt.Sprintf(`,"scale_target_name":%q`, workload), float64((m + v) % 4), false})
			}
		}
	}
	return f
}

// about is the answer to a query. What does not move is not there: no pod is without a node, and none is replaced.
func (f *madeFleet) about(query string) []fleetSeries {
	switch {
	case strings.Contains(query, "timestamp("):
		return nil // It is made when it is answered.
	case strings.Contains(query, "replicas_updated"), strings.Contains(query, "kube_pod"):
		return []fleetSeries{}
	case strings.Contains(query, "kube_"):
		return f.targets
	case strings.HasPrefix(query, "count"):
		return f.sources
	case strings.Contains(query, "generation_tokens_total"):
		return f.rate
	case strings.Contains(query, "num_requests_waiting"):
		return f.waiting
	}
	return f.running
}

// answerFleet writes an answer as Prometheus does.
func answerFleet(r *http.Request, series []fleetSeries) []byte {
	number := func(key string) float64 {
		n, err := strconv.ParseFloat(r.FormValue(key), 64)
		if err != nil {
			panic(err) // the server of the test answers nothing then
		}
		return n
	}
	if !strings.HasSuffix(r.URL.Path, "/query_range") {
		at := number("time")
		if series == nil {
			series = []fleetSeries{{`"selector":"0"`, at - 7, false}}
		}
		parts := make([]string, len(series))
		for i, s := range series {
			parts[i] = fmt.Sprintf(`{"metric":{%s},"value":[%.3f,"%s"]}`, s.metric, at, strconv.FormatFloat(s.at(at), 'f', -1, 64))
		}
		return []byte(vector(strings.Join(parts, ",")))
	}
	text := []byte(`{"status":"success","data":{"resultType":"matrix","result":[`)
	for i, s := range series {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, `{"metric":{`+s.metric+`},"values":[`...)
		start, end, step := number("start"), number("end"), number("step")
		for at := start; at <= end; at += step {
			if at > start {
				text = append(text, ',')
			}
			text = strconv.AppendFloat(append(text, '['), at, 'f', 3, 64)
			text = append(strconv.AppendFloat(append(text, `,"`...), s.at(at), 'f', -1, 64), `"]`...)
		}
		text = append(text, `]}`...)
	}
	return append(text, `]}}`...)
}

// parsedFleet is the configuration of a fleet that is planned by what runs and by a rate.
func parsedFleet(tb testing.TB, models int) *config.Config {
	tb.Helper()
	return parsed(tb, withRates(fleetConfig(models)))
}

func parsed(tb testing.TB, text string) *config.Config {
	tb.Helper()
	c, found := config.Load("fleet.yml", text)
	require.NotNil(tb, c, "%v", found)
	return c
}

// newFleetEvaluator makes an evaluator of such a fleet that asks a server through the real client.
func newFleetEvaluator(tb testing.TB, models int, url string) *collector.Evaluator {
	tb.Helper()
	return newEvaluatorAt(tb, parsedFleet(tb, models), url)
}

func newEvaluatorAt(tb testing.TB, c *config.Config, url string) *collector.Evaluator {
	tb.Helper()
	client, err := promapi.New(promapi.Config{URL: url})
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	e, err := collector.NewEvaluator(c, client, collector.EvaluatorOptions{
		Concurrency: 8, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(tb, err)
	return e
}
