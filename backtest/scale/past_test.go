package scale_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

// BenchmarkPast reports what a first look at the last day costs of the same 1,000 variants, with one pod each: the page of a model, which is
// read from the exporter's own gauges, and a minute of /api/v1/history, whose steps are worked out, with scrapes at the same time.
func BenchmarkPast(b *testing.B) {
	if testing.Short() {
		b.Skip("minutes of a large fleet: make scale-bench")
	}
	program := built(b)
	source, _ := startFleet(b, append(onePod(fleet()), shown()...), 25*time.Hour)
	exporter := start(b, program, "serve", "--config.file="+file(b, b.TempDir(), "ve.yml", configuration("http://"+source.address, kindSimple)),
		"--web.listen-address=%s", "--query.timeout=50s")
	exporter.wait(b, "/-/ready")
	for b.Loop() {
		own, theirs := exporter.processor(), source.processor()
		page := exporter.page(b)
		require.Contains(b, page, `<figure class="chart`)
		require.NotContains(b, page, "data-more", "nothing is worked out")
		b.ReportMetric((exporter.processor() - own).Seconds(), "exporter-s/page")
		b.ReportMetric((source.processor() - theirs).Seconds(), "prometheus-s/page")
	}
	b.ReportMetric(exporter.timed(b).Seconds(), "s/scrape-before")
	own, theirs, slowest := exporter.processor(), source.processor(), time.Duration(0)
	done := make(chan int, 1)
	go func() { done <- exporter.lookBack(b.Context(), time.Minute) }()
	for {
		select {
		case steps := <-done:
			b.ReportMetric(float64(steps), "steps")
			b.ReportMetric((exporter.processor() - own).Seconds(), "exporter-s")
			b.ReportMetric((source.processor() - theirs).Seconds(), "prometheus-s")
			b.ReportMetric(slowest.Seconds(), "s/slowest-scrape")
			return
		case <-time.After(5 * time.Second):
			slowest = max(slowest, exporter.timed(b))
		}
	}
}

// onePod are the series of a fleet that has one pod for each variant.
func onePod(all []series) []series {
	var some []series
	for _, s := range all {
		pod := s.labels.Get("pod")
		if pod == "" || strings.HasSuffix(pod, "-bcd2x") && strings.HasPrefix(s.labels.Get("__name__"), "vllm:num_requests") {
			some = append(some, s)
		}
	}
	return some
}

// shown are the gauges that the exporter has of a fleet.
func shown() []series {
	var out []series
	add := func(value float64, pairs ...string) {
		l := labels.FromStrings(pairs...)
		out = append(out, series{key: l.String(), labels: l, value: value})
	}
	for m := range models {
		of := []string{"target_namespace", fmt.Sprintf("team-%d", m%10), "model", fmt.Sprintf("org/model-%d", m)}
		for _, name := range []string{"demand", "stabilized_demand", "planned_demand", "ready_supply"} {
			add(100, append([]string{"__name__", "variant_model_" + name, "signal", "concurrency"}, of...)...)
		}
		for v := range variantsPerModel {
			of := append([]string{"variant", fmt.Sprintf("model-%d-v%d", m, v)}, of...)
			for _, name := range []string{"current", "ready", "planned", "desired"} {
				add(2, append([]string{"__name__", "variant_" + name + "_replicas"}, of...)...)
			}
			add(1, append([]string{"__name__", "variant_decision", "reason", "demand"}, of...)...)
			add(50, append([]string{"__name__", "variant_replica_capacity", "signal", "concurrency"}, of...)...)
		}
	}
	return out
}

func (p *process) page(b *testing.B) string {
	b.Helper()
	body, err := p.get(b.Context(), "/model?id=team-0/org/model-0&range=24h")
	require.NoError(b, err)
	return body
}

func (p *process) timed(b *testing.B) time.Duration {
	b.Helper()
	begun := time.Now()
	p.scrape(b)
	return time.Since(begun)
}

// lookBack looks at the history for a time, and returns how many steps it has got then.
func (p *process) lookBack(ctx context.Context, span time.Duration) (steps int) {
	for end := time.Now().Add(span); time.Now().Before(end); {
		body, err := p.get(ctx, "/api/v1/history?range=24h&model=team-0/org/model-0")
		var answer struct{ Times []int64 }
		if err == nil && json.Unmarshal([]byte(body), &answer) == nil {
			steps = len(answer.Times)
		}
		time.Sleep(time.Second)
	}
	return steps
}
