package forecast_test

import (
	"math"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// benchmarked is a law, and a noisy demand that goes up and down for a third: so many steps before the present.
func benchmarked() (l forecast.Law, demand func(step, since time.Duration, steps int) forecast.History) {
	return forecast.Law{Ahead: 3 * time.Minute, Quantile: 0.95}, func(step, since time.Duration, steps int) forecast.History {
		h := forecast.History{Step: step, Since: since, Values: make([]float64, steps)}
		for i := range h.Values {
			h.Values[i] = 1000 * (1 + math.Sin(float64(i)/200)/3 + math.Sin(float64(i*i))/100)
		}
		return h
	}
}

// BenchmarkLearn is what the law learns from a day, as it does every ten minutes.
func BenchmarkLearn(b *testing.B) {
	law, demand := benchmarked()
	long := forecast.Long{History: demand(time.Minute, 0, 2920), Week: demand(time.Minute, 167*time.Hour+55*time.Minute, 1485)}
	for b.Loop() {
		law.Learn(long, 5*time.Minute, 24*time.Hour)
	}
}

// BenchmarkPlan is what was planned for at each step of the last 24 minutes, as it is worked out at each scrape.
func BenchmarkPlan(b *testing.B) {
	law, demand := benchmarked()
	const steps, all = 96, 265
	h := demand(15*time.Second, 0, all)
	course, lesson := law.NewCourse(h), forecast.Lesson{Zero: 2, Learnt: true}
	for b.Loop() {
		for i := range steps {
			law.Plan(course, forecast.Long{}, h.Ago(all-1-i), h.Values[all-1-i], lesson)
		}
	}
}
