package collector_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/internal/recorded"
)

// The target of the recorded load.
const (
	targetTTFT = 0.5 // seconds to the first token
	targetITL  = 30. // milliseconds between tokens
)

// recordedRun is a run of real vLLM pods under a staircase of load.
type recordedRun struct{ *recorded.Run }

func loadRun(t *testing.T, name string) *recordedRun {
	t.Helper()
	return &recordedRun{recorded.Staircase(t, "h100-staircase-"+name)}
}

// heldConcurrency is the largest number of requests in the system per ready replica, in steps of ten, at which at least 50
// requests arrived and 95 % of them were served within the target.
func (r *recordedRun) heldConcurrency() int {
	arrivals, departures := make([]float64, len(r.Requests)), make([]float64, len(r.Requests))
	for i, q := range r.Requests {
		arrivals[i], departures[i] = q.Arrival, q.Departure
	}
	slices.Sort(arrivals)
	slices.Sort(departures)
	behind := func(sorted []float64, t float64) int {
		i, _ := slices.BinarySearch(sorted, math.Nextafter(t, math.Inf(1)))
		return i
	}
	count, missed := map[int]int{}, map[int]int{}
	for _, q := range r.Requests {
		inSystem := behind(arrivals, q.Arrival) - behind(departures, q.Arrival)
		step := int(float64(inSystem)/r.readyAt(q.Arrival)) / 10 * 10
		count[step]++
		if q.TTFT > targetTTFT || q.ITL > targetITL {
			missed[step]++
		}
	}
	held := 0
	for step, n := range count {
		if n >= 50 && missed[step]*20 <= n {
			held = max(held, step)
		}
	}
	return held
}

func (r *recordedRun) readyAt(t float64) float64 {
	ready := r.Replicas[0].Ready
	for _, x := range r.Replicas {
		if x.T > t {
			break
		}
		ready = x.Ready
	}
	return ready
}

// fittedConcurrency is where the run's own fit of the mean time between tokens reaches the target.
func (r *recordedRun) fittedConcurrency() int {
	return int((targetITL - r.Derived.ITL.Base) / r.Derived.ITL.PerRequest)
}

const (
	runModel      = "unsloth/Meta-Llama-3.1-8B-Instruct"
	runDeployment = "llama-h100"
	runSteps      = 16               // four fifths of those of the default scale_down_window: 5 minutes, every 15 seconds
	staleAfter    = 16 * time.Second // a pod that is gone misses its next scrape
)

