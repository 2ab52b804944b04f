package collector_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
)

// BenchmarkReplicas asks what guards need of kube-state-metrics, for as many Deployments as there are variants.
func BenchmarkReplicas(b *testing.B) {
	for _, models := range []int{3, 250} {
		b.Run(fmt.Sprintf("%d variants", models*variantsPerModel), func(b *testing.B) {
			engine, err := embedded.New(embedded.Config{})
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, engine.Close()) })
			const scrape = 15 * time.Second
			for at := fleetAt.Add(-40 * time.Minute); !at.After(fleetAt); at = at.Add(scrape) {
				require.NoError(b, engine.Append(b.Context(), deployments(models, at)))
			}
			c, found := config.Load("fleet.yml", fleetConfig(models))
			require.NotNil(b, c, "%v", found)
			e, err := collector.NewEvaluator(c, engine, collector.EvaluatorOptions{
				Concurrency: 1, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
			})
			require.NoError(b, err)
			took := map[string]float64{}
			for b.Loop() {
				for _, in := range e.Evaluate(b.Context(), fleetAt).Inputs {
					if name, ok := strings.CutPrefix(in.Name, "scale_targets."); ok {
						took[name] += in.Duration
					}
				}
			}
			for name, total := range took {
				b.ReportMetric(1000*total/float64(b.N), name+"-ms/op")
			}
		})
	}
}

// deployments are what kube-state-metrics tells of a fleet at one time.
func deployments(models int, at time.Time) model.Vector {
	var all model.Vector
	for m := range models {
		for v := range variantsPerModel {
			for _, name := range []string{"kube_deployment_spec_replicas", "kube_deployment_status_replicas_ready"} {
				all = append(all, &model.Sample{
					Metric: model.Metric{
						"__name__": model.LabelValue(name), "namespace": model.LabelValue(fmt.Sprintf("team-%d", m%10)),
						"deployment": model.LabelValue(fmt.Sprintf("model-%d-v%d", m, v)),
					},
					Value: model.SampleValue((m + v) % 4), Timestamp: model.TimeFromUnixNano(at.UnixNano()),
				})
			}
		}
	}
	return all
}
