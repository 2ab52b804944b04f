package optimizer_test

import (
	"testing"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

func benchmarkSolve(b *testing.B, f fleet) {
	p := f.problem()
	b.ReportAllocs()
	var plan optimizer.Plan
	for b.Loop() {
		var err error
		if plan, err = optimizer.Solve(p, optimizer.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(plan.Gap, "gap")
	b.ReportMetric(plan.ShortfallGap, "shortfall-gap")
}

func BenchmarkOneModel(b *testing.B) {
	benchmarkSolve(b, fleet{models: 1, variants: 6, signals: 3, seed: 1})
}

func BenchmarkTenThousandModels(b *testing.B) {
	benchmarkSolve(b, fleet{models: 10_000, variants: 5, signals: 2, seed: 2})
}
