package e2e_test

import (
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// prices are what variants cost at the moment, for Prometheus to scrape.
type prices struct {
	http.Handler
	gauge *prometheus.GaugeVec

	mu      sync.Mutex
	current map[string]float64
}

func newPrices() *prices {
	registry := prometheus.NewRegistry()
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "e2e_price", Help: "Currency per replica and hour."}, []string{"variant"})
	registry.MustRegister(gauge)
	p := &prices{Handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), gauge: gauge, current: map[string]float64{}}
	p.set("code-reserved", 2)
	p.set("code-spot", 4)
	return p
}

func (p *prices) set(variant string, price float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current[variant] = price
	p.gauge.WithLabelValues(variant).Set(price)
}

func (p *prices) of(variant string) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current[variant]
}
