package calibration_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/internal/long"
	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// knownProfile is what synthetic observations are made from.
func knownProfile() latency.Profile {
	return latency.Profile{Alpha: 8e-3, Beta: 2e-5, Gamma: 4.1e-7, MaxBatch: 256, MaxQueue: 2560}
}

// synthetic are observations of a server, with relative noise and outliers.
type synthetic struct {
	profile  latency.Profile
	count    int
	noise    float64
	outliers float64 // share
	ttft     bool
	lengths  func(*rand.Rand) latency.Lengths
	seed     uint64
}

func manyLengths(rng *rand.Rand) latency.Lengths {
	return latency.Lengths{Input: 200 * math.Exp(2*rng.Float64()), Output: 50 * math.Exp(2*rng.Float64())}
}

func oneLength(*rand.Rand) latency.Lengths { return latency.Lengths{Input: 512, Output: 150} }

func (s synthetic) observations(t require.TestingT) []calibration.Observation {
	rng := rand.New(rand.NewPCG(s.seed, 1))
	var observations []calibration.Observation
	for range s.count {
		o := calibration.Observation{Concurrency: 1 + 99*rng.Float64(), Lengths: s.lengths(rng)}
		server, err := latency.NewServer(s.profile, o.Lengths)
		require.NoError(t, err)
		o.ITL = server.Decode(o.Concurrency) * (1 + s.noise*rng.NormFloat64())
		if s.ttft {
			o.TTFT = (server.Prefill(o.Concurrency) + server.Decode(o.Concurrency)) * (1 + 2*s.noise*rng.NormFloat64())
		}
		if rng.Float64() < s.outliers {
			o.ITL *= 1 + 4*rng.Float64() // such as a pod that was restarted meanwhile
		}
		observations = append(observations, o)
	}
	return observations
}

func covers(e calibration.Estimate, want float64) bool { return e.Low <= want && want <= e.High }

// TestCalibrateCoverage measures how often the intervals hold the truth, with one in ten observations an outlier.
func TestCalibrateCoverage(t *testing.T) {
	long.Test(t)
	const seeds = 100
	for name, s := range map[string]synthetic{
		"itl alone, lengths vary":         {count: 60, lengths: manyLengths},
		"itl and ttft, lengths vary":      {count: 60, lengths: manyLengths, ttft: true},
		"itl and ttft of one length":      {count: 60, lengths: oneLength, ttft: true},
		"a benchmark of few observations": {count: 24, lengths: manyLengths, ttft: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.profile, s.noise, s.outliers = knownProfile(), 0.03, 0.1
			slo := latency.SLO{TTFT: 0.5, ITL: 0.04}
			lengths := oneLength(nil)
			server, err := latency.NewServer(s.profile, lengths)
			require.NoError(t, err)
			truth, err := server.Capacity(slo)
			require.NoError(t, err)
			var alpha, beta, gamma, capacity, safe int
			var worst, caution float64
			for seed := range uint64(seeds) {
				s.seed = seed
				c, err := calibration.Fit(s.observations(t))
				require.NoError(t, err)
				require.True(t, c.Separable, "condition %g", c.Condition)
				alpha += count(covers(c.Alpha, s.profile.Alpha))
				beta += count(covers(c.Beta, s.profile.Beta))
				gamma += count(covers(c.Gamma, s.profile.Gamma))
				got, err := c.Capacity(calibration.CapacityQuestion{SLO: slo, Lengths: lengths, MaxBatch: 256, MaxQueue: 2560})
				require.NoError(t, err)
				capacity += count(covers(got.Rate, truth.Rate))
				safe += count(got.Rate.Low <= truth.Rate)
				worst = max(worst, math.Abs(got.Rate.Value/truth.Rate-1))
				caution = max(caution, 1-got.Rate.Low/truth.Rate)
			}
			t.Logf("of %d: alpha %d, beta %d, gamma %d, capacity %d, lower bound not above the truth %d; capacity off by up to %.1f %%, lower bound below by up to %.1f %%",
				seeds, alpha, beta, gamma, capacity, safe, 100*worst, 100*caution)
			for _, held := range []int{alpha, beta, gamma, capacity} {
				assert.GreaterOrEqual(t, held, seeds*90/100)
			}
			assert.GreaterOrEqual(t, safe, seeds*95/100)
		})
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// TestCalibrateExact: without noise every profile comes back, whatever part of it is zero.
func TestCalibrateExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := latency.Profile{
			Alpha: rapid.Float64Range(1e-3, 5e-2).Draw(t, "alpha"),
			Beta:  rapid.SampledFrom([]float64{0, 5e-6, 2e-5, 2e-4}).Draw(t, "beta"),
			Gamma: rapid.SampledFrom([]float64{0, 1e-7, 4e-7, 2e-6}).Draw(t, "gamma"), MaxBatch: 8,
		}
		s := synthetic{
			profile: p, count: rapid.IntRange(20, 60).Draw(t, "count"), lengths: manyLengths,
			ttft: rapid.Bool().Draw(t, "ttft"), seed: rapid.Uint64().Draw(t, "seed"),
		}
		c, err := calibration.Fit(s.observations(t))
		require.NoError(t, err)
		if !c.Separable {
			t.Skip("condition number", c.Condition)
		}
		assert.InEpsilon(t, p.Alpha, c.Alpha.Value, 1e-5)
		assert.InDelta(t, p.Beta, c.Beta.Value, 1e-5*(p.Beta+2e-5))
		assert.InDelta(t, p.Gamma, c.Gamma.Value, 1e-5*(p.Gamma+4e-7))
		assert.InDelta(t, 0, c.ITL.Median, 1e-6)
	})
}

