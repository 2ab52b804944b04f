package optimizer_test

import (
	"testing"

	"github.com/variant-exporter/variant-exporter/internal/testclock"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// benchmarkGuard guards the plan of a fleet that runs what at says of the plan.
func benchmarkGuard(b *testing.B, f fleet, at func(m optimizer.ModelPlan, j int) int) {
	p := f.problem()
	plan, err := optimizer.Solve(p, optimizer.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var s optimizer.State
	for _, m := range plan.Models {
		var variants []optimizer.VariantState
		for j := range m.Variants {
			variants = append(variants, seen(at(m, j), at(m, j)))
		}
		s.Models = append(s.Models, known(variants...))
	}
	place(&p, s)
	held := 0
	b.ReportAllocs()
	before := testclock.ProcessorTime(b)
	for b.Loop() {
		held = 0
		for _, m := range optimizer.Guard(p, plan, s, optimizer.Options{}).Models {
			for _, v := range m.Variants {
				held += len(v.Effects)
			}
		}
	}
	b.ReportMetric(float64(testclock.ProcessorTime(b)-before)/float64(b.N)/1e6, "cpu-ms/op")
	b.ReportMetric(float64(held), "effects")
}

func asPlanned(m optimizer.ModelPlan, j int) int { return m.Variants[j].Replicas }

// elsewhere runs on every variant what the plan has on the next.
func elsewhere(m optimizer.ModelPlan, j int) int { return m.Variants[(j+1)%len(m.Variants)].Replicas }

func BenchmarkGuardThousandModels(b *testing.B) {
	free := fleet{models: 1_000, variants: 5, signals: 2, seed: 3}
	ample, tight := free, free
	ample.accelerators, ample.power = 3, 3
	tight.accelerators, tight.power = 1.2, 1.2
	b.Run("settled", func(b *testing.B) { benchmarkGuard(b, ample, asPlanned) })
	b.Run("all swap", func(b *testing.B) { benchmarkGuard(b, free, elsewhere) })
	b.Run("all swap, ample budgets", func(b *testing.B) { benchmarkGuard(b, ample, elsewhere) })
	b.Run("all swap, tight budgets", func(b *testing.B) { benchmarkGuard(b, tight, elsewhere) })
}
