package collector_test

import "testing"

const (
	trendAhead = "clamp_min(predict_linear((demand)[10m:30s], 300), 0) and count_over_time((demand)[10m:30s]) >= 10"
	yesterday  = "max_over_time((demand)[5m:15s] offset 23h55m) * clamp_max(avg_over_time((demand)[10m:30s]) / " +
		"(avg_over_time((demand)[10m:30s] offset 1d) > 0), 3)"
	lastWeek = "max_over_time((demand)[5m:15s] offset 6d23h55m) * clamp_max(avg_over_time((demand)[10m:30s]) / " +
		"(avg_over_time((demand)[10m:30s] offset 1w) > 0), 3)"
)

// TestForecast is about demand that is yet to come. The lead is the slower variant's startup of five minutes, though only two are
// asked for.
func TestForecast(t *testing.T) {
	config := func(method string) string {
		return `
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, forecast: {method: ` + method + `, lead: 2m}, variants: [
  {name: a, cost: 1, capacity: {load: 10}, startup: 5m}]}]
`
	}
	planned := func(forecast, demand, replicas string) string {
		text := `variant_desired_replicas{variant="a"} ` + replicas + "\n"
		if forecast != "" {
			text += `variant_model_forecast_demand{signal="load",unit="requests"} ` + forecast + "\n"
		}
		return text + `variant_model_planned_demand{signal="load",unit="requests"} ` + demand
	}
	runCases(t, map[string]decisionCase{
		"the trend, continued": {
			config:  config("linear"),
			answers: canned{"demand": load("25"), trendAhead: load("70")},
			want:    planned("70", "70", "7"),
		},
		"never below what is measured": {
			config:  config("linear"),
			answers: canned{"demand": load("25"), trendAhead: load("3")},
			want:    planned("3", "25", "3"),
		},
		"too little history for a trend": {
			config:  config("linear"),
			answers: canned{"demand": load("25"), trendAhead: ""},
			want:    planned("", "25", "3"),
			absent:  []string{"variant_model_forecast_demand"},
		},
		"a forecast that fails is not the lack of one: nothing is lowered": {
			config:  config("linear"),
			answers: canned{"demand": load("25"), trendAhead: "error: timeout", "current": runs("a", "5")},
			absent:  []string{"variant_desired_replicas"},
		},
		"but what is measured still raises": {
			config:  config("linear"),
			answers: canned{"demand": load("25"), trendAhead: "error: timeout", "current": runs("a", "1")},
			want:    planned("", "25", "3"),
		},
		"the larger of yesterday and last week": {
			config:  config("seasonal"),
			answers: canned{"demand": load("25"), yesterday: load("40"), lastWeek: load("60")},
			want:    planned("60", "60", "6"),
		},
		"no last week yet": {
			config:  config("seasonal"),
			answers: canned{"demand": load("25"), yesterday: load("40"), lastWeek: ""},
			want:    planned("40", "40", "4"),
		},
		"none": {
			config:  config("none"),
			answers: canned{"demand": load("25")},
			want:    planned("", "25", "3"),
			absent:  []string{"variant_model_forecast_demand"},
		},
	})
}

// TestWake is about a model of which nothing runs: what is ready soonest for its cost is woken, and later the cheapest taken.
func TestWake(t *testing.T) {
	const config = `
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, replicas: {min: 0}, variants: [
  {name: slow, cost: 1, capacity: {load: 10}, startup: 10m},
  {name: fast, cost: 1.5, capacity: {load: 10}, startup: 1m}]}]
`
	runCases(t, map[string]decisionCase{
		"the first request wakes one": {
			config:  config,
			answers: canned{"demand": load("1"), "current": runs("slow", "0", "fast", "0")},
			want: `
				variant_desired_replicas{variant="fast"} 1
				variant_desired_replicas{variant="slow"} 0
				variant_exporter_plan_cost_per_hour 1.5`,
		},
		"what is on its way is waited for": {
			config:  config,
			answers: canned{"demand": load("1"), "current": runs("slow", "0", "fast", "1"), "ready": runs("slow", "0", "fast", "0")},
			want: `
				variant_desired_replicas{variant="fast"} 1
				variant_desired_replicas{variant="slow"} 0`,
		},
		"once it is ready, the cheapest, which replaces it when it is ready in its turn": {
			config:  config,
			answers: canned{"demand": load("1"), "current": runs("slow", "0", "fast", "1"), "ready": runs("slow", "0", "fast", "1")},
			want: `
				variant_decision{reason="demand",variant="slow"} 1
				variant_decision{reason="make_before_break",variant="fast"} 1
				variant_desired_replicas{variant="fast"} 1
				variant_desired_replicas{variant="slow"} 1
				variant_exporter_plan_cost_per_hour 1`,
		},
	})
}
