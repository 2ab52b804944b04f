package latency_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// server builds a server that is known to be well formed.
func server(t testing.TB, p latency.Profile, l latency.Lengths) *latency.Server {
	t.Helper()
	s, err := latency.NewServer(p, l)
	require.NoError(t, err)
	return s
}

// within fails where two numbers differ by more than a share of the wanted.
func within(t testing.TB, what string, got, want, share float64) {
	t.Helper()
	assert.InDelta(t, want, got, share*math.Abs(want), what)
}

// published is the example in the README of llm-inferno/queue-analysis, which
// also stands in its examples/: alpha 12 ms, beta 0.05 ms, gamma 0.0005 ms, a
// batch of 48, a queue of 128, 128 input and 512 output tokens. It was computed
// with 32-bit numbers.
var (
	publishedProfile = latency.Profile{Alpha: 12e-3, Beta: 0.05e-3, Gamma: 0.0005e-3, MaxBatch: 48, MaxQueue: 128}
	publishedLengths = latency.Lengths{Input: 128, Output: 512}
)

func TestLatencyEqualsPublished(t *testing.T) {
	s := server(t, publishedProfile, publishedLengths)
	for _, tc := range []struct {
		name string
		rate float64
		want latency.Means
	}{
		{"solve", 3, latency.Means{
			Throughput: 3, Response: 10.568446, Wait: 0.02827539, InService: 31.620514, TTFT: 0.07531746, ITL: 0.020534498,
		}},
		{"target", 2.8741095, latency.Means{
			Throughput: 2.8741095, Response: 10.276054, Wait: 0.01009375, InService: 29.505493, TTFT: 0.056063286, ITL: 0.01999998,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := s.Means(tc.rate)
			const digits = 5e-5
			within(t, "throughput", got.Throughput, tc.want.Throughput, digits)
			within(t, "response", got.Response, tc.want.Response, digits)
			within(t, "wait", got.Wait, tc.want.Wait, digits)
			within(t, "in service", got.InService, tc.want.InService, digits)
			within(t, "ttft", got.TTFT, tc.want.TTFT, digits)
			within(t, "itl", got.ITL, tc.want.ITL, digits)
			// It publishes 0.999 mu(max_batch) as the largest rate.
			within(t, "max rate", 0.999*got.MaxRate, 3.8208232, digits)
		})
	}
}

func TestCapacityEqualsPublished(t *testing.T) {
	s := server(t, publishedProfile, publishedLengths)
	for _, tc := range []struct {
		slo     latency.SLO
		want    float64
		binding latency.Binding
	}{
		{latency.SLO{TTFT: 0.060}, 2.910594, latency.BindingTTFT},
		{latency.SLO{ITL: 0.020}, 2.8741095, latency.BindingITL},
		{latency.SLO{TTFT: 0.060, ITL: 0.020}, 2.8741095, latency.BindingITL},
		{latency.SLO{}, 3.8208232, latency.BindingSaturation},
	} {
		got, err := s.Capacity(tc.slo)
		require.NoError(t, err)
		within(t, fmt.Sprint(tc.slo), got.Rate, tc.want, 5e-5)
		assert.Equal(t, tc.binding, got.Binding, "%+v", tc.slo)
		assert.Nil(t, got.Unreachable, "%+v", tc.slo)
	}
}

// TestServerTimesEqualPublished holds the formulas to the expectations in the
// tests of llm-d's queue analyzer.
func TestServerTimesEqualPublished(t *testing.T) {
	prefill := latency.Profile{Alpha: 10, Beta: 0.01, Gamma: 0.001, MaxBatch: 8}
	decode := latency.Profile{Alpha: 1, Beta: 0.1, Gamma: 0.01, MaxBatch: 8}
	for _, tc := range []struct{ n, want float64 }{{1, 1.23}, {4, 1.575}, {8, 2.035}, {2.5, 1.4025}} {
		within(t, "decode", server(t, decode, latency.Lengths{Input: 1, Output: 1}).Decode(tc.n), tc.want, 1e-12)
	}
	assert.Zero(t, server(t, prefill, latency.Lengths{Output: 1}).Prefill(4), "prefill without input")
	// By hand: T(2) = 10 + 2 (0.01 1001/2 + 0.001 1000.5) = 22.011.
	within(t, "prefill", server(t, prefill, latency.Lengths{Input: 1000, Output: 1}).Prefill(2), 22.011+11, 1e-12)
}

// TestLatencyEqualsSummation compares with the definition of the model, summed
// state by state with 400 bits.
func TestLatencyEqualsSummation(t *testing.T) {
	for _, p := range []latency.Profile{
		{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 256, MaxQueue: 1024},
		{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 512, MaxQueue: 5120},
		{Alpha: 0.008, Beta: 0, Gamma: 0, MaxBatch: 512, MaxQueue: 3},
		{Alpha: 0.02, Beta: 1e-4, Gamma: 1e-6, MaxBatch: 1, MaxQueue: 0},
	} {
		for _, l := range []latency.Lengths{{Input: 800, Output: 200}, {Input: 0, Output: 1}, {Input: 12000, Output: 17.5}} {
			s := server(t, p, l)
			for _, load := range []float64{1e-9, 0.3, 0.95, 1 - 1e-9, 1, 1 + 1e-9, 1.05, 3, 1e6} {
				rate := load * s.MaxRate()
				got, want := s.Means(rate), summed(p, l, rate)
				const digits = 1e-8
				within(t, "throughput", got.Throughput, want.Throughput, digits)
				if got.Wait > 1e-90 || want.Wait > 1e-90 { // below, L-S cancels even with 400 bits
					within(t, "wait", got.Wait, want.Wait, digits)
				}
				within(t, "prefill", got.Prefill, want.Prefill, digits)
				within(t, "ttft", got.TTFT, want.TTFT, digits)
				within(t, "itl", got.ITL, want.ITL, digits)
				within(t, "response", got.Response, want.Response, digits)
				within(t, "in service", got.InService, want.InService, digits)
				within(t, "max rate", got.MaxRate, want.MaxRate, digits)
				require.False(t, t.Failed(), "%+v %+v at %g of the largest rate", p, l, load)
			}
		}
	}
}