// TestCalibrateInseparable: at one length beta and gamma cannot be told apart by the time between tokens, which is said; what is
// predicted at that length is right, and every split that fits lies within the intervals.
func TestCalibrateInseparable(t *testing.T) {
	s := synthetic{profile: knownProfile(), count: 100, noise: 0.02, outliers: 0.1, lengths: oneLength}
	c, err := calibration.Fit(s.observations(t))
	require.NoError(t, err)
	assert.False(t, c.Separable)
	assert.Zero(t, c.Gamma.Value)
	assert.True(t, covers(c.Alpha, s.profile.Alpha), "%+v", c.Alpha)
	assert.True(t, covers(c.Beta, s.profile.Beta), "%+v", c.Beta)
	assert.True(t, covers(c.Gamma, s.profile.Gamma), "%+v", c.Gamma)
	require.Len(t, c.Warnings, 1)
	assert.Contains(t, c.Warnings[0], "beta and gamma cannot be told apart")

	server, err := latency.NewServer(s.profile, oneLength(nil))
	require.NoError(t, err)
	itl, _ := c.Latency(50, oneLength(nil))
	assert.True(t, covers(itl, server.Decode(50)), "%+v, want %g", itl, server.Decode(50))
	assert.InEpsilon(t, server.Decode(50), itl.Value, 0.01)

	slo := latency.SLO{TTFT: 0.1, ITL: 0.03, Quantile: 0.95}
	truth, err := server.Capacity(slo)
	require.NoError(t, err)
	got, err := c.Capacity(calibration.CapacityQuestion{SLO: slo, Lengths: oneLength(nil), MaxBatch: 256, MaxQueue: 2560})
	require.NoError(t, err)
	assert.LessOrEqual(t, got.Rate.Low, truth.Rate)
}

