package latency_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// logUniform draws a number between two positive ones, equally likely in every
// decade.
func logUniform(low, high float64) *rapid.Generator[float64] {
	return rapid.Map(rapid.Float64Range(math.Log(low), math.Log(high)), math.Exp)
}

// drawServer draws a profile and lengths, from those of today to strange ones.
func drawServer(t *rapid.T) (latency.Profile, latency.Lengths) {
	p := latency.Profile{
		Alpha:    logUniform(1e-3, 0.2).Draw(t, "alpha"),
		Beta:     rapid.OneOf(rapid.Just(0.0), logUniform(1e-7, 1e-3)).Draw(t, "beta"),
		Gamma:    rapid.OneOf(rapid.Just(0.0), logUniform(1e-9, 1e-5)).Draw(t, "gamma"),
		MaxBatch: rapid.IntRange(1, 512).Draw(t, "max_batch"),
		MaxQueue: rapid.IntRange(0, 5120).Draw(t, "max_queue"),
	}
	l := latency.Lengths{
		Input:  rapid.OneOf(rapid.Just(0.0), logUniform(1, 1e5)).Draw(t, "input"),
		Output: logUniform(1, 1e4).Draw(t, "output"),
	}
	return p, l
}

// drawLoad draws a rate as a share of the largest.
func drawLoad(t *rapid.T) float64 {
	return rapid.OneOf(rapid.Float64Range(0, 1.2), logUniform(1e-12, 1e6)).Draw(t, "load")
}

// notBelow fails if a number is below another by more than rounding.
func notBelow(t *rapid.T, what string, got, bound float64) {
	if !(got >= bound-1e-9*math.Abs(bound)) {
		t.Fatalf("%s: %.12g is below %.12g", what, got, bound)
	}
}

// hardlyBelow is notBelow for quantiles: they come from bins and from levels.
func hardlyBelow(t *rapid.T, what string, got, bound float64) {
	if !(got >= 0.997*bound) {
		t.Fatalf("%s: %.12g is below %.12g", what, got, bound)
	}
}

func near(t *rapid.T, what string, got, want float64) {
	if !(math.Abs(got-want) <= 2e-9*math.Abs(want)+1e-300) {
		t.Fatalf("%s: got %.12g, want %.12g", what, got, want)
	}
}

func TestLatencyGrowsWithRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, l := drawServer(t)
		s, err := latency.NewServer(p, l)
		require.NoError(t, err)
		rate := drawLoad(t) * s.MaxRate()
		more := rate * (1 + drawLoad(t))
		low, high := s.Means(rate), s.Means(more)
		notBelow(t, "throughput", high.Throughput, low.Throughput)
		notBelow(t, "wait", high.Wait, low.Wait)
		notBelow(t, "prefill", high.Prefill, low.Prefill)
		notBelow(t, "ttft", high.TTFT, low.TTFT)
		notBelow(t, "response", high.Response, low.Response)
		notBelow(t, "in service", high.InService, low.InService)
		q := rapid.Float64Range(0.01, 0.999).Draw(t, "q")
		hardlyBelow(t, "quantile of ttft", s.TTFTQuantile(more, q), s.TTFTQuantile(rate, q))
		hardlyBelow(t, "quantile of itl", s.ITLQuantile(more, q), s.ITLQuantile(rate, q))
		higher := q + (1-q)/2
		notBelow(t, "higher quantile of ttft", s.TTFTQuantile(rate, higher), s.TTFTQuantile(rate, q))
		notBelow(t, "higher quantile of itl", s.ITLQuantile(rate, higher), s.ITLQuantile(rate, q))
	})
}

