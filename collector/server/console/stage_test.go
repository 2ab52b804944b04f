package console_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/server"
	"github.com/variant-exporter/variant-exporter/internal/testclock"
)

// waitFor bounds every wait for something that happens soon, on a busy machine too.
const waitFor = time.Minute

// stageConfig is a fleet with something of everything: a swap by price, a budget that runs out, latencies, a model that sleeps.
const stageConfig = `# The fleet on call.
prometheus:
  url: http://prometheus.monitoring:9090
  external_url: https://prometheus.example.com/tools
  http_config:
    basic_auth: {username: exporter, password: s3cret}
scale_targets: {current: 'current', ready: 'ready'}
defaults: {headroom: 0.15, scale_down_window: 3m, forecast: {method: linear}, provision_cooldown: 5m}
input_window: 1m
signals:
  concurrency: {unit: requests, demand: 'demand'}
  arrivals: {unit: requests, demand: 'demand', on_missing: zero, alive: 'count(demand)'}
budgets:
  - {name: h100, unit: accelerators, limit: 8}
  - {name: h200, unit: accelerators, limit: 10}
  - {name: power, unit: watts, limit: 24000}
models:
  - name: meta-llama/Llama-3.1-8B-Instruct
    namespace: llm
    slo: {ttft: 500ms, itl: 40ms, quantile: 0.95}
    variants:
      - {name: llama-8b-h100, accelerator: H100, cost: 4.10, startup: 2m, capacity: {concurrency: 96}, uses: {h100: 1, power: 700}}
      - {name: llama-8b-a100, accelerator: A100, cost: price_a100, startup: 3m, capacity: {concurrency: 48}, uses: {power: 400}, replicas: {max: 12}}
      - {name: llama-8b-l4, accelerator: L4, cost: 0.65, startup: 1m, capacity: {concurrency: 12}, uses: {power: 75}, replicas: {max: 4}}
  - name: Qwen/Qwen3-32B
    namespace: llm
    variants:
      - {name: qwen-32b-h200, accelerator: H200, cost: 8.20, startup: 4m, capacity: {concurrency: 40}, uses: {h200: 2, power: 1400}}
  - name: intfloat/e5-large
    namespace: batch
    replicas: {min: 0}
    idle_after: 5m
    variants:
      - {name: e5-l4, accelerator: L4, cost: 0.65, startup: 1m, capacity: {arrivals: 64}, uses: {power: 75}}
`

var (
	stageBegin = time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC)
	swapAt     = stageBegin.Add(109 * time.Minute) // the price of an A100 falls
	stageNow   = stageBegin.Add(112 * time.Minute)
	stageEnd   = stageBegin.Add(125 * time.Minute)
)

// stage is a Prometheus that has watched the fleet for hours, and a clock within them.
type stage struct {
	engine      *embedded.Engine
	config      *config.Config
	remarks     config.Diagnostics
	broken      atomic.Bool
	evaluations atomic.Int64
	clock       *testclock.Clock
}

var errRefused = errors.New(`post "http://prometheus.monitoring:9090/api/v1/query": dial tcp 10.0.0.7:9090: connect: connection refused`)

func (s *stage) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	if s.broken.Load() {
		return nil, &promapi.Error{Reason: promapi.ReasonConnection, Err: errRefused}
	}
	return s.engine.Query(ctx, expr, at)
}

func (s *stage) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	if s.broken.Load() {
		return nil, &promapi.Error{Reason: promapi.ReasonConnection, Err: errRefused}
	}
	return s.engine.QueryRange(ctx, expr, r)
}

// Evaluate implements server.Evaluator, and counts.
type countedEvaluator struct {
	*collector.Evaluator
	count *atomic.Int64
}

func (c *countedEvaluator) Evaluate(ctx context.Context, at time.Time) *collector.Snapshot {
	c.count.Add(1)
	return c.Evaluator.Evaluate(ctx, at)
}

// fleetState is what a cluster would do: replicas that are asked for become ready after their startup.
type fleetState struct {
	current map[string]int
	ready   map[string]int
	orders  map[string][]time.Time // when replicas that start become ready
}

