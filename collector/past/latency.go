package past

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Latency is a quantile of a latency as model servers measured it, against its target. All times are in seconds.
type Latency struct {
	Name     string // such as ttft
	Title    string
	Quantile float64   // which of all requests, or output tokens, were faster
	Target   *float64  // nil for none
	Values   []float64 // by the steps of the record; NaN where nothing was measured
}

// measures are the latencies that model servers have histograms of, and the histograms' names.
func measures() []struct{ name, title, metrics string } {
	return []struct{ name, title, metrics string }{
		{"ttft", "Time to first token", `(vllm|sglang)[:_]time_to_first_token_seconds_bucket|trtllm_time_to_first_token_seconds_bucket`},
		{"itl", "Time between tokens", `(vllm|sglang)[:_]inter_token_latency_seconds_bucket|trtllm_time_per_output_token_seconds_bucket`},
	}
}

// defaultQuantile is shown where the targets of a model have none of their own.
const defaultQuantile = 0.95

// latencyWindow is the least time over which a quantile is taken.
const latencyWindow = 2 * time.Minute

type latencyKey struct {
	model int
	name  string
	end   int64
}

type latencyEntry struct {
	all  []Latency
	made time.Time
}

// Latencies are what the servers of a model measured over the steps of a record: only what there are histograms for. One range query is
// sent for each; an answer is kept for an interval.
func (k *Keeper) Latencies(ctx context.Context, index int, record *Record) ([]Latency, error) {
	now, r := k.options.Now(), record.Range
	first, last := r.steps(record.To)
	key := latencyKey{index, r.Name, last}
	k.mu.Lock()
	entry, ok := k.latency[key]
	k.mu.Unlock()
	if ok && now.Sub(entry.made) < Interval {
		return entry.all, nil
	}
	m := &k.config.Models[index]
	var all []Latency
	for _, x := range measures() {
		l := Latency{Name: x.name, Title: x.title, Quantile: quantileOf(m), Target: targetOf(m, x.name)}
		expr := latencyExpr(k.config, m, x.metrics, l.Quantile, max(latencyWindow, r.Step))
		matrix, err := k.queryRange(ctx, expr, v1.Range{Start: r.time(first), End: r.time(last), Step: r.Step})
		if err != nil {
			return nil, fmt.Errorf("ask for %s: %w", x.name, err)
		}
		if len(matrix) > 0 {
			l.Values = laid(matrix[0], first, last, r)
			all = append(all, l)
		}
	}
	k.keepLatency(key, latencyEntry{all, now})
	return all, nil
}

// keepLatency keeps an answer, and drops those that are no longer of use.
func (k *Keeper) keepLatency(key latencyKey, entry latencyEntry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for old, e := range k.latency {
		if entry.made.Sub(e.made) >= Interval {
			delete(k.latency, old)
		}
	}
	k.latency[key] = entry
}

// laid puts the samples of a series on the steps of a range.
func laid(s *model.SampleStream, first, last int64, r Range) []float64 {
	values := make([]float64, last-first+1)
	for i := range values {
		values[i] = math.NaN()
	}
	for _, sample := range s.Values {
		at := sample.Timestamp.Time().UnixNano()/int64(r.Step) - first
		if v := float64(sample.Value); at >= 0 && at < int64(len(values)) && !math.IsInf(v, 0) {
			values[at] = v
		}
	}
	return values
}

func quantileOf(m *config.Model) float64 {
	if m.SLO != nil && m.SLO.Quantile != nil {
		return *m.SLO.Quantile
	}
	return defaultQuantile
}

func targetOf(m *config.Model, name string) *float64 {
	if m.SLO == nil {
		return nil
	}
	target := float64(m.SLO.TTFT)
	if name == "itl" {
		target = float64(m.SLO.ITL)
	}
	if target <= 0 {
		return nil
	}
	return &target
}

// latencyExpr is a quantile over all servers of a model.
func latencyExpr(c *config.Config, m *config.Model, metrics string, quantile float64, window time.Duration) string {
	matchers := []string{
		fmt.Sprintf("__name__=~%q", metrics), fmt.Sprintf("%s=%q", c.Labels.Namespace, m.Namespace), fmt.Sprintf("%s=%q", c.Labels.Model, m.Name),
	}
	if own := strings.Trim(c.Selector.String(), "{} "); own != "" {
		matchers = append(matchers, own)
	}
	return fmt.Sprintf("histogram_quantile(%v, sum by (le) (rate({%s}[%s])))", quantile, strings.Join(matchers, ", "), model.Duration(window))
}