// TestIterationsAreSound draws what the published model does not know.
func TestIterationsAreSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, l := drawServer(t)
		l.Output++
		l.OutputCV = 0.01 + rapid.Float64Range(0, 3).Draw(t, "output_cv")
		if l.Input > 0 {
			l.InputCV = rapid.Float64Range(0, 3).Draw(t, "input_cv")
		}
		if rapid.Bool().Draw(t, "budget") {
			p.MaxBatchTokens = p.MaxBatch + rapid.IntRange(1, 16384).Draw(t, "max_batch_tokens")
		}
		if rapid.Bool().Draw(t, "chunk") {
			p.Chunk = latency.Chunk{Alpha: 0.3 * p.Alpha, Beta: 2 * p.Beta, Gamma: 3 * p.Gamma, Attention: p.Gamma / 20}
		}
		s, err := latency.NewServer(p, l)
		require.NoError(t, err)
		rate := rapid.Float64Range(0, 1).Draw(t, "load") * s.MaxRate()
		got, more := s.Means(rate), s.Means(1.1*rate)
		near(t, "Little's law", got.Throughput*(got.Response-got.Wait), got.InService)
		notBelow(t, "rate", rate, got.Throughput)
		notBelow(t, "in service", more.InService, got.InService)
		notBelow(t, "ttft", more.TTFT, 0.999*got.TTFT)
		notBelow(t, "itl", more.ITL, 0.999*got.ITL)
		q := rapid.Float64Range(0.3, 0.99).Draw(t, "q")
		itl, ttft := s.ITLQuantile(rate, q), s.TTFTQuantile(rate, q)
		hardlyBelow(t, "quantile of itl", s.ITLQuantile(1.1*rate, q), itl)
		hardlyBelow(t, "quantile of ttft", s.TTFTQuantile(1.1*rate, q), ttft)
		notBelow(t, "quantile of itl", itl, p.Alpha)
		notBelow(t, "quantile of ttft", ttft, p.Alpha)
		if math.IsInf(itl, 0) || math.IsInf(ttft, 0) {
			t.Fatalf("itl %g, ttft %g", itl, ttft)
		}
	})
}

func TestLatencyLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, l := drawServer(t)
		s, err := latency.NewServer(p, l)
		require.NoError(t, err)
		rate := drawLoad(t) * s.MaxRate()
		got := s.Means(rate)
		batch := float64(p.MaxBatch)
		near(t, "Little's law", got.Throughput*(got.Response-got.Wait), got.InService)
		near(t, "a request is prefilled and decoded", got.Wait+got.Prefill+l.Output*got.ITL, got.Response)
		near(t, "ttft", got.Wait+got.Prefill+got.ITL, got.TTFT)
		notBelow(t, "rate", rate, got.Throughput)
		notBelow(t, "largest rate", got.MaxRate, got.Throughput)
		notBelow(t, "batch", batch, got.InService)
		near(t, "largest rate", got.MaxRate*(s.Prefill(batch)+l.Output*s.Decode(batch)), batch)

		idle := s.Means(0)
		near(t, "idle response", idle.Response, s.Prefill(1)+l.Output*s.Decode(1))
		iteration := p.Alpha + p.Beta + p.Gamma*(l.Input+l.Output/2)
		alone := iteration
		if l.Input > 0 {
			alone += p.Alpha + (p.Beta+p.Gamma)*l.Input
		}
		near(t, "idle ttft", s.TTFTQuantile(0, 0.95), alone)
		near(t, "idle itl", s.ITLQuantile(0, 0.95), iteration+p.Gamma*l.Output/2) // the last tokens of an output
		full := s.Means(1e12 * s.MaxRate())
		near(t, "throughput of an overloaded server", full.Throughput, s.MaxRate())
		notBelow(t, "batch of an overloaded server", full.InService, batch*(1-1e-6))
		if p.MaxQueue > 0 {
			notBelow(t, "wait in a full queue", full.Wait, float64(p.MaxQueue)/s.MaxRate()*(1-1e-6))
		}
	})
}

// TestLatencyScales measures time in another unit.
func TestLatencyScales(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, l := drawServer(t)
		unit := logUniform(1e-3, 1e3).Draw(t, "unit")
		s, err := latency.NewServer(p, l)
		require.NoError(t, err)
		p.Alpha, p.Beta, p.Gamma = unit*p.Alpha, unit*p.Beta, unit*p.Gamma
		scaled, err := latency.NewServer(p, l)
		require.NoError(t, err)
		rate := rapid.Float64Range(0, 1.2).Draw(t, "load") * s.MaxRate()
		want, got := s.Means(rate), scaled.Means(rate/unit)
		// Rounding grows with every state of the chain.
		for _, c := range []struct {
			what      string
			got, want float64
		}{
			{"throughput", got.Throughput * unit, want.Throughput},
			{"response", got.Response, want.Response * unit},
			{"ttft", got.TTFT, want.TTFT * unit},
			{"itl", got.ITL, want.ITL * unit},
			{"in service", got.InService, want.InService},
			{"quantile of ttft", scaled.TTFTQuantile(rate/unit, 0.9), s.TTFTQuantile(rate, 0.9) * unit},
			{"quantile of itl", scaled.ITLQuantile(rate/unit, 0.9), s.ITLQuantile(rate, 0.9) * unit},
		} {
			tolerance := 1e-6
			if strings.HasPrefix(c.what, "quantile") {
				tolerance = 1e-4 // they are searched for
			}
			if math.Abs(c.got-c.want) > tolerance*c.want {
				t.Fatalf("%s: got %.12g, want %.12g", c.what, c.got, c.want)
			}
		}
	})
}

