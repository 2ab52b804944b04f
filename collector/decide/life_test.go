package decide

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// past is a history that ends now, of runs of a value: so many steps of it, one after the other.
func past(step time.Duration, runs ...run) forecast.History {
	h := forecast.History{Step: step}
	for _, r := range runs {
		for range int(r.lasts / step) {
			h.Values = append(h.Values, r.value)
		}
	}
	return h
}

type run struct {
	value float64
	lasts time.Duration
}

// often repeats runs.
func often(n int, runs ...run) []run { return slices.Repeat(runs, n) }

// served is a model with one signal and one variant of which each replica carries ten.
func served(planned float64, replicas int, startup time.Duration, day forecast.History) *model {
	c := &config.Model{}
	window := config.Duration(0)
	c.ScaleDownWindow = &window
	m := &model{Model: &query.Model{Model: c}, read: &match.Model{}, days: &days{}}
	v := &variant{
		Variant: &query.Variant{Variant: &config.Variant{Startup: config.Duration(startup)}, Capacities: []query.Quantity{{Quantity: config.Quantity{Number: 10, Set: true}}}},
		model:   m, read: &match.Variant{}, runs: &match.Replicas{}, capacities: []float64{10},
	}
	v.runs.Current.N = &replicas
	s := &signal{Signal: &query.Signal{}, model: m, read: &match.Signal{}, held: day.Levels()}
	s.out.Planned = &planned
	m.signals, m.variants = []*signal{s}, []*variant{v}
	return m
}

// TestLifeOfAPlan: plans live as long as demand lately stayed above what the present fleet carries, or as long as the price has.
func TestLifeOfAPlan(t *testing.T) {
	t.Parallel()
	const minute, hour = time.Minute, time.Hour
	for name, tc := range map[string]struct {
		day   forecast.History // with three replicas that carry 30
		cost  []float64        // every five minutes until the last full minute, of a variant that costs 2 now
		since time.Duration    // the full minute
		want  time.Duration
	}{
		"too little is known":                     {day: past(minute, run{20, 100 * minute}), want: hour},
		"it rose above the level again and again": {day: past(minute, often(9, run{20, hour}, run{40, 30 * minute}, run{20, 10 * minute})...), want: 30 * minute},
		"the stays count, not the falls":          {day: past(minute, often(9, run{40, 10 * minute}, run{20, 2 * hour})...), want: 10 * minute},
		"it is above for longer than ever":        {day: past(minute, append(often(3, run{20, hour}, run{40, 30 * minute}), run{20, hour}, run{40, 3 * hour})...), want: 3 * hour},
		"it was never above":                      {day: past(minute, run{20, 20 * hour}), want: 20 * hour},
		"it was always above":                     {day: past(minute, run{40, 20 * hour}), want: 20 * hour},
		"no longer than a day":                    {day: past(minute, run{20, 30 * hour}), want: 24 * hour},
		"the price changed":                       {day: past(minute, run{20, 20 * hour}), cost: append(slices.Repeat([]float64{3}, 100), slices.Repeat([]float64{2}, 36)...), want: 3 * hour},
		"and a while after a full minute":         {day: past(minute, run{20, 20 * hour}), cost: append(slices.Repeat([]float64{3}, 100), slices.Repeat([]float64{2}, 36)...), since: 45 * time.Second, want: 3 * hour},
		"the price moved a little":                {day: past(minute, run{20, 20 * hour}), cost: append(slices.Repeat([]float64{2.05}, 100), slices.Repeat([]float64{2}, 36)...), want: 20 * hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := served(20, 3, 2*minute, tc.day)
			v := m.variants[0]
			v.cost, v.read.Cost.Number = new(2.0), 2
			v.read.CostDay.History = forecast.History{Step: 5 * minute, Since: tc.since, Values: tc.cost}
			d := &decider{read: &match.Readings{At: time.Unix(600, 0).Add(tc.since)}}
			assert.Equal(t, tc.want, d.life(m))
		})
	}
}

// TestLifeOfAFleetForMore: of a fleet that carries more than demand asked for all day, a plan lives as long as demand has stayed near what is
// planned.
func TestLifeOfAFleetForMore(t *testing.T) {
	t.Parallel()
	const minute, hour = time.Minute, time.Hour
	for name, tc := range map[string]struct {
		day  forecast.History
		want time.Duration
	}{
		"all day":                     {past(minute, run{50, 20 * hour}), 20 * hour},
		"it has only just come":       {past(minute, run{20, 20 * hour}, run{50, 10 * minute}), hour},
		"as long as it did before":    {past(minute, append(often(4, run{20, hour}, run{50, 30 * minute}), run{20, hour}, run{50, 10 * minute})...), 30 * minute},
		"it is planned, and not come": {past(minute, run{20, 20 * hour}), hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.want, lived(tc.day.Levels(), 80, 50))
		})
	}
}

