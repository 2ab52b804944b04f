package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/internal/testclock"
)

// The names of models that are as odd as names can be.
var (
	longName = "organization-with-a-long-name/" + strings.Repeat("Model", 14)
	wildName = `<b>"Qu'ote" & Co</b>`
)

// oddConfig is a fleet of what is rare: names and numbers at their limits, parts of a model, and all ways of not knowing.
func oddConfig() string {
	var b strings.Builder
	fmt.Fprintf(&b, `prometheus: {url: http://prometheus.example}
scale_targets: {current: current, ready: ready}
defaults: {headroom: 0, scale_down_window: 1m, provision_timeout: 10m}
signals:
  load: {unit: requests, demand: load}
  seen: {unit: requests, demand: load, sources: 'told'}
  prefill: {unit: tokens, demand: load}
  decode: {unit: replicas, demand: load / 100}
  rate: {unit: requests per second, latency: load, input_tokens: 'load * 0 + 800', output_tokens: 'load * 0 + 200'}
budgets:
  - {name: %q, unit: %q, limit: 1e9}
models:
  - {name: %q, namespace: odd, signals: [load], variants: [{name: %s, accelerator: H100, cost: 4.1, capacity: {load: 10}, uses: {%q: 1}}]}
  - {name: %q, namespace: odd, signals: [load], variants: [{name: wild, cost: 1, capacity: {load: 10}}]}
  - {name: tiny, namespace: odd, signals: [load], variants: [{name: tiny, cost: 0.000001, capacity: {load: 0.000001}}]}
  - {name: huge, namespace: odd, signals: [load], variants: [{name: huge, cost: 1e9, capacity: {load: 1e9}}]}
  - {name: parts, namespace: odd, signals: [prefill, decode], variants: [{name: parts-prefill, role: prefill, cost: 8, capacity: {prefill: 50}}, {name: parts-decode, role: decode, cost: 8, capacity: {decode: 0.8}}]}
  - {name: partial, namespace: odd, signals: [seen], variants: [{name: partial, cost: 1, capacity: {seen: 50}}]}
  - {name: failsafe, namespace: odd, signals: [load], variants: [{name: failsafe, cost: 1, capacity: {load: 50}, failsafe: {after: 5m, replicas: 6}}]}
  - {name: silent, namespace: odd, signals: [load], variants: [{name: silent, cost: 1, capacity: {load: 50}}]}
  - {name: overdue, namespace: odd, signals: [load], variants: [{name: overdue, cost: 1, startup: 1m, capacity: {load: 50}}]}
  - {name: stuck, namespace: odd, signals: [load], variants: [{name: stuck, cost: 1, startup: 1m, capacity: {load: 50}}]}
  - {name: latency, namespace: odd, signals: [rate], slo: {ttft: 500ms, itl: 40ms, quantile: 0.95}, variants: [{name: latency, cost: 4, profile: {alpha: 12ms, beta: 0.03ms, gamma: 0.0005ms, max_batch: 256}}]}
  - name: dozen
    namespace: odd
    signals: [load]
    variants:
`, strings.Repeat("budget", 10), "<i>units</i>", longName, longVariant, strings.Repeat("budget", 10), wildName)
	for i := range 12 {
		fmt.Fprintf(&b, "      - {name: dozen-%02d, accelerator: GPU-%d, cost: %g, startup: 1m, capacity: {load: %d}, replicas: {max: 2}}\n", i, i, float64(3+i), 10*(i+1))
	}
	return b.String()
}

var longVariant = strings.Repeat("variant", 9) // 63 characters: no label value of Kubernetes is longer

