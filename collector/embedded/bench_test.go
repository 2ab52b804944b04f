package embedded_test

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

// BenchmarkQuery asks what a preset asks for 250 models, of 1,000 pods with ten minutes of samples.
func BenchmarkQuery(b *testing.B) {
	engine, err := embedded.New(embedded.Config{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, engine.Close()) })
	for i := range 40 {
		scrape := make(model.Vector, 0, 1000)
		for pod := range 1000 {
			s := sample("vllm:num_requests_running", strconv.Itoa(pod), start.Add(time.Duration(i)*15*time.Second), float64(i^pod))
			s.Metric["model_name"] = model.LabelValue(strconv.Itoa(pod % 250))
			scrape = append(scrape, s)
		}
		require.NoError(b, engine.Append(b.Context(), scrape))
	}
	at := start.Add(10 * time.Minute)
	for name, expr := range map[string]string{
		"instant":  "sum by (model_name) (vllm:num_requests_running)",
		"window":   "sum by (model_name) (max_over_time(vllm:num_requests_running[5m]))",
		"subquery": "max_over_time(sum by (model_name) (vllm:num_requests_running)[5m:15s])",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				vector, err := engine.Query(b.Context(), expr, at)
				require.NoError(b, err)
				require.Len(b, vector, 250)
			}
		})
	}
}

// BenchmarkSeries reports what a series in memory takes. Run it with go test ./collector/embedded -run='^$' -bench=Series.
func BenchmarkSeries(b *testing.B) {
	const series = 50_000
	for b.Loop() {
		engine, err := embedded.New(embedded.Config{})
		require.NoError(b, err)
		before := live()
		for i := range series / 100 {
			var vector model.Vector
			for j := range 100 {
				vector = append(vector, sample("load", fmt.Sprintf("%d-%d", i, j), time.Now(), 1))
			}
			require.NoError(b, engine.Append(b.Context(), vector))
		}
		b.ReportMetric(float64(live()-before)/series, "B/series")
		require.NoError(b, engine.Close())
	}
}

// live is the memory of live objects.
func live() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