func (f *fleetState) follow(at time.Time, v *collector.Variant, startup time.Duration) {
	if v.Desired == nil {
		return
	}
	for f.current[v.Name] < *v.Desired {
		f.current[v.Name]++
		f.orders[v.Name] = append(f.orders[v.Name], at.Add(startup))
	}
	for f.current[v.Name] > *v.Desired {
		f.current[v.Name]--
		if n := len(f.orders[v.Name]); n > 0 {
			f.orders[v.Name] = f.orders[v.Name][:n-1]
		} else {
			f.ready[v.Name]--
		}
	}
}

func (f *fleetState) arrive(at time.Time) {
	for name, orders := range f.orders {
		for len(orders) > 0 && !orders[0].After(at) {
			orders = orders[1:]
			f.ready[name]++
		}
		f.orders[name] = orders
	}
}

// demands are the requests in service, by model.
func demands(at time.Time) map[string]float64 {
	m := at.Sub(stageBegin).Minutes()
	ripple := 9*math.Sin(m*1.7) + 5*math.Sin(m*3.1)
	qwen := 70 + 15*math.Sin(m/25)
	if m > 80 {
		qwen += 4.5 * math.Min(m-80, 30)
	}
	e5 := 0.0
	if m < 30 {
		e5 = 100
	}
	return map[string]float64{
		"llm/meta-llama/Llama-3.1-8B-Instruct": math.Round(330 + 90*math.Sin(m/30) + ripple),
		"llm/Qwen/Qwen3-32B":                   math.Round(qwen + ripple/3),
		"batch/intfloat/e5-large":              e5,
	}
}

// story is what the Prometheus of all stages has stored. It is written once, by the first test that needs it.
var story struct {
	once sync.Once
	dir  string
	*embedded.Engine
}

