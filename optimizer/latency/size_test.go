package latency_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// question puts the end of a question after a profile and lengths.
func question(end string) string {
	return `{"profile":{"alpha":0.012,"beta":3e-5,"gamma":5e-7,"max_batch":256},"input_tokens":800,"output_tokens":200,` + end + `}`
}

// sized answers a question that is well formed.
func sized(t *testing.T, text string) latency.SizingResult {
	t.Helper()
	q, err := latency.ParseSizing([]byte(text))
	require.NoError(t, err, text)
	result, err := latency.Size(q)
	require.NoError(t, err, text)
	return result
}

func TestSizeAtRate(t *testing.T) {
	means := sized(t, question(`"rate":3.5`))
	assert.Zero(t, means.TTFTQuantile, "means alone")
	assert.Zero(t, means.ITLQuantile, "means alone")
	assert.Nil(t, means.Feasible, "means alone")
	assert.Empty(t, means.Binding, "means alone")
	assert.Empty(t, means.Reason, "means alone")
	s := server(t, latency.Profile{Alpha: 0.012, Beta: 3e-5, Gamma: 5e-7, MaxBatch: 256, MaxQueue: 2560}, latency.Lengths{Input: 800, Output: 200})
	assert.Equal(t, s.Means(3.5), means.Means)
	for _, text := range []string{question(`"rate":3.5,"quantile":0.95`), question(`"rate":3.5,"slo":{"quantile":0.95}`)} {
		got := sized(t, text)
		within(t, "quantile of ttft", got.TTFTQuantile, s.TTFTQuantile(3.5, 0.95), 0)
		within(t, "quantile of itl", got.ITLQuantile, s.ITLQuantile(3.5, 0.95), 0)
	}
}

func TestSizeForSLO(t *testing.T) {
	for _, tc := range []struct {
		end      string
		feasible bool
		rate     float64
		binding  latency.Binding
		reason   string
	}{
		{`"slo":{"ttft":0.5,"itl":0.04}`, true, 5.5708, "itl", ""},
		{`"slo":{"ttft":0.5,"itl":0.04,"quantile":0.95}`, true, 2.9051, "itl", ""},
		{`"slo":{"ttft":0.11,"quantile":0.95}`, true, 3.22682, "ttft", ""},
		{`"slo":{"itl":10}`, true, 7.6644, "saturation", ""},
		{`"rate":2,"slo":{"ttft":0.5,"itl":0.04,"quantile":0.95}`, true, 2, "itl", ""},
		{`"rate":5,"slo":{"ttft":0.5,"itl":0.04,"quantile":0.95}`, false, 5, "itl", "itl: 2.905 requests per second at most"},
		{`"slo":{"itl":0.013}`, false, 0, "itl", "itl 0.013 s is below the idle latency: one decode step takes 0.01308 s"},
		{
			`"rate":0,"slo":{"ttft":0.045,"quantile":0.5}`, false, 0, "ttft",
			"ttft 0.045 s is below the idle latency: prefill 0.0364 s + one decode step 0.01248 s = 0.04888 s",
		},
	} {
		got := sized(t, question(tc.end))
		require.NotNil(t, got.Feasible, tc.end)
		assert.Equal(t, tc.feasible, *got.Feasible, tc.end)
		assert.Equal(t, tc.binding, got.Binding, tc.end)
		assert.Equal(t, tc.reason, got.Reason, tc.end)
		within(t, tc.end, got.Rate, tc.rate, 5e-5)
	}
}

