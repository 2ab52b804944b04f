// Package scale_test measures what one scrape of the exporter costs a real Prometheus: 1,000 variants of 250 models and 8,000 pods.
package scale_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"
)

var (
	binary  = flag.String("scale.binary", "", "a built variant_exporter; default: built from this repository")
	buckets = flag.Int("scale.buckets", 0, "buckets of each histogram of request lengths that a pod shows; vLLM has about 14")
)

const (
	models           = 250
	variantsPerModel = 4
	podsPerVariant   = 8
	scrapeInterval   = 15 * time.Second
	past             = 20 * time.Minute // of samples at the scrape interval
	longPast         = 70 * time.Minute // of samples once a minute, for the means of an hour
	future           = 10 * time.Minute // so that samples are there while the benchmark runs
)

// kind is a configuration that is measured: simple is README's first, rich has four signals, a forecast, measured headroom and limits on
// change, and recorded is rich with its signals read from the series of recording rules.
type kind string

const (
	kindSimple   kind = "simple"
	kindRich     kind = "rich"
	kindRecorded kind = "recorded"
)

const (
	simple = "capacity: {concurrency: %d}"
	rich   = "capacity: {concurrency: %d, prompt_tokens: 9000, generation_tokens: 2000}, " +
		"profile: {alpha: 12ms, beta: 0.03ms, gamma: 0.0005ms, max_batch: 256}"
)

func configuration(url string, of kind) string {
	var b strings.Builder
	fmt.Fprintf(&b, "prometheus: {url: %s}\nrecorded: %t\n", url, of == kindRecorded)
	variant, full := simple, of != kindSimple
	if full {
		variant = rich
		b.WriteString("defaults: {headroom: auto, forecast: {method: linear}, scale_up_limit: {percent: 100}, scale_down_limit: {percent: 10, per: 5m}}\n")
	}
	b.WriteString("models:\n")
	for m := range models {
		fmt.Fprintf(&b, "  - name: org/model-%d\n    namespace: team-%d\n    presets: [vllm]\n", m, m%10)
		if full {
			b.WriteString("    slo: {ttft: 2s, itl: 60ms}\n")
		}
		b.WriteString("    variants:\n")
		for v := range variantsPerModel {
			fmt.Fprintf(&b, "      - {name: model-%d-v%d, cost: %g, startup: 2m, replicas: {max: 50}, "+variant+"}\n",
				m, v, float64(10+m%7+13*v)/10, 20+m%5+45*v)
		}
	}
	return b.String()
}

// BenchmarkPrometheus reports the processor seconds that a scrape takes of Prometheus and of the exporter, in the steady state, and
// how many queries it is.
func BenchmarkPrometheus(b *testing.B) {
	if testing.Short() {
		b.Skip("minutes of a large fleet: make scale-bench")
	}
	program := built(b)
	source, _ := startFleet(b, fleet(), longPast)
	for _, of := range []kind{kindSimple, kindRich} {
		b.Run(string(of), func(b *testing.B) {
			exporter := start(b, program, "serve", "--config.file="+file(b, b.TempDir(), "ve.yml", configuration("http://"+source.address, of)),
				"--web.listen-address=%s", "--query.timeout=50s")
			exporter.wait(b, "/-/healthy")
			cold := source.processor()
			exporter.scrape(b)
			b.ReportMetric((source.processor() - cold).Seconds(), "cold-prometheus-s")
			exporter.scrape(b)
			before, own, n := source.processor(), exporter.processor(), 0
			for b.Loop() {
				body := exporter.scrape(b)
				require.NotContains(b, body, "variant_exporter_query_up{input=\"vllm.concurrency.demand\"} 0")
				n++
			}
			b.ReportMetric((source.processor()-before).Seconds()/float64(n), "prometheus-s/scrape")
			b.ReportMetric((exporter.processor()-own).Seconds()/float64(n), "exporter-s/scrape")
			last := exporter.scrape(b)
			b.ReportMetric(float64(strings.Count(last, "\nvariant_exporter_query_up{")), "queries")
			for line := range strings.Lines(last) {
				if testing.Verbose() && strings.HasPrefix(line, "variant_exporter_query_duration_seconds{") {
					b.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}

// built is the program that is measured.
func built(b *testing.B) string {
	b.Helper()
	if *binary != "" {
		return *binary
	}
	program := filepath.Join(b.TempDir(), "variant_exporter")
	out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "../..").CombinedOutput()
	require.NoError(b, err, "%s", out)
	return program
}

// startFleet starts a Prometheus that has these series of a fleet, up to ten minutes after now.
func startFleet(b *testing.B, all []series, long time.Duration) (source *process, now time.Time) {
	b.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		b.Skip("prometheus is not on PATH")
	}
	data := b.TempDir()
	now = write(b, data, all, long, past)
	source = start(b, program, "--config.file="+file(b, b.TempDir(), "prometheus.yml", "global: {}\n"),
		"--query.timeout=30m", "--storage.tsdb.path="+data, "--storage.tsdb.retention.time=10y", "--web.listen-address=%s")
	source.wait(b, "/-/ready")
	if source.processor() == 0 {
		b.Skip("/proc does not tell the processor time of a process")
	}
	return source, now
}

// process is a program that runs for a benchmark.
type process struct {
	cmd     *exec.Cmd
	address string
}

// start runs a program that listens where its last but one argument says.
func start(b *testing.B, program string, args ...string) *process {
	b.Helper()
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	require.NoError(b, err)
	address := listener.Addr().String()
	require.NoError(b, listener.Close())
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "%s", address)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{exec.CommandContext(ctx, program, args...), address}
	require.NoError(b, p.cmd.Start())
	b.Cleanup(func() {
		cancel()
		_ = p.cmd.Wait()
	})
	return p
}

func (p *process) get(ctx context.Context, path string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", answer.Status, body)
	}
	return string(body), err
}

func (p *process) wait(b *testing.B, path string) {
	b.Helper()
	require.Eventually(b, func() bool {
		_, err := p.get(b.Context(), path)
		return err == nil
	}, time.Minute, 50*time.Millisecond)
}

func (p *process) scrape(b *testing.B) string {
	b.Helper()
	body, err := p.get(b.Context(), "/metrics")
	require.NoError(b, err)
	return body
}

// processor is the time that all cores together have spent on the process.
func (p *process) processor() time.Duration {
	var all time.Duration
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid)) // The pattern is well formed.
	for _, thread := range threads {
		var ns time.Duration
		if stat, err := os.ReadFile(thread); err == nil {
			_, _ = fmt.Sscan(string(stat), &ns)
		}
		all += ns
	}
	return all
}