// drawSLO draws targets between what an idle server delivers and the long
// waits of one near saturation; some are out of reach.
func drawSLO(t *rapid.T, s *latency.Server, p latency.Profile) latency.SLO {
	batch := float64(p.MaxBatch)
	draw := func(what string, low, high float64) float64 {
		return rapid.OneOf(rapid.Just(0.0), logUniform(0.9*low, 1.5*high)).Draw(t, what)
	}
	return latency.SLO{
		TTFT:     draw("ttft", s.Prefill(1)+s.Decode(1), s.Prefill(batch)+s.Decode(batch)+10/s.MaxRate()),
		ITL:      draw("itl", s.Decode(1), s.Decode(batch)),
		Quantile: rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0.3, 0.999)).Draw(t, "quantile"),
	}
}

func TestCapacityIsLargest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, l := drawServer(t)
		s, err := latency.NewServer(p, l)
		require.NoError(t, err)
		slo := drawSLO(t, s, p)
		capacity, err := s.Capacity(slo)
		require.NoError(t, err)
		ttft := func(rate float64) float64 { return s.Means(rate).TTFT }
		itl := func(rate float64) float64 { return s.Means(rate).ITL }
		if slo.Quantile > 0 {
			ttft = func(rate float64) float64 { return s.TTFTQuantile(rate, slo.Quantile) }
			itl = func(rate float64) float64 { return s.ITLQuantile(rate, slo.Quantile) }
		}
		if u := capacity.Unreachable; u != nil {
			if capacity.Rate != 0 || u.Target != capacity.Binding {
				t.Fatalf("got %+v", capacity)
			}
			idle := map[latency.Binding]float64{latency.BindingTTFT: ttft(0), latency.BindingITL: itl(0)}[u.Target]
			if idle <= u.Want {
				t.Fatalf("%s, but an idle server takes %g", u, idle)
			}
			return
		}
		if slo.TTFT > 0 {
			notBelow(t, "target for ttft", slo.TTFT, ttft(capacity.Rate)*(1-1e-8))
		}
		if slo.ITL > 0 {
			notBelow(t, "target for itl", slo.ITL, itl(capacity.Rate)*(1-1e-8))
		}
		above := capacity.Rate * (1 + 2e-6)
		if slo.Quantile > 0 {
			above = capacity.Rate * (1 + 1e-3)
		}
		switch capacity.Binding {
		case latency.BindingSaturation:
			near(t, "capacity", capacity.Rate, 0.999*s.MaxRate())
		case latency.BindingITL:
			notBelow(t, "itl above the capacity", itl(above), slo.ITL)
		case latency.BindingTTFT:
			if slo.Quantile > 0 {
				notBelow(t, "share that misses ttft above the capacity", s.Missed(above, slo.TTFT), 1-slo.Quantile)
				return
			}
			notBelow(t, "ttft above the capacity", ttft(above), slo.TTFT)
		}
	})
}

// TestCacheIsConservative holds answers for rounded questions to exact ones.
func TestCacheIsConservative(t *testing.T) {
	var cache latency.CapacityCache
	rapid.Check(t, func(t *rapid.T) {
		p, l := drawServer(t)
		s, err := latency.NewServer(p, l)
		require.NoError(t, err)
		slo := drawSLO(t, s, p)
		exact, err := s.Capacity(slo)
		require.NoError(t, err)
		got, err := cache.Capacity(p, l, slo)
		require.NoError(t, err)
		if slo.Quantile == 0 {
			notBelow(t, "exact capacity", exact.Rate*(1+1e-5), got.Rate)
		} else if got.Rate*0.997 > exact.Rate { // where a quantile hardly changes with the rate
			keeps(t, s, got.Rate, slo)
		}
		again, err := cache.Capacity(p, l, slo)
		if err != nil || again != got {
			t.Fatalf("got %+v, then %+v, %v", got, again, err)
		}
	})
}

// keeps fails if a server misses targets at a rate by more than the rounding of quantiles.
func keeps(t *rapid.T, s *latency.Server, rate float64, slo latency.SLO) {
	if slo.TTFT > 0 {
		hardlyBelow(t, "target for ttft", slo.TTFT, s.TTFTQuantile(rate, slo.Quantile))
	}
	if slo.ITL > 0 {
		hardlyBelow(t, "target for itl", slo.ITL, s.ITLQuantile(rate, slo.Quantile))
	}
}