func TestSizingIsRefused(t *testing.T) {
	whole := question(`"rate":1`)
	for _, tc := range []struct{ text, want string }{
		{``, "read sizing: unexpected EOF"},
		{`[]`, "must be an object"},
		{whole + `{}`, "text after the object"},
		{`{"profile":3}`, "profile: must be an object"},
		{strings.Replace(whole, `"rate"`, `"rates"`, 1), "rates: unknown field"},
		{strings.Replace(whole, `"rate":1`, `"rate":1,"rate":2`, 1), "rate: duplicate key"},
		{strings.Replace(whole, `"beta":3e-5,`, ``, 1), "profile.beta: is missing"},
		{strings.Replace(whole, `,"max_batch":256`, ``, 1), "profile.max_batch: is missing"},
		{strings.Replace(whole, `256`, `25.6`, 1), "profile.max_batch: 25.6 is not a whole number"},
		{strings.Replace(whole, `256`, `256,"max_queue":-1`, 1), "profile.max_queue: -1 is not between 0"},
		{strings.Replace(whole, `"input_tokens":800,`, ``, 1), "input_tokens: is missing"},
		{strings.Replace(whole, `"output_tokens":200`, `"output_tokens":0`, 1), "output_tokens: 0 is not between 1"},
		{strings.Replace(whole, `0.012`, `-0.012`, 1), "profile.alpha: -0.012 s is not between"},
		{strings.Replace(whole, `0.012`, `1e400`, 1), "profile.alpha: is out of range"},
		{strings.Replace(whole, `0.012`, `12`, 1), "profile.alpha: 12 s for an iteration: times are in seconds, and this looks like milliseconds (0.012 s)"},
		{strings.Replace(whole, `0.012`, `"12 days"`, 1), `profile.alpha: "12 days" is not a time: write it like 8ms`},
		{strings.Replace(whole, `0.012`, `true`, 1), "profile.alpha: must be a number of seconds"},
		{strings.Replace(whole, `,"rate":1`, ``, 1), "rate: is missing: set rate, slo or both"},
		{question(`"rate":-1`), "rate: -1 is not between 0"},
		{question(`"rate":1,"quantile":1`), "quantile: 1 is not between 0"},
		{question(`"quantile":0.9,"slo":{"ttft":1}`), "quantile: must be inside slo"},
		{question(`"slo":{}`), "slo: has no target"},
		{question(`"slo":{"ttft":-1}`), "slo.ttft: -1 s is not between 0"},
		{question(`"slo":{"itl":1,"quantile":95}`), "slo.quantile: 95 is not between 0"},
		{question(`"slo":{"tpot":1}`), "slo.tpot: unknown field"},
		{strings.Replace(whole, `:800`, `:{"mean":800,"cv":-0.1}`, 1), "input_tokens.cv: -0.1 is not between 0 and 20: at a mean of 800 tokens the standard deviation would be -80"},
		{strings.Replace(whole, `:200`, `:{"mean":200,"cv":90}`, 1), "output_tokens.cv: 90 is not between 0 and 20"},
		{strings.Replace(whole, `:200`, `:{"mean":1,"cv":1}`, 1), "output_tokens.cv: 1: lengths of at least 1 with a mean of 1 are all 1"},
		{strings.Replace(whole, `:800`, `:{"cv":1}`, 1), "input_tokens: is missing"},
		{strings.Replace(whole, `:800`, `:{"average":1}`, 1), "input_tokens.average: unknown field"},
		{strings.Replace(whole, `:800`, `:"800"`, 1), "input_tokens: must be a number or an object"},
		{strings.Replace(whole, `256`, `256,"max_batch_tokens":128`, 1), "profile.max_batch_tokens: 128 is less than max_batch 256"},
		{strings.Replace(whole, `256`, `256,"max_batch_tokens":0`, 1), "profile.max_batch_tokens: 0 is not positive"},
		{strings.Replace(whole, `256`, `256,"chunk":{"beta":-1}`, 1), "profile.chunk.beta: -1 s is not between 0"},
		{strings.Replace(whole, `256`, `256,"chunk":{}`, 1), "profile.chunk: has no alpha, beta or gamma"},
	} {
		_, err := latency.ParseSizing([]byte(tc.text))
		assert.ErrorContains(t, err, tc.want, tc.text)
	}
}

// TestLengths reads plain numbers and objects alike.
func TestLengths(t *testing.T) {
	plain := sized(t, question(`"rate":3.5`))
	object := strings.Replace(strings.Replace(question(`"rate":3.5`), `:800`, `:{"mean":800}`, 1), `:200`, `:{"mean":200,"cv":0}`, 1)
	assert.Equal(t, plain, sized(t, object))
	mixed := sized(t, strings.Replace(question(`"rate":3.5`), `:200`, `:{"mean":200,"cv":1}`, 1))
	assert.Greater(t, mixed.ITL, plain.ITL, "outputs that vary have longer contexts")
	assert.Greater(t, mixed.InService, plain.InService, "outputs that vary have longer contexts")
}

// TestSizeRefuses a question that was not parsed.
func TestSizeRefuses(t *testing.T) {
	_, err := latency.Size(latency.Sizing{Quantile: math.NaN()})
	assert.ErrorAs(t, err, new(*latency.FieldError))
}

