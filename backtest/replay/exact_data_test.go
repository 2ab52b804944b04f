package replay_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

// The random history is in scrapes between whole minutes, and ends after the steps of the replay.
const (
	historyScrape = 30 * time.Second
	historyOffset = 4 * time.Second
	longHistory   = 25 * time.Hour // before the first step, because headroom: auto looks at a day
	shortHistory  = 90 * time.Minute
)

var replayFrom = time.Date(2026, 11, 3, 1, 0, 0, 0, time.UTC)

// randomHistory is a store with what a fleet shows that suffers from everything a fleet can.
func randomHistory(t testing.TB, seed uint64, before time.Duration) *embedded.Engine {
	t.Helper()
	dir := t.TempDir()
	options := tsdb.DefaultOptions()
	options.RetentionDuration = (1000 * time.Hour).Milliseconds()
	db, err := tsdb.Open(dir, promslog.NewNopLogger(), nil, options, nil)
	require.NoError(t, err)
	h := &historyWriter{random: rand.New(rand.NewPCG(seed, 5)), db: db}
	end := replayFrom.Add(replaySteps * time.Minute)
	for at := replayFrom.Add(historyOffset - before); at.Before(end); at = at.Add(historyScrape) {
		h.scrape(t, at)
	}
	require.NoError(t, db.Close())
	engine, err := embedded.New(embedded.Config{Dir: dir, Retention: 1000 * time.Hour})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	return engine
}

// historyWriter makes up scrape after scrape.
type historyWriter struct {
	random  *rand.Rand
	db      *tsdb.DB
	app     storage.Appender
	at      int64
	scrapes int
	down    map[string]int // pods -> scrapes that they still miss
	tokens  map[string]float64
}

func (h *historyWriter) scrape(t testing.TB, at time.Time) {
	if h.down == nil {
		h.down, h.tokens = map[string]int{}, map[string]float64{}
	}
	h.app, h.at = h.db.Appender(t.Context()), at.UnixMilli()
	h.scrapes++
	day := 2 * math.Pi * float64(h.scrapes) / float64(24*time.Hour/historyScrape)
	load := 60 + 50*math.Sin(day) + 8*h.random.NormFloat64()
	for _, variant := range []string{"big", "small"} {
		for i := range 3 {
			h.pod(t, variant, variant+"-6d4cf56db6-xxxx"+string("bcd"[i]), math.Max(0, load/4))
		}
		h.targets(t, variant)
	}
	h.odd(t, load)
	require.NoError(t, h.app.Commit())
}

func (h *historyWriter) put(t testing.TB, v float64, name string, pairs ...string) {
	_, err := h.app.Append(0, labels.FromStrings(append([]string{"__name__", name, "namespace", "llm"}, pairs...)...), h.at, v)
	require.NoError(t, err)
}

// pod writes what a pod of vLLM shows. Pods go away, with and without a stale marker, and come back with their counters at zero.
func (h *historyWriter) pod(t testing.TB, variant, pod string, load float64) {
	names := []string{"vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"}
	id := []string{"model_name", "m", "pod", pod}
	if h.down[pod] > 0 {
		h.down[pod]--
		return
	}
	if h.random.IntN(150) == 0 {
		h.down[pod] = 1 + h.random.IntN(30)
		if h.random.IntN(2) == 0 {
			h.tokens[pod] = 0
			for _, name := range names {
				h.put(t, math.Float64frombits(value.StaleNaN), name, id...)
			}
		}
		return
	}
	running := math.Round(load * (0.5 + h.random.Float64()))
	switch h.random.IntN(300) {
	case 0:
		running = math.NaN()
	case 1:
		running = math.Inf(1)
	}
	h.put(t, running, names[0], id...)
	h.put(t, math.Floor(load/20), names[1], id...)
	h.put(t, math.Min(1, load/100), names[2], id...)
	h.put(t, 1, "vllm:cache_config_info", "pod", pod, "num_gpu_blocks", strconv.Itoa(20000+len(variant)*100), "block_size", "16")
	h.tokens[pod] += math.Max(0, load)
	served := h.tokens[pod]
	for name, each := range map[string]float64{
		"vllm:request_success_total": 1, "vllm:prompt_tokens_total": 812.3, "vllm:request_prompt_tokens_sum": 812.3, "vllm:request_prompt_tokens_count": 1,
		"vllm:request_generation_tokens_sum": 203.7, "vllm:request_generation_tokens_count": 1,
		"vllm:inter_token_latency_seconds_sum": 203.7 * 0.013, "vllm:inter_token_latency_seconds_count": 203.7,
	} {
		h.put(t, each*served, name, id...)
	}
}

// targets writes what kube-state-metrics shows, which is away for a quarter of an hour now and then.
func (h *historyWriter) targets(t testing.TB, variant string) {
	if h.scrapes%400 < 30 {
		return
	}
	n := float64(h.scrapes / 50 % 4)
	h.put(t, n, "kube_deployment_spec_replicas", "deployment", variant)
	h.put(t, math.Max(0, n-float64(h.random.IntN(2))), "kube_deployment_status_replicas_ready", "deployment", variant)
}

// odd writes series that turn into native histograms, are there twice, or come one after another under a label that a query drops.
func (h *historyWriter) odd(t testing.TB, load float64) {
	id := []string{"model_name", "n"}
	switch h.scrapes / 20 % 5 {
	case 0:
	case 1:
		lset := labels.FromStrings("__name__", "odd", "namespace", "llm", "model_name", "n")
		_, err := h.app.AppendHistogram(0, lset, h.at, nil, &histogram.FloatHistogram{
			Schema: 0, Count: load*load + 1, Sum: load, PositiveSpans: []histogram.Span{{Offset: 1, Length: 1}}, PositiveBuckets: []float64{load*load + 1},
		})
		require.NoError(t, err)
	default:
		h.put(t, load, "odd", id...)
	}
	if h.scrapes/30%3 == 0 {
		h.put(t, load, "twice", append(id, "half", "a")...)
	}
	if h.scrapes/30%4 != 0 {
		h.put(t, load/2, "twice", append(id, "half", "b")...)
	}
	h.put(t, 0.1+0.05*math.Sin(float64(h.scrapes)/100), "price")
	h.put(t, float64(h.scrapes)*load, "first_"+[]string{"a", "b"}[h.scrapes/100%2]+"_total", id...)
}
