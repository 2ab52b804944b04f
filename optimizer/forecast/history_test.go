package forecast_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

var nan = math.NaN()

// same compares values of which some may be NaN.
func same(t require.TestingT, want, got []float64, about ...any) {
	require.Len(t, got, len(want), about...)
	for i := range want {
		if math.IsNaN(want[i]) {
			require.True(t, math.IsNaN(got[i]), about...)
			continue
		}
		require.InDelta(t, want[i], got[i], 0, about...)
	}
}

func equal(t require.TestingT, want, got float64, about ...any) {
	same(t, []float64{want}, []float64{got}, about...)
}

// TestAges is about a history whose last value was 5 s ago, at steps of 15 s: 50, 35, 20 and 5 s ago.
func TestAges(t *testing.T) {
	h := forecast.History{Step: 15 * time.Second, Since: 5 * time.Second, Values: []float64{1, 2, 3, 4}}
	for ago, want := range map[time.Duration]struct {
		over  []float64
		at    float64
		until []float64
		since time.Duration
	}{
		0:                     {nil, 4, []float64{1, 2, 3, 4}, 5 * time.Second},
		5 * time.Second:       {nil, 4, []float64{1, 2, 3, 4}, 0},
		5*time.Second + 1:     {[]float64{4}, 3, []float64{1, 2, 3}, 15*time.Second - 1},
		20 * time.Second:      {[]float64{4}, 3, []float64{1, 2, 3}, 0},
		20*time.Second + 1:    {[]float64{3, 4}, 2, []float64{1, 2}, 15*time.Second - 1},
		49 * time.Second:      {[]float64{2, 3, 4}, 1, []float64{1}, time.Second},
		50 * time.Second:      {[]float64{2, 3, 4}, 1, []float64{1}, 0},
		50*time.Second + 1:    {[]float64{1, 2, 3, 4}, nan, nil, 0},
		1000 * time.Second:    {[]float64{1, 2, 3, 4}, nan, nil, 0},
		365 * 24 * time.Hour:  {[]float64{1, 2, 3, 4}, nan, nil, 0},
		-365 * 24 * time.Hour: {nil, 4, []float64{1, 2, 3, 4}, 5*time.Second + 365*24*time.Hour},
	} {
		same(t, want.over, h.Over(ago), "over %s", ago)
		equal(t, want.at, h.At(ago), "at %s", ago)
		then := h.Until(ago)
		same(t, want.until, then.Values, "until %s", ago)
		require.Equal(t, want.since, then.Since, "until %s", ago)
		require.Equal(t, h.Step, then.Step)
	}
	require.Equal(t, 50*time.Second, h.Ago(0))
	require.Equal(t, 5*time.Second, h.Ago(3))
}

// TestNothing: a history without values or without a step says nothing.
func TestNothing(t *testing.T) {
	for name, h := range map[string]forecast.History{
		"zero": {}, "no values": {Step: time.Minute}, "no step": {Values: []float64{1, 2}},
	} {
		require.Empty(t, h.Over(time.Hour), name)
		require.True(t, math.IsNaN(h.Stable(time.Minute, time.Hour)), name)
		require.True(t, math.IsNaN(h.Stable(0, time.Hour)), name)
		_, known := h.Linear(time.Hour, time.Minute)
		require.False(t, known, name)
	}
	empty := forecast.History{Step: time.Minute}
	equal(t, nan, empty.At(0))
	require.Empty(t, empty.Until(time.Minute).Values)
	_, known := forecast.Seasonal(forecast.History{}, forecast.History{}, 24*time.Hour, time.Hour, time.Minute)
	require.False(t, known)
}

func TestSummaries(t *testing.T) {
	for name, c := range map[string]struct {
		values            []float64
		most, least, mean float64
		known             int
	}{
		"nothing":     {nil, nan, nan, nan, 0},
		"none known":  {[]float64{nan, nan}, nan, nan, nan, 0},
		"some known":  {[]float64{nan, 3, nan, 1, 2, nan}, 3, 1, 2, 3},
		"one":         {[]float64{7}, 7, 7, 7, 1},
		"below zero":  {[]float64{-1, nan, -3}, -1, -3, -2, 2},
		"the last is": {[]float64{1, 2, 3, 4}, 4, 1, 2.5, 4},
	} {
		equal(t, c.most, forecast.Most(c.values), name)
		equal(t, c.least, forecast.Least(c.values), name)
		equal(t, c.mean, forecast.Mean(c.values), name)
		require.Equal(t, c.known, forecast.Known(c.values), name)
	}
}

func TestSumAndScale(t *testing.T) {
	of := func(values ...float64) forecast.History {
		return forecast.History{Step: time.Minute, Since: time.Second, Values: values}
	}
	a, b := of(1, nan, 3, nan), of(10, 20, nan, nan)
	sum := forecast.Sum(a, forecast.History{}, b)
	same(t, []float64{11, 20, 3, nan}, sum.Values)
	require.Equal(t, of().Step, sum.Step)
	require.Equal(t, of().Since, sum.Since)
	same(t, []float64{1, nan, 3, nan}, a.Values, "the parts are as they were")
	same(t, []float64{2, nan, 6, nan}, a.Scale(2).Values)
	same(t, []float64{1, nan, 3, nan}, a.Values)
	require.Empty(t, forecast.Sum().Values)
	same(t, []float64{11, 20, 3, nan}, forecast.Sum(a, of(100, 200, 10, 20, nan, nan)).Values, "the other is older")
	same(t, []float64{1, nan, 33, 40}, forecast.Sum(a, of(30, 40)).Values, "the other is younger")
}

