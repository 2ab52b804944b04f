package collector_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
)

// TestText holds the body and the headers of a scrape to those of the library, for every format, odd numbers and odd names.
func TestText(t *testing.T) {
	s := newFleetEvaluator(t, 3, newFleetServer(t, 3).URL).Evaluate(t.Context(), fleetAt)
	for i, value := range []float64{0, -1, 0.1, 1e5, 999999, 1e6, 123456789, 1e21, 1e-7, math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(0, -1)} {
		s.Models[i%3].Variants[i%variantsPerModel].Cost = &value
		s.Models[i%3].Signals[0].Planned = &value
		s.Models[0].Variants[0].Accelerator = "\"quoted\" \\ and\nbroken"
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(collectors.NewBuildInfoCollector())
		histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "some_seconds", Help: "A help\nof \\ two lines."})
		histogram.Observe(value)
		odd := prometheus.NewGauge(prometheus.GaugeOpts{Name: "odd.name", Help: "A \\ name\nthat is escaped.", ConstLabels: prometheus.Labels{"a": "b"}})
		odd.Set(value)
		registry.MustRegister(histogram, odd)

		handler, err := collector.NewHandler(s, promhttp.HandlerOpts{}, registry)
		require.NoError(t, err)
		library := promhttp.HandlerFor(collector.NewGatherer(s, registry), promhttp.HandlerOpts{DisableCompression: true})
		for _, accept := range []string{"", "*/*", "text/plain", "text/plain;version=0.0.4;escaping=allow-utf-8", "text/plain;version=1.0.0;escaping=values", "application/openmetrics-text;version=1.0.0", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"} {
			for _, query := range []string{"", "?name[]=variant_cost_per_hour", "?name[]=odd.name"} {
				got, want := ask(handler, accept, query), ask(library, accept, query)
				require.Equal(t, want.Body.String(), got.Body.String(), "%g %s %s", value, accept, query)
				require.Equal(t, want.Header().Get("Content-Type"), got.Header().Get("Content-Type"), accept)
				require.Subset(t, got.Header().Values("Vary"), want.Header().Values("Vary"), accept)
			}
		}
	}
}

func ask(h http.Handler, accept, query string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/metrics"+query, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