func TestCalibrateRefuses(t *testing.T) {
	good := synthetic{profile: knownProfile(), count: 30, lengths: manyLengths}.observations(t)
	change := func(f func(*calibration.Observation)) []calibration.Observation {
		bad := append([]calibration.Observation(nil), good...)
		f(&bad[3])
		return bad
	}
	flat := append([]calibration.Observation(nil), good...)
	for i := range flat {
		flat[i] = calibration.Observation{Concurrency: 40, Lengths: oneLength(nil), ITL: 0.02}
	}
	proportional := append([]calibration.Observation(nil), good...)
	for i := range proportional {
		proportional[i].Lengths, proportional[i].Concurrency = oneLength(nil), float64(10+i)
		proportional[i].ITL = 1e-3*proportional[i].Concurrency - 5e-3
	}
	for name, tc := range map[string]struct {
		observations []calibration.Observation
		want         string
	}{
		"none":            {nil, "cannot fit a profile: 0 observations, at least 6 are needed"},
		"too few":         {good[:5], "cannot fit a profile: 5 observations, at least 6 are needed"},
		"no concurrency":  {change(func(o *calibration.Observation) { o.Concurrency = 0 }), "observations[3].concurrency: 0 is not between 1e-06 and 1e+09"},
		"nothing seen":    {change(func(o *calibration.Observation) { o.ITL = 0 }), "observations[3]: has neither itl nor ttft"},
		"not a number":    {change(func(o *calibration.Observation) { o.ITL = math.NaN() }), "observations[3].itl: NaN s is not between 1e-09 and 1e+06"},
		"negative ttft":   {change(func(o *calibration.Observation) { o.TTFT = -1 }), "observations[3].ttft: -1 s is not between 1e-09 and 1e+06"},
		"no output":       {change(func(o *calibration.Observation) { o.Lengths.Output = 0 }), "observations[3].output_tokens: 0 is not between 1 and 1e+09"},
		"always the same": {flat, "cannot fit a profile: load and lengths hardly vary (40 to 40 requests in service, condition number 1e+07): the fixed time of an iteration cannot be told from the time per request"},
		"no fixed time":   {proportional, "cannot fit a profile: the fixed time of an iteration comes out as zero: latency grows faster than in proportion to the requests in service, which is not what this model describes; was it all seen at high load?"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := calibration.Fit(tc.observations)
			assert.EqualError(t, err, tc.want)
		})
	}
}

// TestCalibrateWarns: each reason for distrust has its sentence.
func TestCalibrateWarns(t *testing.T) {
	base := synthetic{profile: knownProfile(), count: 60, noise: 0.01, lengths: manyLengths}
	for name, tc := range map[string]struct {
		noise  float64
		count  int
		change func(i int, o *calibration.Observation)
		want   string
	}{
		"few":      {0.01, 12, nil, "only 12 observations"},
		"noisy":    {0.5, 60, nil, "off the fit (median)"},
		"outliers": {0.01, 60, func(i int, o *calibration.Observation) { o.ITL *= float64(3 - 2*min(1, i%4)) }, "itl observations are outliers"},
		"bent": {0.01, 60, func(_ int, o *calibration.Observation) {
			o.ITL *= 1 + 0.3*math.Pow(max(0, o.Concurrency-50)/50, 2)
		}, "latency bends upward"},
		"level": {0, 60, func(i int, o *calibration.Observation) {
			o.ITL = 0.01 + 1e-4*float64(i%2)
			o.Concurrency = 20 + float64(i/2)
		}, "what a request adds"},
		"narrow": {0.01, 60, func(i int, o *calibration.Observation) {
			at := 40 + float64(i)/2
			server, err := latency.NewServer(knownProfile(), o.Lengths)
			require.NoError(t, err)
			o.Concurrency, o.ITL = at, server.Decode(at)
		}, "narrow range of load: 40 to 69.5 requests in service"},
	} {
		t.Run(name, func(t *testing.T) {
			s := base
			s.noise, s.count = tc.noise, tc.count
			observations := s.observations(t)
			for i := range observations {
				observations[i].ITL = max(observations[i].ITL, 1e-3)
				if tc.change != nil {
					tc.change(i, &observations[i])
				}
			}
			c, err := calibration.Fit(observations)
			require.NoError(t, err)
			found := false
			for _, w := range c.Warnings {
				found = found || strings.Contains(w, tc.want)
			}
			assert.True(t, found, "%q not in %q", tc.want, c.Warnings)
		})
	}
	c, err := calibration.Fit(base.observations(t))
	require.NoError(t, err)
	assert.Empty(t, c.Warnings, "good observations need no warning")
}