// summed is the mean model as it is written down: the weights of all states of
// the chain, one after the other.
func summed(p latency.Profile, l latency.Lengths, rate float64) latency.Means {
	number := func(x float64) *big.Float { return new(big.Float).SetPrec(400).SetFloat64(x) }
	iteration := func(n float64) float64 {
		return p.Alpha + n*(p.Beta*(l.Input+l.Output)/(l.Output+1)+p.Gamma*(l.Input+l.Output/2))
	}
	prefill := func(n float64) float64 {
		if l.Input == 0 {
			return 0
		}
		return iteration(n) + (p.Beta+p.Gamma)*l.Input
	}
	decode := func(n float64) float64 { return iteration(n) + p.Beta + p.Gamma*(l.Input+l.Output/2) }
	mu := func(n int) float64 {
		x := float64(min(n, p.MaxBatch))
		return x / (prefill(x) + l.Output*decode(x))
	}
	weight, all, inSystem, inService := number(1), number(1), number(0), number(0)
	for n := 1; n <= p.MaxBatch+p.MaxQueue; n++ {
		weight.Mul(weight, number(rate))
		weight.Quo(weight, number(mu(n)))
		all.Add(all, weight)
		inSystem.Add(inSystem, new(big.Float).Mul(number(float64(n)), weight))
		inService.Add(inService, new(big.Float).Mul(number(float64(min(n, p.MaxBatch))), weight))
	}
	ratio := func(a, b *big.Float) float64 {
		x, _ := new(big.Float).Quo(a, b).Float64()
		return x
	}
	served := new(big.Float).Sub(all, weight) // the weight of what is not full
	throughput := new(big.Float).Mul(number(rate), new(big.Float).Quo(served, all))
	x, _ := throughput.Float64()
	l1, s1 := new(big.Float).Quo(inSystem, all), new(big.Float).Quo(inService, all)
	response := ratio(l1, throughput)
	service := ratio(s1, throughput)
	wait := ratio(new(big.Float).Sub(l1, s1), throughput)
	busy, _ := s1.Float64()
	first := prefill(busy)
	itl := (service - first) / l.Output
	return latency.Means{
		Rate: rate, Throughput: x, Wait: wait, Prefill: first, TTFT: wait + first + itl, ITL: itl,
		Response: response, InService: busy, MaxRate: mu(p.MaxBatch),
	}
}

func TestServerRefuses(t *testing.T) {
	profile := latency.Profile{Alpha: 0.01, MaxBatch: 8}
	lengths := latency.Lengths{Input: 1, Output: 1}
	for _, tc := range []struct {
		path   string
		change func(*latency.Profile, *latency.Lengths)
	}{
		{"profile.alpha", func(p *latency.Profile, _ *latency.Lengths) { p.Alpha = 0 }},
		{"profile.alpha", func(p *latency.Profile, _ *latency.Lengths) { p.Alpha = math.NaN() }},
		{"profile.beta", func(p *latency.Profile, _ *latency.Lengths) { p.Beta = -1e-9 }},
		{"profile.gamma", func(p *latency.Profile, _ *latency.Lengths) { p.Gamma = math.Inf(1) }},
		{"profile.max_batch", func(p *latency.Profile, _ *latency.Lengths) { p.MaxBatch = 0 }},
		{"profile.max_batch", func(p *latency.Profile, _ *latency.Lengths) { p.MaxBatch = 1 << 20 }},
		{"profile.max_queue", func(p *latency.Profile, _ *latency.Lengths) { p.MaxQueue = -1 }},
		{"input_tokens", func(_ *latency.Profile, l *latency.Lengths) { l.Input = -1 }},
		{"output_tokens", func(_ *latency.Profile, l *latency.Lengths) { l.Output = 0.5 }},
	} {
		p, l := profile, lengths
		tc.change(&p, &l)
		_, err := latency.NewServer(p, l)
		field, ok := errors.AsType[*latency.FieldError](err)
		require.True(t, ok, "%+v %+v: %v", p, l, err)
		assert.Equal(t, tc.path, field.Path, "%+v %+v", p, l)
	}
}

func TestCapacityRefuses(t *testing.T) {
	s := server(t, publishedProfile, publishedLengths)
	for _, tc := range []struct {
		path string
		slo  latency.SLO
	}{
		{"slo.ttft", latency.SLO{TTFT: -1}},
		{"slo.itl", latency.SLO{ITL: math.NaN()}},
		{"slo.quantile", latency.SLO{TTFT: 1, Quantile: 1}},
	} {
		_, err := s.Capacity(tc.slo)
		field, ok := errors.AsType[*latency.FieldError](err)
		require.True(t, ok, "%+v: %v", tc.slo, err)
		assert.Equal(t, tc.path, field.Path, "%+v", tc.slo)
	}
}