func file(b *testing.B, dir, name, text string) string {
	b.Helper()
	path := filepath.Join(dir, name)
	require.NoError(b, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// write makes a block of a Prometheus' data: the series of vLLM for every pod, and those of kube-state-metrics for every Deployment.
func write(b *testing.B, dir string, all []series, long, fine time.Duration) time.Time {
	b.Helper()
	var limit syscall.Rlimit
	require.NoError(b, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, (long + 3*time.Hour).Milliseconds())
	require.NoError(b, err)
	now := time.Now().Truncate(scrapeInterval)
	refs := map[string]storage.SeriesRef{}
	step := time.Minute
	for at := now.Add(-long); at.Before(now.Add(future)); at = at.Add(step) {
		if now.Sub(at) <= fine {
			step = scrapeInterval
		}
		app := w.Appender(b.Context())
		for i := range all {
			s := &all[i]
			ref, err := app.Append(refs[s.key], s.labels, at.UnixMilli(), s.value+s.rate*at.Sub(now.Add(-long)).Seconds())
			require.NoError(b, err)
			refs[s.key] = ref
		}
		require.NoError(b, app.Commit())
	}
	_, err = w.Flush(b.Context())
	require.NoError(b, err)
	require.NoError(b, w.Close())
	return now
}

// series is one series of the fleet: a value that rises by a rate.
type series struct {
	key         string
	labels      labels.Labels
	value, rate float64
}

// fleet is made once: after the flags are known, before what is measured.
var fleet = sync.OnceValue(makeFleet)

func makeFleet() []series {
	var all []series
	add := func(value, rate float64, pairs ...string) {
		l := labels.FromStrings(pairs...)
		all = append(all, series{l.String(), l, value, rate})
	}
	for m := range models {
		namespace := fmt.Sprintf("team-%d", m%10)
		for v := range variantsPerModel {
			workload := fmt.Sprintf("model-%d-v%d", m, v)
			for _, name := range []string{"spec_replicas", "status_replicas", "status_replicas_ready", "status_replicas_updated"} {
				add(podsPerVariant, 0, "__name__", "kube_deployment_"+name, "namespace", namespace, "deployment", workload, "job", "ksm", "instance", "ksm:8080")
			}
			for p := range podsPerVariant {
				pod := fmt.Sprintf("%s-6d4cf56db6-bcd%cx", workload, "2456789b"[p])
				add(1, 0, "__name__", "up", "namespace", namespace, "pod", pod, "instance", pod+":8000", "job", "vllm")
				for condition, is := range map[string]float64{"true": 1, "false": 0, "unknown": 0} {
					add(is, 0, "__name__", "kube_pod_status_ready", "namespace", namespace, "pod", pod, "condition", condition, "job", "ksm", "instance", "ksm:8080")
				}
				for name, s := range podSeries(m, v) {
					add(s[0], s[1], "__name__", "vllm:"+name, "namespace", namespace, "pod", pod, "instance", pod+":8000", "job", "vllm",
						"engine", "0", "model_name", fmt.Sprintf("org/model-%d", m))
				}
				for i := range *buckets {
					for _, name := range []string{"prompt", "generation"} { // with half of the lengths in each bucket of those in the next
						add(0, math.Pow(2, float64(i+1-*buckets)), "__name__", "vllm:request_"+name+"_tokens_bucket", "namespace", namespace, "pod", pod, "instance", pod+":8000",
							"job", "vllm", "engine", "0", "model_name", fmt.Sprintf("org/model-%d", m), "le", bound(i))
					}
				}
				add(1, 0, "__name__", "vllm:cache_config_info", "namespace", namespace, "pod", pod, "instance", pod+":8000", "job", "vllm",
					"engine", "0", "num_gpu_blocks", "25000", "block_size", "16")
			}
		}
	}
	return all
}

// bound is the upper bound of a bucket.
func bound(i int) string {
	if i == *buckets-1 {
		return "+Inf"
	}
	return strconv.Itoa(1 << i)
}

// podSeries are the value and the rate of each series of a pod.
func podSeries(m, v int) map[string][2]float64 {
	requests := 1 + float64(m%5)/4
	return map[string][2]float64{
		"num_requests_running": {float64(10 + m%7 + v), 0}, "num_requests_waiting": {0, 0}, "kv_cache_usage_perc": {0.3, 0},
		"prompt_tokens_total": {0, 600 * requests}, "generation_tokens_total": {0, 150 * requests},
		"request_prompt_tokens_sum": {0, 600 * requests}, "request_prompt_tokens_count": {0, requests},
		"request_generation_tokens_sum": {0, 150 * requests}, "request_generation_tokens_count": {0, requests},
		"request_success_total": {0, requests}, "time_to_first_token_seconds_count": {0, requests},
		"inter_token_latency_seconds_sum": {0, 3}, "inter_token_latency_seconds_count": {0, 150 * requests},
	}
}