// TestCalibratedCapacityReach: a capacity that rests on load that was not seen says so, also where only the quantile reaches beyond.
func TestCalibratedCapacityReach(t *testing.T) {
	observations := synthetic{profile: knownProfile(), count: 60, noise: 0.01, lengths: manyLengths}.observations(t)
	c, err := calibration.Fit(observations)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		slo          latency.SLO
		binding      latency.Binding
		extrapolated bool
	}{
		"within what was seen": {latency.SLO{ITL: 0.03, Quantile: 0.95}, latency.BindingITL, false},
		"the quantile beyond":  {latency.SLO{ITL: 0.045, Quantile: 0.95}, latency.BindingITL, true},
		"the mean beyond":      {latency.SLO{ITL: 0.06}, latency.BindingITL, true},
		"to saturation":        {latency.SLO{ITL: 10}, latency.BindingSaturation, true},
		"below the idle one":   {latency.SLO{TTFT: 0.001}, latency.BindingTTFT, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.Capacity(calibration.CapacityQuestion{SLO: tc.slo, Lengths: oneLength(nil), MaxBatch: 256, MaxQueue: 2560})
			require.NoError(t, err)
			assert.Equal(t, tc.binding, got.Binding)
			assert.Equal(t, tc.extrapolated, got.Extrapolated, "%+v", got)
			assert.Equal(t, got.Rate.Value == 0, got.Reason != "")
			assert.LessOrEqual(t, got.Rate.Low, got.Rate.Value)
			assert.LessOrEqual(t, got.Rate.Value, got.Rate.High)
		})
	}
	_, err = c.Capacity(calibration.CapacityQuestion{SLO: latency.SLO{Quantile: 2}, Lengths: oneLength(nil), MaxBatch: 256})
	require.EqualError(t, err, "slo.quantile: 2 is not between 0 (the mean) and 1")
	_, err = c.Capacity(calibration.CapacityQuestion{SLO: latency.SLO{ITL: 1}, Lengths: oneLength(nil)})
	assert.EqualError(t, err, "profile.max_batch: 0 is not between 1 and 65536")
}