// FuzzSize wants an answer that is JSON, or an error.
func FuzzSize(f *testing.F) {
	f.Add([]byte(question(`"rate":3.5`)))
	f.Add([]byte(question(`"slo":{"ttft":0.5,"itl":0.04,"quantile":0.95}`)))
	f.Add([]byte(question(`"rate":1e18,"slo":{"ttft":1e18,"quantile":0.9999999999999999}`)))
	f.Add([]byte(`{"profile":{"alpha":1e-9,"beta":1e6,"gamma":1e6,"max_batch":65536,"max_queue":1048576},"input_tokens":1e9,"output_tokens":1e9,"rate":1e-300,"quantile":1e-300}`))
	f.Add([]byte(`{"profile":{"alpha":0.005,"beta":1e-6,"gamma":6e-8,"max_batch":256,"max_batch_tokens":2048,"chunk":{"alpha":0.0035,"beta":2.1e-5,"gamma":6e-8}},"input_tokens":{"mean":580,"cv":1},"output_tokens":{"mean":155,"cv":20},"rate":30,"slo":{"itl":0.04,"ttft":1,"quantile":0.95}}`))
	f.Add([]byte(`{"profile":{"alpha":0.005,"beta":1e-6,"gamma":6e-8,"max_batch":1,"max_batch_tokens":1},"input_tokens":{"mean":1e9,"cv":20},"output_tokens":{"mean":1.0001,"cv":20},"rate":30,"quantile":0.95}`))
	f.Add([]byte(`{"profile":{"alpha":1e-9,"beta":0,"gamma":0,"max_batch":1,"max_queue":0},"input_tokens":0,"output_tokens":1,"slo":{"itl":1e-9}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := latency.ParseSizing(data)
		if err != nil {
			return
		}
		result, err := latency.Size(q)
		require.NoError(t, err, data)
		out, err := json.Marshal(result) // refuses what is not a number
		require.NoError(t, err, data)
		require.GreaterOrEqual(t, result.Rate, 0., "%s: %s", data, out)
		require.GreaterOrEqual(t, result.Wait, 0., "%s: %s", data, out)
		require.GreaterOrEqual(t, result.Prefill, 0., "%s: %s", data, out)
		require.GreaterOrEqual(t, result.ITL, 0., "%s: %s", data, out)
		require.GreaterOrEqual(t, result.TTFTQuantile, 0., "%s: %s", data, out)
	})
}

// TestCacheStaysNear bounds what rounding to the safe side costs.
func TestCacheStaysNear(t *testing.T) {
	var cache latency.CapacityCache
	least, sum, count := 1.0, 0.0, 0.0
	for _, c := range []struct {
		batch         int
		input, output float64
	}{{8, 100, 20}, {64, 800, 200}, {64, 4000, 30}, {256, 800, 200}} {
		p := latency.Profile{Alpha: 0.0123, Beta: 3.1e-5, Gamma: 5.2e-7, MaxBatch: c.batch, MaxQueue: 10 * c.batch}
		for drift := 1.0; drift < 1.1; drift += 0.0037 {
			l := latency.Lengths{Input: c.input * drift, Output: c.output * (2 - drift)}
			s := server(t, p, l)
			for _, slo := range []latency.SLO{
				{TTFT: 4 * (s.Prefill(1) + s.Decode(1)), Quantile: 0.95},
				{ITL: 2 * s.Decode(1)},
				{TTFT: 2 * (s.Prefill(1) + s.Decode(1)), ITL: 1.5 * s.Decode(1), Quantile: 0.99},
			} {
				exact, err := s.Capacity(slo)
				require.NoError(t, err)
				rounded, err := cache.Capacity(p, l, slo)
				require.NoError(t, err)
				ratio := rounded.Rate / exact.Rate
				least, sum, count = min(least, ratio), sum+ratio, count+1
			}
		}
	}
	mean := sum / count
	t.Logf("%.2f %% of the exact capacity on average, at least %.2f %%", 100*mean, 100*least)
	// One request less in a small batch is more than the rounding itself.
	assert.GreaterOrEqual(t, mean, 0.98, "share that rounding leaves")
	assert.GreaterOrEqual(t, least, 0.85, "share that rounding leaves")
}

func ExampleSize() {
	q, err := latency.ParseSizing([]byte(`{
		"profile": {"alpha": 0.012, "beta": 3e-5, "gamma": 5e-7, "max_batch": 256, "max_queue": 1024},
		"input_tokens": 800, "output_tokens": 200,
		"slo": {"ttft": 0.5, "itl": 0.04, "quantile": 0.95}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := latency.Size(q)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f requests per second, %s binds, %.0f %% of the tokens within %.1f ms\n",
		result.Rate, result.Binding, 100*q.SLO.Quantile, 1e3*result.ITLQuantile)
	// Output: 2.91 requests per second, itl binds, 95 % of the tokens within 39.8 ms
}
