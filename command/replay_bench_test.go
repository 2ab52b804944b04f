package command

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"
)

// The generated week, and the day before it that headroom: auto looks at.
const (
	weekScrape   = 30 * time.Second
	weekVariants = 10 // two of each model
	weekPods     = 4  // of each variant
	weekBlock    = 2 * time.Hour
)

var weekEnd = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// BenchmarkReplayWeek is the whole command over a week of minutes for ten variants, against a real Prometheus on this machine.
func BenchmarkReplayWeek(b *testing.B) {
	if testing.Short() {
		b.Skip("a week takes a while")
	}
	url := prometheusOn(b, generatedWeek(b))
	for name, defaults := range map[string]string{
		"defaults": "{}",
		"linear":   "{forecast: {method: linear}, headroom: auto}",
	} {
		b.Run(name, func(b *testing.B) {
			config := write(b, filepath.Join(b.TempDir(), "config.yml"), weekConfig(url, defaults))
			for b.Loop() {
				var out, problems bytes.Buffer
				code := Run(b.Context(), []string{
					"replay", "--config.file=" + config, "--from=" + weekEnd.AddDate(0, 0, -7).Format(time.RFC3339),
					"--to=" + weekEnd.Format(time.RFC3339),
				}, Streams{nil, &out, &problems})
				require.Zero(b, code, problems.String())
				require.Contains(b, out.String(), "10080 steps of 1m")
				b.Log(out.String())
			}
		})
	}
}

func weekConfig(url, defaults string) string {
	var c strings.Builder
	fmt.Fprintf(&c, "prometheus: {url: %q}\ndefaults: %s\nmodels:\n", url, defaults)
	for m := range weekVariants / 2 {
		fmt.Fprintf(&c, `
  - name: m%d
    namespace: llm
    presets: [vllm]
    variants:
      - {name: m%d-big, cost: 4.10, startup: 2m, capacity: {concurrency: 96}, replicas: {max: 12}}
      - {name: m%d-small, cost: 0.90, startup: 1m, capacity: {concurrency: 18}, replicas: {max: 30}}
`, m, m, m)
	}
	return c.String()
}

// generatedWeek is a folder of blocks as Prometheus writes them.
func generatedWeek(b *testing.B) string {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "data")
	random := rand.New(rand.NewPCG(1, 2))
	for from := weekEnd.AddDate(0, 0, -9); from.Before(weekEnd); from = from.Add(weekBlock) {
		w, err := tsdb.NewBlockWriter(promslog.NewNopLogger(), dir, weekBlock.Milliseconds())
		require.NoError(b, err)
		app := w.Appender(b.Context())
		for at := from; at.Before(from.Add(weekBlock)); at = at.Add(weekScrape) {
			scrapeWeek(random, at, func(v float64, pairs ...string) {
				_, err := app.Append(0, labels.FromStrings(append(pairs, "namespace", "llm")...), at.UnixMilli()+3000, v)
				require.NoError(b, err)
			})
		}
		require.NoError(b, app.Commit())
		_, err = w.Flush(b.Context())
		require.NoError(b, err)
		require.NoError(b, w.Close())
	}
	return dir
}

// scrapeWeek is what one scrape of the fleet finds: load by the hour of day and the day of the week, with noise.
func scrapeWeek(random *rand.Rand, at time.Time, put func(v float64, pairs ...string)) {
	hour := float64(at.Unix()%86400) / 3600
	for v := range weekVariants {
		variant := fmt.Sprintf("m%d-%s", v/2, []string{"big", "small"}[v%2])
		load := 60 + 50*math.Sin((hour+float64(v))/12*math.Pi) - 20*math.Floor(float64(at.Weekday()%6)/5) + 5*random.NormFloat64()
		for p := range weekPods {
			id := []string{"model_name", fmt.Sprintf("m%d", v/2), "pod", variant + "-6d4cf56db6-xxxx" + string("bcdf"[p])}
			put(math.Max(0, math.Round(load)), append(id, "__name__", "vllm:num_requests_running")...)
			put(math.Max(0, math.Round(load-90)), append(id, "__name__", "vllm:num_requests_waiting")...)
		}
		put(weekPods, "__name__", "kube_deployment_spec_replicas", "deployment", variant)
		put(weekPods, "__name__", "kube_deployment_status_replicas_ready", "deployment", variant)
	}
}