// TestCalibrateRefusesNonsense: milliseconds, and latencies that have nothing to do with the load.
func TestCalibrateRefusesNonsense(t *testing.T) {
	lengths := latency.Lengths{Input: 512, Output: 128}
	for name, tc := range map[string]struct {
		itl, ttft func(n float64) float64
		want      string
	}{
		"itl in milliseconds":  {func(n float64) float64 { return 5 + 0.1*n }, func(float64) float64 { return 0 }, "look like milliseconds"},
		"ttft in milliseconds": {func(n float64) float64 { return 0.005 + 1e-4*n }, func(n float64) float64 { return 20 + n }, "ttft looks like milliseconds"},
		"falling":              {func(n float64) float64 { return 0.05 / math.Sqrt(n) }, func(float64) float64 { return 0 }, "R2 of itl"},
	} {
		t.Run(name, func(t *testing.T) {
			var observations []calibration.Observation
			for _, n := range []float64{1, 2, 4, 8, 16, 32, 64, 128} {
				observations = append(observations, calibration.Observation{Concurrency: n, Lengths: lengths, ITL: tc.itl(n), TTFT: tc.ttft(n)})
			}
			_, err := calibration.Fit(observations)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

// TestCalibrateFindsChunks fits what a server with both kinds of iterations shows, and predicts what was not seen.
func TestCalibrateFindsChunks(t *testing.T) {
	truth := latency.Profile{
		Alpha: 5e-3, Beta: 5e-6, Gamma: 6e-8, MaxBatch: 256, MaxQueue: 2560, MaxBatchTokens: 2048,
		Chunk: latency.Chunk{Alpha: 2e-3, Beta: 2e-5, Gamma: 8e-8, Attention: 2e-9},
	}
	var observations []calibration.Observation
	for _, l := range []latency.Lengths{{Input: 512, Output: 128}, {Input: 2048, Output: 128}, {Input: 128, Output: 512}} {
		for _, n := range []float64{1, 4, 16, 64, 128} {
			itl, ttft := latency.InService(truth, l, n, latency.Replacing)
			observations = append(observations, calibration.Observation{Concurrency: n, Lengths: l, ITL: itl, TTFT: ttft, Arrivals: latency.Replacing})
		}
	}
	c, err := calibration.FitBudget(observations, 2048)
	require.NoError(t, err)
	require.NotNil(t, c.Chunk)
	assert.InEpsilon(t, truth.Chunk.Beta, c.Chunk.Beta, 0.02)
	assert.InEpsilon(t, truth.Alpha, c.Alpha.Value, 0.02)
	assert.Less(t, c.HeldOut.ByLengths, 0.03)
	itl, _ := c.Latency(32, latency.Lengths{Input: 1000, Output: 300})
	want, _ := latency.InService(truth, latency.Lengths{Input: 1000, Output: 300}, 32, latency.AtRandom)
	assert.InEpsilon(t, want, itl.Value, 0.02)

	question := calibration.CapacityQuestion{
		SLO: latency.SLO{ITL: 0.04, Quantile: 0.95}, Lengths: latency.Lengths{Input: 512, Output: 128}, MaxBatch: 256, MaxQueue: 2560,
	}
	capacity, err := c.Capacity(question)
	require.NoError(t, err)
	server, err := latency.NewServer(truth, question.Lengths)
	require.NoError(t, err)
	exact, err := server.Capacity(question.SLO)
	require.NoError(t, err)
	assert.InEpsilon(t, exact.Rate, capacity.Rate.Value, 0.03)
	assert.LessOrEqual(t, capacity.Rate.Low, exact.Rate)
	assert.GreaterOrEqual(t, capacity.Rate.High, exact.Rate)
}

// TestCalibrateTellsAttention fits a server whose attention costs three times what its gamma lets expect. Points of fixed lengths hardly
// say so. Points of lengths that vary do.
func TestCalibrateTellsAttention(t *testing.T) {
	truth := latency.Profile{
		Alpha: 5e-3, Beta: 5e-6, Gamma: 6e-8, MaxBatch: 256, MaxQueue: 2560, MaxBatchTokens: 8192,
		Chunk: latency.Chunk{Alpha: 2e-3, Beta: 2e-5, Gamma: 8e-8, Attention: 6e-9},
	}
	seen := func(l latency.Lengths) []calibration.Observation {
		var observations []calibration.Observation
		for _, n := range []float64{1, 2, 4, 8, 16, 32, 64, 128} {
			itl, ttft := latency.InService(truth, l, n, latency.AtRandom)
			observations = append(observations, calibration.Observation{Concurrency: n, Lengths: l, ITL: itl, TTFT: ttft})
		}
		return observations
	}
	fixed := slices.Concat(seen(latency.Lengths{Input: 512, Output: 128}), seen(latency.Lengths{Input: 128, Output: 512}))
	varied := slices.Concat(fixed, seen(latency.Lengths{Input: 2000, InputCV: 1.5, Output: 200, OutputCV: 1}), seen(latency.Lengths{Input: 600, InputCV: 1, Output: 200, OutputCV: 1}))
	for _, tc := range []struct {
		shown []calibration.Observation
		most  float64 // error
	}{{fixed, 0.8}, {varied, 0.2}} {
		c, err := calibration.FitBudget(tc.shown, truth.MaxBatchTokens)
		require.NoError(t, err)
		require.NotNil(t, c.Chunk)
		t.Logf("%d observations: attention %.3g of %.3g s", len(tc.shown), c.Chunk.Attention, truth.Chunk.Attention)
		assert.InEpsilon(t, truth.Chunk.Attention, c.Chunk.Attention, tc.most)
	}
}

// TestCalibrateOfFew leaves out one observation after the other where there are few, plans with no load that was not seen, and notices
// a line in other units.
func TestCalibrateOfFew(t *testing.T) {
	var observations []calibration.Observation
	for i, n := range []float64{1, 2, 4, 8, 16, 32, 64} {
		wobble := 1 + 0.02*float64(i%2)
		observations = append(observations, calibration.Observation{
			Concurrency: n, Lengths: latency.Lengths{Input: 512, Output: 128}, ITL: (0.005 + 0.0001*n) * wobble,
		})
	}
	question := calibration.CapacityQuestion{
		SLO: latency.SLO{ITL: 0.04}, Lengths: latency.Lengths{Input: 512, Output: 128}, MaxBatch: 1024, MaxQueue: 10_240,
	}
	c, err := calibration.Fit(observations)
	require.NoError(t, err)
	assert.Greater(t, c.HeldOut.ByLoad, 0.005)
	capacity, err := c.Capacity(question)
	require.NoError(t, err)
	assert.Greater(t, capacity.Concurrency.Value, 200.0)
	assert.LessOrEqual(t, capacity.Concurrency.Low, 1.1*64*1.05, "the plan is of no load beyond those seen")

	observations[2].ITL *= 1000
	c, err = calibration.Fit(observations)
	require.NoError(t, err)
	assert.Contains(t, c.Warnings, "1 of 7 observations have an itl above 1 s, which no server shows: are they in milliseconds?")
}
