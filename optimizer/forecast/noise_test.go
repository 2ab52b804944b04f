package forecast_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// day is a day of demand by the minute: a slow swing with noise in proportion to its square root, as of independent requests.
func day(seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 0))
	demand := make([]float64, 2*24*60)
	for i := range demand {
		mean := 200 + 150*math.Sin(2*math.Pi*float64(i)/(24*60))
		demand[i] = max(0, mean+3*math.Sqrt(mean)*rng.NormFloat64())
	}
	return demand
}

// TestMultipleKeepsItsPromise measures the multiple on one day and counts on the next how many forecasts are high enough.
func TestMultipleKeepsItsPromise(t *testing.T) {
	for _, quantile := range []float64{0.9, 0.97, 0.99} {
		n := forecast.Noise{Window: 10, Lead: 3, Quantile: quantile}
		enough, total := 0, 0
		for seed := range uint64(20) {
			demand := day(seed)
			half := len(demand) / 2
			multiple, ok := n.Multiple(demand[:half])
			if !ok {
				t.Fatal("a day is enough to measure by")
			}
			for now := half + n.Window; now+n.Lead < len(demand); now++ {
				ahead, deviation, _ := n.Ahead(demand[now-n.Window+1 : now+1])
				came := math.Max(demand[now+1], math.Max(demand[now+2], demand[now+3]))
				total++
				if came <= ahead+multiple*deviation {
					enough++
				}
			}
		}
		if share := float64(enough) / float64(total); math.Abs(share-quantile) > 0.01 {
			t.Errorf("%.1f %% of forecasts were high enough, promised are %.1f %%", 100*share, 100*quantile)
		}
	}
}

func TestAhead(t *testing.T) {
	n := forecast.Noise{Window: 4, Lead: 5, Quantile: 0.97}
	nan := math.NaN()
	for name, c := range map[string]struct {
		recent           []float64
		ahead, deviation float64
		known            bool
	}{
		"a rise is continued":         {[]float64{10, 12, 14, 16}, 26, 0.26, true},
		"a fall is not":               {[]float64{16, 14, 12, 10}, 10, 0.26, true},
		"constant":                    {[]float64{50, 50, 50, 50}, 50, 1, true},
		"noise around a constant":     {[]float64{9, 11, 11, 9}, 9, math.Sqrt2, true},
		"a gap":                       {[]float64{10, nan, 14, 16}, 26, 0.26666666666666666, true},
		"the present is not known":    {[]float64{10, 12, 14, nan}, 0, 0, false},
		"more than half is not known": {[]float64{nan, nan, nan, 16}, 0, 0, false},
		"no history":                  {nil, 0, 0, false},
		"no demand":                   {[]float64{0, 0, 0, 0}, 0, 0, true},
	} {
		ahead, deviation, known := n.Ahead(c.recent)
		if known != c.known || math.Abs(ahead-c.ahead) > 1e-9 || math.Abs(deviation-c.deviation) > 1e-9 {
			t.Errorf("%s: %v ahead, deviation %v, %t; want %v, %v, %t", name, ahead, deviation, known, c.ahead, c.deviation, c.known)
		}
	}
}

func TestMultipleNeedsHistory(t *testing.T) {
	n := forecast.Noise{Window: 10, Lead: 3, Quantile: 0.97}
	if _, ok := n.Multiple(day(1)[:100]); ok {
		t.Error("100 minutes are too little to tell the 0.97 quantile by")
	}
	if _, ok := n.Multiple(make([]float64, 1440)); ok {
		t.Error("a day without demand tells nothing of its noise")
	}
}

// TestMultipleIsScaleFree: the unit of the demand does not matter.
func TestMultipleIsScaleFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOfN(rapid.Float64Range(1, 1000), 150, 300).Draw(t, "history")
		n := forecast.Noise{Window: 10, Lead: rapid.IntRange(1, 10).Draw(t, "lead"), Quantile: 0.97}
		scaled := make([]float64, len(history))
		for i, v := range history {
			scaled[i] = 8 * v
		}
		a, okA := n.Multiple(history)
		b, okB := n.Multiple(scaled)
		if okA != okB || math.Abs(a-b) > 1e-9*max(1, a) || math.IsNaN(a) || a < 0 {
			t.Fatalf("%v, %t and %v, %t", a, okA, b, okB)
		}
	})
}