// newOdd is a stage with the odd fleet, of which everything has been the same for half an hour.
func newOdd(t *testing.T) *stage {
	t.Helper()
	s := &stage{clock: testclock.New(stageNow)}
	s.config, s.remarks = config.Load("odd.yml", oddConfig())
	require.NotNil(t, s.config, "%v", s.remarks)
	var err error
	s.engine, err = embedded.New(embedded.Config{Dir: t.TempDir(), Retention: 100 * time.Hour})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.engine.Close()) })
	loads := map[string]float64{"tiny": 0.000003, "huge": 3.4e9, "parts": 120, "partial": 120, "overdue": 120, "stuck": 120, "latency": 9, "dozen": 700}
	for at := stageNow.Add(-30 * time.Minute); !at.After(stageNow); at = at.Add(15 * time.Second) {
		var v model.Vector
		put := func(value float64, name string, pairs ...string) {
			m := model.Metric{"__name__": model.LabelValue(name), "namespace": "odd"}
			for i := 0; i < len(pairs); i += 2 {
				m[model.LabelName(pairs[i])] = model.LabelValue(pairs[i+1])
			}
			v = append(v, &model.Sample{Metric: m, Value: model.SampleValue(value), Timestamp: model.TimeFromUnixNano(at.UnixNano())})
		}
		for i := range s.config.Models {
			m := &s.config.Models[i]
			load, known := loads[m.Name]
			if !known {
				load = 42
			}
			if m.Name != "silent" && m.Name != "failsafe" {
				put(load, "load", "model_name", m.Name)
			}
			for j := range m.Variants {
				name, current, ready := m.Variants[j].Name, 2.0, 2.0
				if name == "overdue" && at.After(stageNow.Add(-3*time.Minute)) || name == "stuck" && at.After(stageNow.Add(-15*time.Minute)) {
					current = 3
				}
				target := []string{"scale_target_kind", "Deployment", "scale_target_name", name}
				put(current, "current", target...)
				put(ready, "ready", target...)
			}
		}
		put(1, "told", "model_name", "partial", "pod", "partial-6d4cf56db6-bcd2x")
		require.NoError(t, s.engine.Append(t.Context(), v))
	}
	return s
}

// odd looks at the odd fleet: every name is a text and not HTML, no page is wider than its window, and each way of not knowing is said.
func odd(t *testing.T, b *browser) {
	base := newOdd(t).serve(t, nil)
	id := func(name string) string { return "/model?id=" + url.QueryEscape("odd/"+name) }
	for name, page := range map[string]struct{ address, want string }{
		"overview": {"/", "One variant each 4000000177.50"}, // no less than what is planned
		"models":   {"/?range=15m", wildName},
		"inputs":   {"/inputs", "inputs needs a look: 1 missing"},
		"what-if":  {"/what-if?model=" + url.QueryEscape("odd/"+longName), longVariant},
		"long":     {id(longName), longVariant},
		"wild":     {id(wildName), wildName},
		"tiny":     {id("tiny"), "0.000001"},
		"huge":     {id("huge"), "3400000000"},
		"parts":    {id("parts"), "prefill"},
		"partial":  {id("partial"), "1 of 2 ready replicas of partial tell it"},
		"failsafe": {id("failsafe"), "load has no result"},
		"silent":   {id("silent"), "load has no result"},
		"overdue":  {id("overdue"), "1 overdue"},
		"stuck":    {id("stuck"), "stuck"},
		"latency":  {id("latency"), "requests per second"},
		"dozen":    {id("dozen"), "dozen-11"},
		"before":   {"/?at=3d", "Prometheus has no data of this time"},
	} {
		b.open(t, base+page.address)
		b.settle(t)
		assert.Contains(t, b.text(t, "#content"), page.want, name)
		assert.InDelta(t, 0, eval[float64](t, b, "document.querySelectorAll('#content b:not(.cells b), #content i').length"), 0, name)
		for i, w := range append(windows(), window{"half", 640, 900}) {
			b.wear(t, w, []string{"light", "dark", "light"}[i])
			b.fits(t, w, name)
			b.shoot(t, "odd-"+name+"-"+w.name)
		}
		b.quiet(t, name)
	}
}
