package collector

import (
	"fmt"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Today's level is at most taken for so many times that of the day it is compared with: a night without load tells nothing about
// the scale of the morning.
const maxSeasonalScale = 3

// askForecasts asks for the demand that is to be expected by the time at which a replica that is ordered now is ready.
func (p *program) askForecasts(name string, e config.Expr, m *config.Model) []int {
	lead := leadOf(m)
	if e.IsZero() || lead <= 0 || m.Forecast.Method == config.ForecastNone {
		return nil
	}
	var queries []int
	switch m.Forecast.Method {
	case config.ForecastLinear:
		queries = append(queries, p.askText(fmt.Sprintf("%s.linear_%s", name, lead), linear(e, *m.Forecast.Lookback, lead)))
	default:
		for _, season := range []config.Duration{config.Duration(24 * time.Hour), config.Duration(7 * 24 * time.Hour)} {
			if lead < season {
				queries = append(queries, p.askText(fmt.Sprintf("%s.seasonal_%s", name, season), seasonal(e, *m.Forecast.Lookback, lead, season)))
			}
		}
	}
	return queries
}

// linear continues the trend over lookback, which half of lookback must have been seen for: two samples make no trend.
func linear(e config.Expr, lookback, lead config.Duration) string {
	step := resolution(time.Duration(lookback))
	window := fmt.Sprintf("(%s)[%s:%s]", e, lookback, step)
	return fmt.Sprintf("clamp_min(predict_linear(%s, %g), 0) and count_over_time(%s) >= %d",
		window, time.Duration(lead).Seconds(), window, max(2, lookback/step/2))
}

// seasonal is the most that came a season ago between this time and lead later, times what came over lookback until now per what
// came over lookback then.
func seasonal(e config.Expr, lookback, lead, season config.Duration) string {
	step, look := resolution(time.Duration(lead)), resolution(time.Duration(lookback))
	then := fmt.Sprintf("max_over_time((%s)[%s:%s] offset %s)", e, lead, step, season-lead)
	today := fmt.Sprintf("avg_over_time((%s)[%s:%s])", e, lookback, look)
	level := fmt.Sprintf("(avg_over_time((%s)[%s:%s] offset %s) > 0)", e, lookback, look, season)
	return fmt.Sprintf("%s * clamp_max(%s / %s, %d)", then, today, level, maxSeasonalScale)
}

// leadOf is how far ahead a model's demand is to be foreseen: at least until the slowest of its variants is ready.
func leadOf(m *config.Model) config.Duration {
	lead := *m.Forecast.Lead
	for i := range m.Variants {
		lead = max(lead, m.Variants[i].Startup)
	}
	return lead
}

// forecast is the largest of the forecasts that there is history for; nil where there is none.
func (d *decision) forecast(m, s int) (value *float64, missing string) {
	sig := &d.program.models[m].signals[s]
	for _, query := range sig.forecasts {
		found, missing := d.absolute(m, query, sig.Labels, nil)
		switch {
		case missing == noResult:
		case missing != "":
			return nil, missing
		case value == nil || found.value > *value:
			value = &found.value
		}
	}
	return value, ""
}
