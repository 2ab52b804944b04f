package faults_test

import (
	"context"
	"maps"
	"math"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/faults"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

// store is what a Prometheus has seen. Everything appended is kept beside it, so that a part can be lost in a restart.
type store struct {
	t        *testing.T
	engine   *embedded.Engine
	appended model.Vector
	live     map[model.Fingerprint]model.Metric
}

func newStore(t *testing.T) *store {
	s := &store{t: t, live: map[model.Fingerprint]model.Metric{}}
	s.open()
	return s
}

func (s *store) open() {
	engine, err := embedded.New(embedded.Config{})
	require.NoError(s.t, err)
	s.engine = engine
}

func (s *store) close() { require.NoError(s.t, s.engine.Close()) }

// scrape stores samples. Series that were there before and are not now are marked as stale, if that is asked for.
func (s *store) scrape(at time.Time, samples model.Vector, mark bool) {
	before := s.live
	s.live = make(map[model.Fingerprint]model.Metric, len(samples))
	for _, x := range samples {
		x.Timestamp = model.TimeFromUnixNano(at.UnixNano())
		s.live[x.Metric.Fingerprint()] = x.Metric
	}
	for id, metric := range before {
		if _, ok := s.live[id]; !ok && mark {
			stale := &model.Sample{Metric: metric, Value: model.SampleValue(math.Float64frombits(value.StaleNaN)), Timestamp: model.TimeFromUnixNano(at.UnixNano())}
			samples = append(samples, stale)
		}
	}
	s.appended = append(s.appended, samples...)
	require.NoError(s.t, s.engine.Append(context.Background(), samples))
}

// lose restarts the store without what was appended from a time on; with a zero time, without everything.
func (s *store) lose(from time.Time) {
	s.close()
	s.open()
	s.live = map[model.Fingerprint]model.Metric{}
	var kept model.Vector
	for _, x := range s.appended {
		if !from.IsZero() && x.Timestamp.Before(model.TimeFromUnixNano(from.UnixNano())) {
			kept = append(kept, x)
		}
	}
	s.appended = kept
	require.NoError(s.t, s.engine.Append(context.Background(), kept))
}

// Query implements promapi.Querier by whatever engine there is.
func (s *store) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	return s.engine.Query(ctx, expr, at)
}

// QueryRange implements promapi.RangeQuerier.
func (s *store) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	return s.engine.QueryRange(ctx, expr, r)
}

// world is a fleet, a Prometheus that sees it as the schedule allows, and, to compare with, one that sees everything.
type world struct {
	t        *testing.T
	scenario *scenario
	schedule faults.Schedule
	start    time.Time

	kind        fleetOf
	fleet       *sim.Sim
	gauges      map[string]float64 // what the autoscaler follows
	seen, truth *store
	fresh       time.Time // when all servers were last scraped
	network     *faults.Network

	mu     sync.Mutex // guards what queries come to
	now    time.Duration
	struck map[asked]faults.Fault // what was spoilt of the answers of this step
}

// asked is an expression, of a moment or over a range.
type asked struct {
	expr   string
	ranged bool
}

// newWorld starts everything. It runs within a bubble of testing/synctest, whose clock it goes by.
func newWorld(t *testing.T, sc *scenario, schedule faults.Schedule) *world {
	w := &world{t: t, scenario: sc, schedule: schedule, start: time.Now(), network: faults.NewNetwork()}
	w.kind = sc.fleet(schedule.Seed)
	w.fleet = w.kind.start(t, schedule.Seed)
	w.truth = newStore(t)
	w.seen = w.truth
	if len(schedule.Troubles) > 0 {
		w.seen = newStore(t)
	}
	w.serve()
	return w
}

// serve answers queries until the test ends.
func (w *world) serve() {
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: &faults.Prometheus{Source: w.seen, Strike: w.strike, Spoilt: w.spoilt}}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		assert.ErrorIs(w.t, server.Serve(w.network), http.ErrServerClosed)
	}()
	w.t.Cleanup(func() {
		require.NoError(w.t, server.Close())
		<-stopped
		w.truth.close()
		if w.seen != w.truth {
			w.seen.close()
		}
	})
}

// step lets everything but the exporter go on until a time since the start.
func (w *world) step(now time.Duration) {
	time.Sleep(time.Until(w.start.Add(now)))
	w.mu.Lock()
	w.now, w.struck = now, map[asked]faults.Fault{}
	w.mu.Unlock()
	require.NoError(w.t, w.fleet.Until(w.t.Context(), now))
	status := w.fleet.Status()
	w.truth.scrape(time.Now(), w.samples(status, now, nil), true)
	if w.seen != w.truth {
		w.scrapeSeen(status, now)
	}
	for name, replicas := range w.gauges {
		w.fleet.Scale(name, int(replicas))
	}
}

