package demo

import (
	"context"
	"fmt"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// gauges are what the demo reads of the exporter's exposition.
type gauges struct {
	desired map[string]float64 // replicas to scale to, by variant
	planned map[string]float64 // demand that was planned for, by model
}

// scrape reads the exporter's gauges as an autoscaler would. What the exporter does not expose is left out.
func scrape(ctx context.Context, client *http.Client, metricsURL string) (gauges, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, metricsURL, http.NoBody)
	if err != nil {
		return gauges{}, fmt.Errorf("scrape the exporter: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return gauges{}, fmt.Errorf("scrape the exporter: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // what was read has been read
	if response.StatusCode != http.StatusOK {
		return gauges{}, fmt.Errorf("scrape the exporter: %s", response.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return gauges{}, fmt.Errorf("read the exporter's metrics: %w", err)
	}
	return gauges{
		desired: byLabel(families["variant_desired_replicas"], "variant"),
		planned: byLabel(families["variant_model_planned_demand"], "model"),
	}, nil
}

// byLabel maps the values of a label to the samples that carry them.
func byLabel(family *dto.MetricFamily, name string) map[string]float64 {
	values := map[string]float64{}
	for _, m := range family.GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == name {
				values[l.GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return values
}