// samples are the run's as Prometheus would have scraped them: vLLM's from each pod, marked stale where the pod is gone, and
// those of kube-state-metrics.
func (r *recordedRun) samples() model.Vector {
	var all model.Vector
	end := r.Replicas[len(r.Replicas)-1].T
	add := func(t, v float64, labels ...string) {
		m := model.Metric{"namespace": "llm"}
		for i := 0; i < len(labels); i += 2 {
			m[model.LabelName(labels[i])] = model.LabelValue(labels[i+1])
		}
		all = append(all, &model.Sample{Metric: m, Value: model.SampleValue(v), Timestamp: model.Time(t * 1000)})
	}
	for pod, p := range r.Pods {
		name := runDeployment + "-6d4cf56db6-" + strings.Repeat("x", 4) + string("bcdfghjklm"[pod[len(pod)-1]-'0'])
		scrape := func(t, running, waiting, kv float64) {
			add(t, running, "__name__", "vllm:num_requests_running", "model_name", runModel, "pod", name)
			add(t, waiting, "__name__", "vllm:num_requests_waiting", "model_name", runModel, "pod", name)
			add(t, kv, "__name__", "vllm:kv_cache_usage_perc", "model_name", runModel, "pod", name)
		}
		for _, s := range p.Series {
			scrape(s.T, s.Running, s.Waiting, s.KV)
		}
		if last := p.Series[len(p.Series)-1].T; last+staleAfter.Seconds() < end {
			gone := math.Float64frombits(value.StaleNaN)
			scrape(last+staleAfter.Seconds(), gone, gone, gone)
		}
	}
	for _, x := range r.Replicas {
		add(x.T, x.Desired, "__name__", "kube_deployment_spec_replicas", "deployment", runDeployment)
		add(x.T, x.Ready, "__name__", "kube_deployment_status_replicas_ready", "deployment", runDeployment)
	}
	slices.SortStableFunc(all, func(a, b *model.Sample) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return all
}

// runConfig plans one H100 variant by concurrency, with everything else as it is by default.
func runConfig(capacity int) string {
	return fmt.Sprintf(`
prometheus: {url: http://prometheus.example}
models:
  - name: %s
    namespace: llm
    presets: [vllm]
    variants:
      - {name: %s, accelerator: H100, cost: 4.10, startup: 85s, capacity: {concurrency: %d}, replicas: {max: 10}}
`, runModel, runDeployment, capacity)
}

// TestRecordedRuns replays what real pods showed and holds the desired replicas over time to a golden file.
//
// The load was measured under the replicas of the autoscaler of that time. What our own would have changed in it, such as the
// backlog of run b that grew while one replica served twelve requests a second, cannot be seen here.
func TestRecordedRuns(t *testing.T) {
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) {
			r := loadRun(t, name)
			engine, err := embedded.New(embedded.Config{})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, engine.Close()) })
			require.NoError(t, engine.Append(t.Context(), r.samples()))
			held, fitted := loadRun(t, "a").heldConcurrency(), r.fittedConcurrency()
			text := replay(t, r, engine, held, fitted)
			compareText(t, filepath.Join("testdata", "runs", "h100-staircase-"+name+".golden"), text)
		})
	}
}

// replay evaluates every 15 seconds and writes down what changes.
func replay(t *testing.T, r *recordedRun, engine *embedded.Engine, held, fitted int) string {
	t.Helper()
	evaluators := []*collector.Evaluator{runEvaluator(t, engine, held), runEvaluator(t, engine, fitted)}
	var b strings.Builder
	fmt.Fprintf(&b, "# H100 planned at %d requests (held in run a) and at %d (this run's fit of the mean time between tokens).\n", held, fitted)
	b.WriteString("# seconds  requests  recorded: desired ready  ours: at held  at fitted (-: held)\n")
	first, last := r.Replicas[0].T, r.Replicas[len(r.Replicas)-1].T
	steps := 0
	for at := math.Ceil(first/15) * 15; at <= last; at += 15 {
		steps++
		var desired [2]string
		var m collector.Model
		for i, e := range evaluators {
			s := e.Evaluate(context.Background(), time.Unix(int64(at), 0))
			m = s.Models[0]
			v := &m.Variants[0]
			require.Empty(t, failures(s))
			// The recording is all the history there is: until it holds most of the scale-down window, nothing is lowered. Nor is it
			// while pods are gone that still count as ready: the recording of replicas is half a minute behind.
			behind := strings.HasSuffix(v.Missing, " ready replicas of "+runDeployment+" tell it")
			require.Equal(t, steps >= runSteps && !behind, v.Up, "%v s: %s", at-first, v.Missing)
			if desired[i] = "-"; v.Desired != nil {
				desired[i] = strconv.Itoa(*v.Desired)
			}
			require.True(t, v.Desired != nil || !v.Up, "a variant that is up has desired replicas")
		}
		v := &m.Variants[0]
		fmt.Fprintf(&b, "%9.0f %9.0f %18d %5d %14s %10s\n", at-first, *m.Signals[0].Measured, *v.Current, *v.Ready, desired[0], desired[1])
	}
	return b.String()
}

func runEvaluator(t *testing.T, engine *embedded.Engine, capacity int) *collector.Evaluator {
	t.Helper()
	c, found := config.Load("run.yml", runConfig(capacity))
	require.NotNil(t, c, "%v", found)
	e, err := collector.NewEvaluator(c, engine, collector.EvaluatorOptions{
		Concurrency: 4, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return e
}