// TestWhatIsOnlyHeldStartsNoMix: the mix that is best for a demand that the window or what comes back only holds is another one soon.
func TestWhatIsOnlyHeldStartsNoMix(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		planned, held, marked, returns float64
		want                           time.Duration
	}{
		"the demand is there":           {planned: 40, held: 3, want: lifeDay},
		"the window holds more":         {planned: 40, held: 5, want: acting},
		"more was planned a minute ago": {planned: 40, marked: 45, want: acting},
		"more comes back":               {planned: 40, returns: 50, want: acting},
		"hardly more does":              {planned: 40, returns: 44, want: lifeDay},
		"nothing is planned":            {want: lifeDay},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := served(tc.planned, 3, time.Minute, forecast.History{})
			s := m.signals[0]
			s.onlyHeld, s.marked = tc.held, tc.marked
			if tc.returns > 0 {
				s.recurring = &recurring{level: tc.returns}
			}
			s.Absolute.Now, s.out.Headroom = &query.Query{}, new(0.0) // a demand without a past
			assert.Equal(t, tc.want, m.held(0))
		})
	}
}

// TestMixesOfEqualCost: three starts of a size cost as much as one of three times its price, however long a plan lives. The planner rounds costs to 12
// digits.
func TestMixesOfEqualCost(t *testing.T) {
	t.Parallel()
	rounded := func(x float64) float64 {
		out, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 11, 64), 64)
		require.NoError(t, err)
		return out
	}
	for life := 2 * time.Minute; life < 25*time.Hour; life += 41 * time.Second {
		share := perHour(3*time.Minute, life)
		require.InEpsilon(t, 3*time.Minute.Seconds()/life.Seconds(), share, 0.05)
		require.Equal(t, rounded(2.1*share), rounded(3*rounded(0.7*share)), life) //nolint:testifylint // equal is what they must be
	}
	require.Zero(t, perHour(0, time.Hour))
}

// TestLifeGoesByTheSignalThatBinds: of two signals, the one that asks for the most next to what the fleet carries.
func TestLifeGoesByTheSignalThatBinds(t *testing.T) {
	t.Parallel()
	m := served(20, 3, 2*time.Minute, past(time.Minute, often(9, run{20, time.Hour}, run{40, 30 * time.Minute})...))
	other := *m.signals[0]
	calm := past(time.Minute, run{9, 20 * time.Hour})
	other.held, other.out.Planned = calm.Levels(), new(9.0)
	m.signals = []*signal{&other, m.signals[0]}
	require.Same(t, m.signals[1], m.binding())
	assert.Equal(t, 30*time.Minute, (&decider{}).life(m))
	m.signals[1].out.Planned = nil
	require.Same(t, m.signals[0], m.binding(), "of one that is not known nothing is planned")
	m.signals[0].out.Planned = new(0.0)
	require.Nil(t, m.binding())
	assert.Equal(t, time.Hour, (&decider{}).life(m))
}

// TestPlannedPast: what would have been planned is the demand with headroom, held over the scale-down window, and by the law of the
// moment while replicas that count as new were ordered.
func TestPlannedPast(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	m := served(20, 3, minute, forecast.History{})
	s := m.signals[0]
	s.held, s.out.Headroom = nil, new(0.5)
	*m.ScaleDownWindow = config.Duration(2 * minute)
	s.Absolute.Now = &query.Query{}
	s.read.Absolute.Levels.History = forecast.History{Step: minute, Values: []float64{math.NaN(), 10, 20, math.NaN(), 10, 10, 10}}
	assert.InDeltaSlice(t, []float64{15, 30, 30, 15, 15, 15}, s.plannedPast().Values[1:], 1e-9)
	s.held, s.OnMissing = nil, config.OnMissingZero
	assert.InDeltaSlice(t, []float64{15, 30, 30, 15, 15, 15}, s.plannedPast().Values[1:], 1e-9, "no demand, since it is watched")
	assert.True(t, math.IsNaN(s.plannedPast().Values[0]), "before that it may not have been watched")
	assert.True(t, math.IsNaN(s.read.Absolute.Levels.Values[3]), "others read it too")

	s.held, s.Lead = nil, minute
	s.read.Absolute.Recent.History = forecast.History{Step: minute / 2, Values: slices.Repeat([]float64{10}, 6)}
	s.plan = func(ago time.Duration, then float64) float64 { return then * (6 - ago.Minutes()) }
	assert.InDeltaSlice(t, []float64{47.5, 95, 95, 40, 50, 60}, s.plannedPast().Values[1:], 1e-9, "the law of the moment, and its mean share before")
	m.forgetPast()
	assert.Nil(t, s.held)
}
