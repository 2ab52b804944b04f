package config

import (
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// windows checks the durations that queries are built with. Below one second the query would be invalid.
func (v *validator) windows(path string, t Tuning) {
	if at := strict.Join(path, "headroom"); v.Has(at) && t.Headroom != nil {
		v.vector(at, t.Headroom.Query)
	}
	for _, w := range []struct {
		key   string
		value *Duration
		zero  bool // means without
	}{
		{"scale_down_window", t.ScaleDownWindow, true},
		{"scale_up_window", t.ScaleUpWindow, true},
		{"idle_after", t.IdleAfter, false},
		{"forecast.lookback", t.Forecast.Lookback, false},
	} {
		at := strict.Join(path, w.key)
		if !v.Has(at) || !v.Sound(at) || w.value == nil || *w.value >= Duration(time.Second) || w.zero && *w.value == 0 {
			continue
		}
		r := v.Errorf(at, nil, "%s is too short", w.value)
		if w.zero {
			r.Hint("use 0s for none, or at least 1s")
		} else {
			r.Hint("use at least 1s")
		}
	}
}

// sources checks models of which a missing result means zero: their sources must differ. The gateway of one model says nothing about
// the gateway of another.
func (v *validator) sources() {
	type place struct{ namespace, signal string }
	users := map[place][]int{}
	for i := range v.config.Models {
		m := &v.config.Models[i]
		for _, s := range m.active {
			if s.OnMissing == OnMissingZero && !labelsOf(s.Alive.AST()).has(s.Labels.Model) {
				at := place{m.Namespace, s.Key()}
				users[at] = append(users[at], i)
			}
		}
	}
	for at, models := range users {
		if len(models) < 2 {
			continue
		}
		for _, i := range models {
			if m := &v.config.Models[i]; len(m.Match) == 0 {
				path := strict.Index("models", i)
				v.Errorf(path, nil, "alive of %s does not say which model its source serves: %d models of namespace %s use it", at.signal, len(models), at.namespace).
					Hint("give each model its own label, such as match: {inference_pool: %s}", poolName(m.Name))
			}
		}
	}
}

// poolName makes an example of a name of a pool.
func poolName(model string) string {
	_, name, found := strings.Cut(model, "/")
	if !found {
		name = model
	}
	return strings.ToLower(name) + "-pool"
}

// samplesPerWindow is how many scrapes a window must hold: with fewer, one missed scrape leaves a rate without an answer.
const samplesPerWindow = 4

// scrapes compares windows and ranges with the exporter's own scrape interval. It does not know the interval of another
// Prometheus.
func (v *validator) scrapes() {
	if v.config.embedded == nil {
		return
	}
	interval := time.Duration(v.config.embedded.GlobalConfig.ScrapeInterval)
	for _, sc := range v.config.embedded.ScrapeConfigs {
		interval = max(interval, time.Duration(sc.ScrapeInterval))
	}
	least := samplesPerWindow * interval
	short := func(path, what string, window time.Duration) {
		v.Errorf(path, nil, "%s %s is shorter than four scrape intervals, 4 x %s = %s", what, Duration(window), Duration(interval), Duration(least)).
			Hint("make it at least %s, or scrape more often", Duration(least))
	}
	if window := time.Duration(*v.config.RateWindow); window < least {
		short(rateWindowName, "window", window)
	}
	tuned := func(path string, t Tuning) {
		for key, w := range map[string]*Duration{
			"scale_down_window": t.ScaleDownWindow, "scale_up_window": t.ScaleUpWindow, "forecast.lookback": t.Forecast.Lookback,
		} {
			if at := strict.Join(path, key); v.Has(at) && w != nil && *w > 0 && time.Duration(*w) < least {
				short(at, "window", time.Duration(*w))
			}
		}
	}
	tuned("defaults", v.config.Defaults)
	for i := range v.config.Models {
		tuned(strict.Index("models", i), v.config.Models[i].Tuning)
	}
	for _, name := range sortedKeys(v.config.Signals) {
		s := v.config.Signals[name]
		for key, e := range map[string]Expr{"demand": s.Demand, "usage": s.Usage, "queued": s.Queued, "latency": s.Latency} {
			if shortest := shortestRange(e); shortest > 0 && shortest < least && shortest != time.Duration(*v.config.RateWindow) {
				short(strict.Join("signals", name)+"."+key, "range", shortest)
			}
		}
	}
}

// shortestRange is the shortest range that an expression selects; 0 without any.
func shortestRange(e Expr) time.Duration {
	var shortest time.Duration
	if e.IsZero() {
		return 0
	}
	parser.Inspect(e.AST(), func(n parser.Node, _ []parser.Node) error {
		if m, ok := n.(*parser.MatrixSelector); ok && (shortest == 0 || m.Range < shortest) {
			shortest = m.Range
		}
		return nil
	})
	return shortest
}
