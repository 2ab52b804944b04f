package forecast_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

var law = forecast.Law{Ahead: 3 * time.Minute, Quantile: 0.97, Steps: true}

// minutes is a demand by the minute that ends now.
func minutes(n int, demand func(ago int) float64) forecast.History {
	h := forecast.History{Step: time.Minute}
	for i := range n {
		h.Values = append(h.Values, demand(n-1-i))
	}
	return h
}

// swing is a slow swing with noise in proportion to its square root, as of independent requests.
func swing(seed uint64) func(ago int) float64 {
	rng := rand.New(rand.NewPCG(seed, 0))
	return func(ago int) float64 {
		mean := 200 + 150*math.Sin(2*math.Pi*float64(ago)/(24*60))
		return max(0, mean+3*math.Sqrt(mean)*rng.NormFloat64())
	}
}

func plan(t require.TestingT, l forecast.Law, long forecast.Long, ago time.Duration, lesson forecast.Lesson) float64 {
	h := long.History
	planned, known := l.Plan(l.NewCourse(h), long, ago, h.At(ago), lesson)
	require.True(t, known)
	return planned.Total()
}

// TestLawKeepsItsPromise learns on one day and counts on the next how often the plan is high enough.
func TestLawKeepsItsPromise(t *testing.T) {
	for _, quantile := range []float64{0.9, 0.97, 0.99} {
		l := forecast.Law{Ahead: 3 * time.Minute, Quantile: quantile}
		enough, total := 0, 0
		for seed := range uint64(10) {
			long := forecast.Long{History: minutes(2*24*60, swing(seed))}
			lesson := l.Learn(long, 24*time.Hour, 24*time.Hour)
			require.True(t, lesson.Learnt)
			course := l.NewCourse(long.History)
			for ago := 3 * time.Minute; ago < 24*time.Hour; ago += time.Minute {
				planned, known := l.Plan(course, long, ago, long.History.At(ago), lesson)
				require.True(t, known)
				if total++; long.History.At(ago-l.Ahead) <= planned.Total() {
					enough++
				}
			}
		}
		require.InDelta(t, quantile, float64(enough)/float64(total), 0.012)
	}
}

// TestSteady: demand that only has noise goes up and down around one level, and is taken for more by chance seldom; demand that rises or falls by
// more than its noise within an hour, or steps, does more.
func TestSteady(t *testing.T) {
	for name, c := range map[string]struct {
		mean        func(ago float64) float64 // minutes ago
		least, most float64                   // share of the moments that are steady
	}{
		"noise":           {func(float64) float64 { return 100 }, 0.95, 1},
		"a slow rise":     {func(ago float64) float64 { return 100 - ago/20 }, 0.9, 1},
		"a rise":          {func(ago float64) float64 { return 100 - ago/2 }, 0, 0},
		"a fall":          {func(ago float64) float64 { return 100 + ago/2 }, 0, 0},
		"a step":          {func(ago float64) float64 { return 100 + 20*math.Round(min(1, ago/60)) }, 0, 0},
		"a swing in half": {func(ago float64) float64 { return 100 + 10*math.Sin(math.Pi*ago/15) }, 0, 0.02},
	} {
		steady := 0
		const runs = 200
		for seed := range uint64(runs) {
			rng := rand.New(rand.NewPCG(seed, 1))
			h := forecast.History{Step: 15 * time.Second}
			var last [3]float64 // a rate over 45 s, as of four scrapes
			for i := range 6 * 60 {
				last[i%3] = rng.NormFloat64()
				ago := float64(6*60-1-i) / 4
				h.Values = append(h.Values, c.mean(ago)+5*(last[0]+last[1]+last[2])/math.Sqrt(3))
			}
			if law.NewCourse(h).Steady(0) {
				steady++
			}
		}
		require.GreaterOrEqual(t, float64(steady)/runs, c.least, name)
		require.LessOrEqual(t, float64(steady)/runs, c.most, name)
	}
	require.False(t, law.NewCourse(forecast.History{Step: time.Minute}).Steady(0), "nothing is known")
	require.False(t, law.NewCourse(minutes(3, func(int) float64 { return 1 })).Steady(0), "too little is known")
}

// TestHabits: what comes at the same time of each hour, day or week is planned for before it comes, and not all of the time.
func TestHabits(t *testing.T) {
	const day = 24 * 60
	for name, c := range map[string]struct {
		peak  func(minute int) bool
		start int // of a peak
		habit time.Duration
	}{
		"hourly": {func(m int) bool { return m%60 < 10 }, 600, time.Hour},
		"daily":  {func(m int) bool { return m%day < 100 }, day, 24 * time.Hour},
		// On each day of the week at another time.
		"weekly": {func(m int) bool { return m%day/150 == 6-m/day%7 && m%day%150 < 100 }, 3*day + 450, 7 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 7))
			demand := func(ago int) float64 {
				base := 100.0
				if c.peak(14*day + c.start - 2 - ago) { // the next begins in two minutes
					base = 180
				}
				return base + 2*rng.NormFloat64()
			}
			whole := minutes(9*day, demand)
			long := forecast.Long{
				History: forecast.History{Step: time.Minute, Values: whole.Values[7*day-40:]},
				Week:    forecast.History{Step: time.Minute, Since: 7*24*time.Hour - 5*time.Minute, Values: whole.Values[:2*day+5]},
			}
			lesson := law.Learn(long, 0, 24*time.Hour)
			require.GreaterOrEqual(t, lesson.Habit, c.habit, "what repeats itself after an hour does so after a day")
			require.Greater(t, plan(t, law, long, 0, lesson), 170.0, "before it comes")
			require.Less(t, plan(t, law, long, 20*time.Minute, lesson), 130.0, "and not before that")
			long.History.Values, long.Week.Values = long.History.Values[2*day+10:], nil
			require.InDelta(t, plan(t, law, long, 0, forecast.Lesson{Zero: lesson.Zero}), plan(t, law, long, 0, lesson), 1e-9,
				"where the past is not known, by the trend")
		})
	}
}