func TestMain(m *testing.M) {
	var err error
	if story.dir, err = os.MkdirTemp("", "stage-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if story.Engine != nil {
		err = story.Close()
	}
	if err = errors.Join(err, os.RemoveAll(story.dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// newStage returns a stage at the moment of the swap.
func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{clock: testclock.New(stageNow)}
	s.config, s.remarks = config.Load("variant_exporter.yml", stageConfig)
	require.NotNil(t, s.config, "%v", s.remarks)
	story.once.Do(func() {
		var err error
		story.Engine, err = embedded.New(embedded.Config{Dir: story.dir, Retention: 100 * time.Hour})
		require.NoError(t, err)
		s.engine = story.Engine
		s.play(t)
	})
	s.engine = story.Engine
	return s
}

// play has the fleet run through its story, followed by a cluster that does what it is told.
func (s *stage) play(t testing.TB) {
	t.Helper()
	evaluator := s.evaluator(t)
	startups := map[string]time.Duration{}
	for i := range s.config.Models {
		for j := range s.config.Models[i].Variants {
			v := &s.config.Models[i].Variants[j]
			startups[v.Name] = time.Duration(v.Startup)
		}
	}
	fleet := &fleetState{
		current: map[string]int{"llama-8b-h100": 4, "qwen-32b-h200": 2, "e5-l4": 2}, ready: map[string]int{"llama-8b-h100": 4, "qwen-32b-h200": 2, "e5-l4": 2},
		orders: map[string][]time.Time{},
	}
	for at := stageBegin; at.Before(stageEnd); at = at.Add(15 * time.Second) {
		fleet.arrive(at)
		s.write(t, at, fleet)
		if at.Sub(stageBegin)%(30*time.Second) != 0 {
			continue
		}
		snapshot := evaluator.Evaluate(t.Context(), at)
		for i := range snapshot.Models {
			for j := range snapshot.Models[i].Variants {
				v := &snapshot.Models[i].Variants[j]
				fleet.follow(at, v, startups[v.Name]+20*time.Second)
			}
		}
	}
}

func (s *stage) evaluator(t testing.TB) *collector.Evaluator {
	t.Helper()
	e, err := collector.NewEvaluator(s.config, s, collector.EvaluatorOptions{Concurrency: 4, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return e
}

// write writes one scrape.
func (s *stage) write(t testing.TB, at time.Time, f *fleetState) {
	t.Helper()
	var v model.Vector
	put := func(value float64, name string, pairs ...string) {
		m := model.Metric{"__name__": model.LabelValue(name)}
		for i := 0; i < len(pairs); i += 2 {
			m[model.LabelName(pairs[i])] = model.LabelValue(pairs[i+1])
		}
		v = append(v, &model.Sample{Metric: m, Value: model.SampleValue(value), Timestamp: model.TimeFromUnixNano(at.UnixNano())})
	}
	demand := demands(at)
	for i := range s.config.Models {
		m := &s.config.Models[i]
		put(demand[m.Namespace+"/"+m.Name], "demand", "namespace", m.Namespace, "model_name", m.Name)
		for j := range m.Variants {
			name := m.Variants[j].Name
			target := []string{"namespace", m.Namespace, "scale_target_kind", "Deployment", "scale_target_name", name}
			put(float64(f.current[name]), "current", target...)
			put(float64(f.ready[name]), "ready", target...)
		}
	}
	price := 2.60
	if at.After(swapAt) {
		price = 1.20
	}
	put(price, "price_a100")
	seconds := at.Sub(stageBegin).Seconds()
	for _, h := range []struct {
		name    string
		bounds  map[string]float64
		average float64
	}{
		{"vllm:time_to_first_token_seconds_bucket", map[string]float64{"0.1": 0.4, "0.25": 0.85, "0.5": 0.97, "1": 0.995, "+Inf": 1}, 12},
		{"vllm:inter_token_latency_seconds_bucket", map[string]float64{"0.01": 0.1, "0.025": 0.7, "0.05": 0.985, "0.1": 1, "+Inf": 1}, 2400},
	} {
		for le, share := range h.bounds {
			wave := share * (1 - 0.0001*math.Sin(seconds/1500))
			put(h.average*seconds*wave, h.name, "namespace", "llm", "model_name", "meta-llama/Llama-3.1-8B-Instruct", "le", le)
		}
	}
	require.NoError(t, s.engine.Append(t.Context(), v))
}

// serve serves the stage, and returns its address.
func (s *stage) serve(t testing.TB, change func(*server.Options)) string {
	t.Helper()
	var systemd bool
	var none string
	opts := server.Options{
		Load: func(context.Context) (server.Loaded, error) {
			keeper, err := past.NewKeeper(s.config, s, past.Options{Concurrency: 4, Now: s.clock.Now})
			if err != nil {
				return server.Loaded{}, err
			}
			return server.Loaded{
				Evaluator: &countedEvaluator{s.evaluator(t), &s.evaluations}, Config: s.config, Remarks: s.remarks, Past: keeper,
				Release: func() error { keeper.Close(); return nil },
			}, nil
		},
		Web:           &web.FlagConfig{WebListenAddresses: &[]string{"127.0.0.1:0"}, WebConfigFile: &none, WebSystemdSocket: &systemd},
		TelemetryPath: "/metrics", TimeoutOffset: 250 * time.Millisecond, MaxTimeout: 20 * time.Second, HistoryRange: "1h",
		Logger: slog.New(slog.DiscardHandler), Now: s.clock.Now,
	}
	if change != nil {
		change(&opts)
	}
	srv, err := server.New(t.Context(), opts)
	require.NoError(t, err)
	srv.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), waitFor)
		defer cancel()
		require.NoError(t, srv.Stop(ctx))
	})
	return "http://" + srv.Addr().String()
}

// TestStage prints what the fleet does, for a change of its story: go test -run TestStage -v.
func TestStage(t *testing.T) {
	s := newStage(t)
	snapshot := s.evaluator(t).Evaluate(t.Context(), stageNow)
	for i := range snapshot.Models {
		m := &snapshot.Models[i]
		for j := range m.Variants {
			v := &m.Variants[j]
			states := past.StatesOf(v)
			t.Log(m.Name, v.Name, fmt.Sprintf("%+v", states), *v.Planned, *v.Desired, v.Reason, *m.Shortfall)
		}
	}
	held, short := 0.0, 0.0
	for i := range snapshot.Models {
		short += *snapshot.Models[i].Shortfall
		for j := range snapshot.Models[i].Variants {
			held += past.StatesOf(&snapshot.Models[i].Variants[j]).Held
		}
	}
	require.Positive(t, held, "a swap must be under way")
	require.Positive(t, short, "a budget must be exhausted")
}