// scrapeSeen is a scrape under the disturbances of the time.
func (w *world) scrapeSeen(status sim.Status, now time.Duration) {
	restart := w.schedule.Trouble(faults.Restart, now)
	w.network.SetDown(restart != nil)
	if restart != nil {
		if restart.From == now && restart.Lost != 0 {
			var from time.Time
			if restart.Lost > 0 {
				from = w.start.Add(now - restart.Lost)
			}
			w.seen.lose(from)
		}
		return
	}
	mark := true
	for i := range w.schedule.Troubles {
		if x := &w.schedule.Troubles[i]; x.Active(now) && !x.Marked {
			mark = false
		}
	}
	if w.schedule.Trouble(faults.NoScrapes, now) == nil && w.schedule.Trouble(faults.NoServers, now) == nil {
		w.fresh = time.Now()
	}
	w.seen.scrape(time.Now(), w.samples(status, now, &w.schedule), mark)
}

// samples is what there is to scrape; with a schedule, as far as its disturbances let it be scraped.
func (w *world) samples(s sim.Status, now time.Duration, schedule *faults.Schedule) model.Vector {
	off := func(d faults.Disturbance) bool { return schedule != nil && schedule.Trouble(d, now) != nil }
	var out model.Vector
	add := func(x float64, pairs ...string) {
		metric := model.Metric{}
		for i := 0; i < len(pairs); i += 2 {
			metric[model.LabelName(pairs[i])] = model.LabelValue(pairs[i+1])
		}
		out = append(out, &model.Sample{Metric: metric, Value: model.SampleValue(x)})
	}
	if off(faults.NoScrapes) {
		return nil
	}
	for name, x := range w.scenario.series(now) {
		add(x, "__name__", name, "job", "prices")
	}
	if !off(faults.NoReplicas) {
		for _, v := range s.Variants {
			add(float64(v.Asked), "__name__", "kube_deployment_spec_replicas", "namespace", "llm", "deployment", v.Name)
			add(float64(current(v)), "__name__", "kube_deployment_status_replicas", "namespace", "llm", "deployment", v.Name)
			add(float64(v.Ready), "__name__", "kube_deployment_status_replicas_ready", "namespace", "llm", "deployment", v.Name)
		}
	}
	if off(faults.NoServers) {
		return out
	}
	for _, m := range s.Models {
		gateway(m, s, add)
	}
	first := true
	for _, p := range s.Pods {
		x := 1.0
		if first && off(faults.BadPod) {
			x = math.NaN()
		}
		if !first || !off(faults.NoPod) {
			pod(p, w.kind.blocks(p.Variant), x, add)
		}
		first = false
	}
	return out
}

// gateway is what an endpoint picker tells, as far as the presets ask for it. The queue's gauge is there while requests come.
func gateway(m sim.ModelStatus, s sim.Status, add func(float64, ...string)) {
	name := served(m.ID)
	common := []string{"namespace", "llm", "job", "epp", "model_name", name, "target_model_name", name}
	if m.Queued > 0 || m.Rate > 0 {
		add(m.Queued, append([]string{"__name__", "llm_d_epp_flow_control_queue_size", "inference_pool", name}, common...)...)
	}
	if m.Arrived > 0 {
		add(m.InSystem-m.Queued, append([]string{"__name__", "llm_d_epp_request_running"}, common...)...)
	}
	ready := 0
	for _, v := range s.Variants {
		if v.Model == m.ID {
			ready += v.Ready
		}
	}
	add(float64(ready), "__name__", "llm_d_epp_ready_endpoints", "namespace", "llm", "job", "epp", "name", name)
}

// pod is what a model server tells, as far as the presets ask for it.
func pod(p sim.PodStatus, blocks int, factor float64, add func(float64, ...string)) {
	common := []string{"namespace", "llm", "job", "vllm", "pod", p.Name, "llm_d_ai_variant", p.Variant, "engine", "0"}
	named := append([]string{"model_name", served(p.Model)}, common...)
	series := func(name string, x float64, labels []string) {
		add(x*factor, append([]string{"__name__", name}, labels...)...)
	}
	series("vllm:num_requests_running", p.Running, named)
	series("vllm:num_requests_waiting", p.Waiting, named)
	series("vllm:kv_cache_usage_perc", p.KV, named)
	series("vllm:request_prompt_tokens_sum", p.PromptTokens, named)
	series("vllm:request_prompt_tokens_count", p.Done, named)
	series("vllm:request_generation_tokens_sum", p.GeneratedTokens, named)
	series("vllm:request_generation_tokens_count", p.Done, named)
	series("vllm:cache_config_info", 1, append([]string{"num_gpu_blocks", strconv.Itoa(blocks), "block_size", strconv.Itoa(blockTokens)}, common...))
}

// strike is what the schedule has for the answer to an expression now.
func (w *world) strike(expr string) faults.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.schedule.Fault(expr, w.now)
}

// spoilt remembers what was spoilt.
func (w *world) spoilt(expr string, ranged bool, by faults.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.struck[asked{expr, ranged}] = by
}

// answersSpoilt are those of this step.
func (w *world) answersSpoilt() map[asked]faults.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.struck)
}
