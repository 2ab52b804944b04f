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

func BenchmarkThousandModelsDear(b *testing.B) {
	benchmarkSolve(b, fleet{models: 1_000, variants: 5, signals: 2, accelerators: 0.8, power: 1.2, seed: 3})
}

func BenchmarkThousandModelsShort(b *testing.B) {
	benchmarkSolve(b, fleet{models: 1_000, variants: 5, signals: 2, accelerators: 0.7, power: 0.6, seed: 4})
}
