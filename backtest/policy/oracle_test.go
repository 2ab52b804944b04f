package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// steps is a load of 60 requests/s, then 120 from minute 10 to 20.
func steps(variants ...Variant) Setup {
	rates := make([]float64, 30*12)
	for i := range rates {
		rates[i] = 60
		if i >= 10*12 && i < 20*12 {
			rates[i] = 120
		}
	}
	return Setup{
		Every: 15 * time.Second, Models: []Model{model()}, Variants: variants,
		Future: &Future{Tick: 5 * time.Second, Rates: map[string][]float64{"llm/m": rates}, Burstiness: map[string][]float64{"llm/m": {6}}},
	}
}

// follow returns when a policy changes what it wants.
func follow(p Policy, id string) map[time.Duration]int {
	changes := map[time.Duration]int{}
	last := -1
	for at := time.Duration(0); at < 30*time.Minute; at += 15 * time.Second {
		if n := p.Desired(&Observation{At: at})[id]; n != last {
			changes[at], last = n, n
		}
	}
	return changes
}

func TestOracles(t *testing.T) {
	one := variant("a", 2)
	const minute = time.Minute
	// 60 / 7.53 = 7.97, 120 / 7.53 = 15.94.
	require.Equal(t, map[time.Duration]int{0: 8, 10 * minute: 16, 20 * minute: 8}, follow(newOracle(steps(one)), "llm/a"))
	// Ordered a startup and one evaluation before.
	require.Equal(t, map[time.Duration]int{0: 8, 10*minute - 135*time.Second: 16, 20 * minute: 8}, follow(newOracleDelayed(steps(one)), "llm/a"))
	// 60 -> 65.7 and 120 -> 126.9 with room for noise.
	require.Equal(t, map[time.Duration]int{0: 9, 10*minute - 135*time.Second: 17, 20 * minute: 9}, follow(newOracleNoise(steps(one)), "llm/a"))

	require.True(t, newOracle(steps(one)).(Instant).Instant())
	require.False(t, newOracleDelayed(steps(one)).(Instant).Instant())
	require.False(t, newOracleNoise(steps(one)).(Instant).Instant())
}

func TestOracleKeepsThroughADip(t *testing.T) {
	s := steps(variant("a", 2))
	rates := s.Future.Rates["llm/m"]
	for i := 12 * 12; i < 13*12; i++ {
		rates[i] = 10
	}
	require.NotContains(t, follow(newOracleDelayed(s), "llm/a"), 12*time.Minute, "a minute is shorter than a start")
	require.Equal(t, 2, follow(newOracle(s), "llm/a")[12*time.Minute])
}

func TestOracleMixes(t *testing.T) {
	large, small := variant("large", 0), variant("small", 0)
	large.Facts.Cost, large.Facts.Rate = 12, 20
	small.Facts.Cost, small.Facts.Rate, small.Facts.Pool, small.Facts.Accelerators = 3, 4, "l4", 1
	s := steps(large, small)
	// 3 large at 36 serve 60, 6 serve 120.
	require.Equal(t, map[string]int{"llm/large": 3, "llm/small": 0}, newOracle(s).Desired(&Observation{}))
	// With room for noise 67.1 are needed: 3 large and 2 small at 42, not 4 large at 48.
	require.Equal(t, map[string]int{"llm/large": 3, "llm/small": 2}, newOracleNoise(s).Desired(&Observation{}))
	s.Pools = map[string]int{"h100": 8}
	require.Equal(t, map[string]int{"llm/large": 2, "llm/small": 5}, newOracle(s).Desired(&Observation{}), "two large fit the pool")
}

func TestOracleRoles(t *testing.T) {
	prefill, decode := variant("prefill", 0), variant("decode", 0)
	prefill.Facts.Role, prefill.Facts.Rate = "prefill", 30
	decode.Facts.Role, decode.Facts.Rate = "decode", 10
	require.Equal(t, map[string]int{"llm/prefill": 2, "llm/decode": 6}, newOracle(steps(prefill, decode)).Desired(&Observation{}))
}

func TestOracleBeyondTheEnd(t *testing.T) {
	p := newOracle(steps(variant("a", 2)))
	require.Equal(t, map[string]int{"llm/a": 8}, p.Desired(&Observation{At: 24 * time.Hour}))
}

func TestWithNoise(t *testing.T) {
	for _, tc := range []struct {
		rate, burstiness float64
		target           time.Duration
		room, want       float64
	}{
		{196, 6, 2 * time.Second, 15.4, 203.7}, // the large trace: 4 percent
		{196, 6, 2 * time.Second, 0, 205.9},    // servers without a batch: all that is too much waits
		{196, 1, 2 * time.Second, 0, 197.7},    // Poisson
		{196, 0, 2 * time.Second, 0, 197.7},    // no less than Poisson
		{20, 6, 2 * time.Second, 0, 27.5},      // small fleets need more
		{60, 12, 2 * time.Second, 15.4, 69.0},
		{196, 6, 200 * time.Millisecond, 0, 271.0},
		{196, 6, 0, 0, 214.9},
		{0, 6, 2 * time.Second, 15.4, 0},
	} {
		require.InDelta(t, tc.want, withNoise(tc.rate, tc.burstiness, tc.target, tc.room), 0.06, "%+v", tc)
	}
}

func TestRoom(t *testing.T) {
	m, a, b := model(), variant("a", 1), variant("b", 1)
	b.Facts.MaxBatch, b.Facts.Rate = 48, 6
	require.InDelta(t, 8, room(Setup{Variants: []Variant{a, b}}, &m), 1e-9, "116 / 7.53 = 15.4, 48 / 6 = 8")
	m.Facts.ITL = 20 * time.Millisecond
	require.InDelta(t, 3.1, room(Setup{Variants: []Variant{a, b}}, &m), 1e-9, "155 tokens of 20 ms")
	b.Facts.Rate = 0
	m.Facts.ITL = 0
	require.Zero(t, room(Setup{Variants: []Variant{b}}, &m))
}
