package collector_test

import (
	"fmt"
	"testing"
	"time"
)

// line is a demand that was so much at fleetAt, and grew by so much every 15 seconds, for so many steps.
func line(now, slope float64, steps int) string {
	lines := make([]string, steps)
	for i := range lines {
		age := time.Duration(i) * 15 * time.Second
		lines[i] = load(fmt.Sprintf("%g @%[2]s..%[2]s", now-slope*float64(i), age))
	}
	return joined(lines...)
}

// The last ten minutes, and those of a day and a week ago with the five minutes after them. What is not looked at is 1,000.
var (
	today     = joined(load("1000 @10m..10m"), load("25 @9m45s..0s"))
	yesterday = joined(load("1000 @1d10m..1d10m"), load("25 @1d9m45s..1d"), load("7 @23h59m45s..23h55m15s"), load("40 @23h55m..23h55m"))
	lastWeek  = joined(load("1000 @7d10m..7d10m"), load("10 @7d9m45s..7d"), load("24 @6d23h59m45s..6d23h59m45s"), load("7 @6d23h59m30s..6d23h55m"))
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
			answers: canned{"demand": load("25"), "past demand": line(55, 0.75, 60)},
			want:    planned("70", "70", "7"),
		},
		"never below what is measured": {
			config:  config("linear"),
			answers: canned{"demand": load("25"), "past demand": line(18, -0.75, 60)},
			want:    planned("3", "25", "3"),
		},
		"too little history for a trend": {
			config:  config("linear"),
			answers: canned{"demand": load("25"), "past demand": line(55, 0.75, 19)},
			want:    planned("", "25", "3"),
			absent:  []string{"variant_model_forecast_demand"},
		},
		"just enough history for a trend": {
			config:  config("linear"),
			answers: canned{"demand": load("25"), "past demand": line(55, 0.75, 20)},
			want:    planned("70", "70", "7"),
		},
		"a forecast that fails is not the lack of one: nothing is lowered": {
			config:  config("linear"),
			answers: canned{"demand": load("25"), "past demand": "error: timeout", "current": runs("a", "5")},
			absent:  []string{"variant_desired_replicas"},
		},
		"but what is measured still raises": {
			config:  config("linear"),
			answers: canned{"demand": load("25"), "past demand": "error: timeout", "current": runs("a", "1")},
			want:    planned("", "25", "3"),
		},
		"the larger of yesterday and last week": {
			config:  config("seasonal"),
			answers: canned{"demand": load("25"), "past demand": joined(today, yesterday, lastWeek)},
			want:    planned("60", "60", "6"),
		},
		"no last week yet": {
			config:  config("seasonal"),
			answers: canned{"demand": load("25"), "past demand": joined(today, yesterday)},
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
signals: {load: {unit: requests, demand: demand, on_missing: zero, alive: alive}}
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
