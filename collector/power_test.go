package collector_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

// TestPowerByLoad is about a replica that drew 690 W until two hours ago and 485 W since. Its energy costs what it draws now. The budget
// still has the most of the day: 1,300 W are for one replica, where 485 W a replica would be two.
func TestPowerByLoad(t *testing.T) {
	engine, err := embedded.New(embedded.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	var samples model.Vector
	for ago := 6 * time.Hour; ago >= 0; ago -= 15 * time.Second {
		at := model.TimeFromUnix(fleetAt.Add(-ago).Unix())
		watts := model.SampleValue(690)
		if ago < 2*time.Hour {
			watts = 485
		}
		pod := func(name model.LabelValue, v model.SampleValue, more ...model.LabelValue) {
			m := model.Metric{"__name__": name, "namespace": "llm", "pod": "a-6d4cf56db6-xxxxb", "model_name": "m"}
			for i := 0; i < len(more); i += 2 {
				m[model.LabelName(more[i])] = more[i+1]
			}
			samples = append(samples, &model.Sample{Metric: m, Value: v, Timestamp: at})
		}
		pod("DCGM_FI_DEV_POWER_USAGE", watts, "UUID", "1")
		pod("load", 150)
	}
	require.NoError(t, engine.Append(t.Context(), samples))
	c, found := config.Load("power.yml", `
prometheus: {url: http://prometheus.example}
energy_price: 0.2
scale_targets: {disabled: true}
budgets: [{name: power, unit: watts, limit: 1300}]
signals: {load: {unit: requests, demand: "sum by (namespace, model_name) (load)", sources: "load"}}
models: [{name: m, namespace: llm, presets: [dcgm], signals: [load], variants: [{name: a, cost: 4, capacity: {load: 100}}]}]
`)
	require.NotNil(t, c, "%v", found)
	e, err := collector.NewEvaluator(c, engine, collector.EvaluatorOptions{Concurrency: 4, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	v := e.Evaluate(t.Context(), fleetAt).Models[0].Variants[0]
	require.NotNil(t, v.Cost, v.Missing)
	require.InDelta(t, 4+0.485*0.2, *v.Cost, 1e-6)
	require.NotNil(t, v.Desired, v.Missing)
	require.Equal(t, 1, *v.Desired, "two at 690 W are too many")
}
