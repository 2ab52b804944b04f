package forecast_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// rising is a demand of about 40 by 15 seconds, that rises to 100 in some changes, so many steps ago.
func rising(seed uint64, changes, ago int) forecast.History {
	rng := rand.New(rand.NewPCG(seed, 5))
	h := forecast.History{Step: 15 * time.Second}
	for i := range 240 {
		h.Values = append(h.Values, 40+rng.NormFloat64()+60*min(1, max(0, float64(i-(239-ago)+changes)/float64(changes))))
	}
	return h
}

// TestStepIsNoTrend: a rise that lasts no longer than a rate takes to show a step is not continued, and one that lasts for longer is.
func TestStepIsNoTrend(t *testing.T) {
	base := func(h forecast.History) float64 {
		return plan(t, law, forecast.Long{History: h}, 0, forecast.Lesson{}) // without noise
	}
	for seed := range uint64(20) {
		for ago := 1; ago < 8; ago++ {
			for _, changes := range []int{1, 3, 4} {
				require.InDelta(t, 100, base(rising(seed, changes, ago)), 8, "%d changes, %d steps ago", changes, ago)
			}
			require.Greater(t, base(rising(seed, 12, ago)), 130.0, "three minutes, %d steps ago", ago)
		}
	}
}

// TestStepBetweenTwoValues: a first change that is too small for a step is a part of it.
func TestStepBetweenTwoValues(t *testing.T) {
	for seed := range uint64(20) {
		h := rising(seed, 3, 0)
		h.Values = append(h.Values[:len(h.Values)-3], 44, 64, 84)
		require.InDelta(t, 100, law.Rising(law.NewCourse(h), forecast.Long{}, 0, 84, forecast.Lesson{}), 4)
	}
}

// TestStepThatWasForeseen: a step that comes each hour rises as far as it did an hour ago, and one that goes beyond that goes its own way.
func TestStepThatWasForeseen(t *testing.T) {
	long := forecast.Long{History: minutes(24*60, func(ago int) float64 {
		if ago%60 >= 50 {
			return 80
		}
		return 40
	})}
	h := rising(1, 3, 0)
	h.Values = append(h.Values[:len(h.Values)-3], 42, 62)
	require.InDelta(t, 100, law.Rising(law.NewCourse(h), long, 0, 62, forecast.Lesson{}), 4)
	require.InDelta(t, 80, law.Rising(law.NewCourse(h), long, 0, 62, forecast.Lesson{Habit: time.Hour}), 4)
	h.Values = append(h.Values, 82)
	require.InDelta(t, 102, law.Rising(law.NewCourse(h), long, 0, 82, forecast.Lesson{Habit: time.Hour}), 4)
}

// TestStepThatBegins: what a rate over a minute does not show yet of a step is expected from its first changes.
func TestStepThatBegins(t *testing.T) {
	for seed := range uint64(20) {
		for shown := 1; shown < 3; shown++ {
			h := rising(seed, 3, 0)
			h.Values = h.Values[:len(h.Values)-3+shown]
			now := h.At(0)
			course := law.NewCourse(h)
			to := law.Rising(course, forecast.Long{}, 0, now, forecast.Lesson{})
			require.InDelta(t, 100, to, 12, "%d of 3 changes", shown)
			sudden := course.Sudden(2*time.Minute, to)
			require.InDelta(t, 100, sudden[len(sudden)-shown], 12, "all of it, when it began")
			require.InDelta(t, 40, sudden[len(sudden)-shown-1], 4, "and nothing before")
		}
		flat := rising(seed, 3, 200)
		require.Equal(t, flat.At(0), law.Rising(law.NewCourse(flat), forecast.Long{}, 0, flat.At(0), forecast.Lesson{}), "noise is no step") //nolint:testifylint // The same number.
	}
}