// anyHistory draws a history with gaps, of whole numbers.
func anyHistory(t *rapid.T, least int) forecast.History {
	step := rapid.SampledFrom([]time.Duration{time.Second, 15 * time.Second, time.Minute}).Draw(t, "step")
	values := rapid.SliceOfN(rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 9), func(n int) float64 { return float64(n) }), rapid.Just(nan),
	), least, 40).Draw(t, "values")
	return forecast.History{Step: step, Since: time.Duration(rapid.Int64Range(0, int64(step)-1).Draw(t, "since")), Values: values}
}

func anyWindow(t *rapid.T, h forecast.History, name string) time.Duration {
	if rapid.Bool().Draw(t, name+" is whole") {
		return time.Duration(rapid.IntRange(0, 50).Draw(t, name)) * h.Step
	}
	return time.Duration(rapid.Int64Range(0, 50*int64(h.Step)).Draw(t, name))
}

// TestAgesProperties holds Over, At and Until to their words, value by value.
func TestAgesProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := anyHistory(t, 0)
		ago := anyWindow(t, h, "ago")
		var over, until []float64
		at := nan
		for i, v := range h.Values {
			if h.Ago(i) < ago {
				over = append(over, v)
			} else {
				until, at = append(until, v), v
			}
		}
		same(t, over, h.Over(ago))
		equal(t, at, h.At(ago))
		then := h.Until(ago)
		same(t, until, then.Values)
		for i := range until {
			require.Equal(t, h.Ago(i)-ago, then.Ago(i))
		}
		require.Equal(t, len(until) == 0 || forecast.Known(until) == 0, forecast.None(until))
		for _, other := range []forecast.History{then, anyHistory(t, 0), {Step: h.Step, Since: h.Since, Values: over}} {
			along := h.Along(other)
			require.Len(t, along, len(other.Values))
			for i, v := range along {
				equal(t, h.At(other.Ago(i)), v)
			}
		}
	})
}

// stable is Stable, as its words say.
func stable(h forecast.History, up, down time.Duration) float64 {
	if down == 0 {
		return forecast.Least(h.Over(up))
	}
	most := nan
	for i := range h.Values {
		if h.Ago(i) >= down {
			continue
		}
		lasted := h.Values[i]
		for j := range h.Values[:i] {
			if up > 0 && h.Ago(j)-h.Ago(i) < up {
				lasted = forecast.Least([]float64{lasted, h.Values[j]})
			}
		}
		most = forecast.Most([]float64{most, lasted})
	}
	return most
}

func TestStableProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := anyHistory(t, 0)
		up, down := anyWindow(t, h, "up"), anyWindow(t, h, "down")
		before := slices.Clone(h.Values)
		got := h.Stable(up, down)
		equal(t, stable(h, up, down), got)
		same(t, before, h.Values, "a history is not changed")
		if down > 0 && up > 0 && !math.IsNaN(got) {
			require.LessOrEqual(t, got, h.Stable(0, down+up), "what lasted was there")
			last := forecast.History{Step: h.Step, Values: h.Values}.Stable(up, 0)
			require.True(t, got >= last || math.IsNaN(last), "what has lasted by the last step counts")
		}
	})
}

func TestStable(t *testing.T) {
	for name, c := range map[string]struct {
		values   []float64 // by minute
		up, down time.Duration
		want     float64
	}{
		"no window":                             {[]float64{1, 2, 3}, 0, 0, nan},
		"the most over the one":                 {[]float64{9, 1, 5, 2}, 0, 3 * time.Minute, 5},
		"the least over the other":              {[]float64{0, 4, 5, 2}, 3 * time.Minute, 0, 2},
		"a peak shorter than the up window":     {[]float64{1, 1, 9, 1, 1}, 2 * time.Minute, 5 * time.Minute, 1},
		"a peak as long as the up window":       {[]float64{1, 1, 9, 8, 1}, 2 * time.Minute, 5 * time.Minute, 8},
		"it lasted before the down window":      {[]float64{9, 9, 1, 1, 1}, 2 * time.Minute, 3 * time.Minute, 1},
		"it ended just within the down window":  {[]float64{9, 9, 1, 1, 1}, 2 * time.Minute, 4 * time.Minute, 9},
		"a gap neither lasts nor ends anything": {[]float64{1, 7, nan, 7, 1}, 3 * time.Minute, 4 * time.Minute, 7},
		"nothing known in the window":           {[]float64{5, nan, nan}, 0, 2 * time.Minute, nan},
	} {
		h := forecast.History{Step: time.Minute, Values: c.values}
		equal(t, c.want, h.Stable(c.up, c.down), name)
	}
}

// TestFromMinute: the noise of a moment is the same at all looks of a minute, although each reads other values.
func TestFromMinute(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	values := make([]float64, 280)
	for i := range values {
		values[i] = 100 + 10*rng.NormFloat64()
	}
	noise := func(look int, h forecast.History) float64 {
		return law.NewCourse(h).Noise(10*time.Minute+time.Duration(look)*h.Step, 100)
	}
	read := func(look int) forecast.History {
		return forecast.History{Step: 15 * time.Second, Values: values[look : 260+look]}
	}
	for look := 1; look < 4; look++ {
		since := time.Duration(look) * 15 * time.Second
		require.Equal(t, noise(0, read(0).FromMinute(0)), noise(look, read(look).FromMinute(since))) //nolint:testifylint // The same number.
		require.NotEqual(t, noise(0, read(0)), noise(look, read(look)))
	}
	require.Empty(t, forecast.History{Step: 15 * time.Second, Values: values[:2]}.FromMinute(0).Values)
}