// TestHabitsAreTold: a habit is told of a plan where it says that more comes, and not where demand is beyond it already.
func TestHabitsAreTold(t *testing.T) {
	long := forecast.Long{History: minutes(2*24*60, func(int) float64 { return 90 })}
	long.History.Values[len(long.History.Values)-1-58] = 95
	lesson := forecast.Lesson{Habit: time.Hour, WithHabit: 2, Learnt: true}
	for demand, habit := range map[float64]time.Duration{90: time.Hour, 9000: 0} {
		p, known := law.Plan(law.NewCourse(long.History), long, 0, demand, lesson)
		require.True(t, known)
		require.Equal(t, habit, p.Habit, demand)
		require.InDelta(t, p.Expected, max(demand, 95), 1, "of %g", demand)
		require.InDelta(t, lesson.WithHabit, p.Multiple, 0, "the plan is the habit's all the same")
	}
}

// TestTrend: a rise beyond what noise explains is continued, at a weight of one and a half.
func TestTrend(t *testing.T) {
	flat := forecast.Lesson{}
	of := func(demand func(ago int) float64) float64 {
		long := forecast.Long{History: minutes(120, demand)}
		return plan(t, law, long, 0, flat)
	}
	require.InDelta(t, 100, of(func(int) float64 { return 100 }), 1e-9)
	require.InDelta(t, 100, of(func(ago int) float64 { return 100 + float64(ago) }), 1e-9, "a fall is not continued")
	// It changes by 2 a minute, which is a noise of sqrt(2), of which a slope over 5 minutes may come by chance.
	chance := 2 * math.Sqrt2 * math.Sqrt(12*45/(300.0*300*300))
	require.InDelta(t, 400+1.5*180*(2.0/60-chance), of(func(ago int) float64 { return 400 - 2*float64(ago) }), 1e-9)
	rng := rand.New(rand.NewPCG(1, 1))
	require.InDelta(t, 100, of(func(ago int) float64 {
		if ago == 0 {
			return 100
		}
		return 100 + 3*rng.NormFloat64()
	}), 4, "noise is no trend")
}

// TestStepIsNoNoise: for an hour after demand has risen or fallen at once, its noise seems little more than it is.
func TestStepIsNoNoise(t *testing.T) {
	for _, to := range []float64{100, 10} {
		rng := rand.New(rand.NewPCG(3, 3))
		h := forecast.History{Step: 15 * time.Second}
		for i := range 300 {
			h.Values = append(h.Values, 40+rng.NormFloat64())
			if i >= 200 {
				h.Values[i] += (to - 40) * min(1, float64(i-199)/4) // as a rate over a minute shows it
			}
		}
		course := law.NewCourse(h)
		for ago := time.Duration(0); ago < 25*time.Minute; ago += time.Minute {
			require.InDelta(t, 1, course.Noise(ago, 0), 1, ago)
		}
	}
}

// TestLawNeedsHistory: with too little of it the multiple is a cautious one, and with almost none nothing is known.
func TestLawNeedsHistory(t *testing.T) {
	short := forecast.Long{History: minutes(100, swing(1))}
	lesson := law.Learn(short, 0, 24*time.Hour)
	require.False(t, lesson.Learnt)
	require.Positive(t, lesson.Zero)
	require.Greater(t, plan(t, law, short, 0, lesson), short.History.At(0))
	idle := forecast.Long{History: minutes(24*60, func(int) float64 { return 0 })}
	require.False(t, law.Learn(idle, 0, 24*time.Hour).Learnt, "a day without demand tells nothing of its noise")
	for name, h := range map[string]forecast.History{
		"none": {}, "two minutes": minutes(2, swing(1)), "gaps": minutes(60, func(int) float64 { return math.NaN() }),
	} {
		_, known := law.Plan(law.NewCourse(h), forecast.Long{History: h}, 0, 100, lesson)
		require.False(t, known, name)
	}
}

// TestLawIsScaleFree: the unit of the demand does not matter.
func TestLawIsScaleFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(1, 1000), 150, 300).Draw(t, "history")
		l := forecast.Law{Ahead: time.Duration(rapid.IntRange(15, 600).Draw(t, "ahead")) * time.Second, Quantile: 0.97}
		a := forecast.Long{History: forecast.History{Step: time.Minute, Values: values}}
		b := forecast.Long{History: a.History.Scale(8)}
		x, y := l.Learn(a, 0, 24*time.Hour), l.Learn(b, 0, 24*time.Hour)
		require.Equal(t, x.Habit, y.Habit)
		require.InDelta(t, x.Zero, y.Zero, 1e-6*(1+x.Zero))
		require.InEpsilon(t, 8*plan(t, l, a, 0, x), plan(t, l, b, 0, y), 1e-6)
	})
}
