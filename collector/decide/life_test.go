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
		day  forecast.History // with three replicas that carry 30
		cost []float64        // every five minutes, of a variant that costs 2 now
		want time.Duration
	}{
		"too little is known":                     {day: past(minute, run{20, 100 * minute}), want: hour},
		"it rose above the level again and again": {day: past(minute, often(9, run{20, hour}, run{40, 30 * minute}, run{20, 10 * minute})...), want: 30 * minute},
		"the stays count, not the falls":          {day: past(minute, often(9, run{40, 10 * minute}, run{20, 2 * hour})...), want: 10 * minute},
		"it is above for longer than ever":        {day: past(minute, append(often(3, run{20, hour}, run{40, 30 * minute}), run{20, hour}, run{40, 3 * hour})...), want: 3 * hour},
		"it was never above":                      {day: past(minute, run{20, 20 * hour}), want: 20 * hour},
		"it was always above":                     {day: past(minute, run{40, 20 * hour}), want: 20 * hour},
		"no longer than a day":                    {day: past(minute, run{20, 30 * hour}), want: 24 * hour},
		"the price changed":                       {day: past(minute, run{20, 20 * hour}), cost: append(slices.Repeat([]float64{3}, 100), slices.Repeat([]float64{2}, 36)...), want: 3 * hour},
		"the price moved a little":                {day: past(minute, run{20, 20 * hour}), cost: append(slices.Repeat([]float64{2.05}, 100), slices.Repeat([]float64{2}, 36)...), want: 20 * hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := served(20, 3, 2*minute, tc.day)
			v := m.variants[0]
			v.cost, v.read.Cost.Number = new(2.0), 2
			v.read.CostDay.History = forecast.History{Step: 5 * minute, Values: tc.cost}
			assert.Equal(t, tc.want, (&decider{}).life(m))
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
		"it has only just come":       {past(minute, run{20, 20 * hour}, run{50, 10 * minute}), 10 * minute},
		"as long as it did before":    {past(minute, append(often(4, run{20, hour}, run{50, 30 * minute}), run{20, hour}, run{50, 10 * minute})...), 30 * minute},
		"it is planned, and not come": {past(minute, run{20, 20 * hour}), 0},
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
			assert.Equal(t, tc.want, m.held())
		})
	}
}

// TestOrdersOutliveTheMinute: what was ordered before the last full minute, by capacities that were smaller then, is ordered until it is seen.
func TestOrdersOutliveTheMinute(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		second int     // of the minute
		grew   float64 // the capacity, to 10
		at     float64 // planned fifteen and thirty seconds ago
		want   float64
	}{
		"it was ordered by smaller ones":   {second: 0, grew: 1.005, at: 30.2, want: 30.2 / 1.01 * 1.005},
		"capacities are the same":          {second: 0, at: 30.2, want: 30},
		"it carried that":                  {second: 0, grew: 1.005, at: 30.1, want: 30},
		"half of it is of this minute":     {second: 15, grew: 1.005, at: 30.2, want: 30.2 / 1.01 * 1.005},
		"all of it is":                     {second: 45, grew: 1.005, at: 30.2, want: 30},
		"by more than the noise they grow": {second: 0, grew: 1.5, at: 30.2, want: 30.2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := served(25, 3, time.Minute, forecast.History{})
			m.variants[0].Capacities[0] = query.Quantity{Query: &query.Query{}}
			s := m.signals[0]
			s.grew, s.marked, s.Absolute.Now, s.out.Headroom = tc.grew, 29.8, &query.Query{}, new(0.0)
			s.read.Absolute.Window.History = forecast.History{Step: 15 * time.Second, Values: []float64{25, tc.at, tc.at, 25}}
			d := &decider{read: &match.Readings{At: time.Unix(600+int64(tc.second), 0)}}
			d.ordered(m)
			assert.InDelta(t, tc.want, s.steadied(), 1e-9)
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

// TestDemandThatComesBack: replicas stay for demand that is needed again before it pays to stop and to start them: twice a startup and a
// minute. New ones stay for a while too, unless demand has fallen for good.
func TestDemandThatComesBack(t *testing.T) {
	t.Parallel()
	const minute, hour = time.Minute, time.Hour
	every := func(gap, now time.Duration) forecast.History {
		return past(minute, append(often(8, run{40, 10 * minute}, run{20, gap}), run{40, 10 * minute}, run{20, now})...)
	}
	steps := past(minute, slices.Concat([]run{{60, 10 * minute}, {20, 2 * hour}},
		often(8, run{40, 10 * minute}, run{30, 5 * minute}, run{20, 4 * minute}), []run{{40, 10 * minute}, {30, 5 * minute}, {20, 2 * minute}})...)
	slow := past(minute, append(often(8, run{40, 10 * minute}, run{20, 20 * minute}), run{40, 10 * minute})...)
	for n := range 15 {
		slow.Values = append(slow.Values, 23-0.2*float64(n))
	}
	for name, tc := range map[string]struct {
		day     forecast.History // 20 is planned
		startup time.Duration    // restarting takes twice as long, and two minutes
		want    *recurring
	}{
		"after five minutes":                      {every(5*minute, 2*minute), 4 * minute, &recurring{level: 40, gap: 5 * minute, times: 8, stay: 4 * minute}},
		"it pays to wait, and it did not come":    {every(9*minute, 40*minute), 4 * minute, nil},
		"it comes back too late to wait for it":   {every(25*minute, 18*minute), 4 * minute, nil},
		"the same, but a start takes longer":      {every(25*minute, 18*minute), 15 * minute, &recurring{level: 40, gap: 25 * minute, times: 8, stay: 7 * minute}},
		"nothing starts":                          {past(minute, run{20, hour}, run{23, 5 * minute}, run{20, 3 * minute}), 0, nil},
		"until the last minute, which counts":     {past(minute, run{20, hour}, run{23, 5 * minute}), 4 * minute, nil},
		"hardly more than is planned":             {past(minute, append(often(9, run{20.2, 5 * minute}, run{19.9, 5 * minute}), run{20.2, 5 * minute}, run{19.9, 2 * minute})...), 4 * minute, &recurring{level: 20.2, gap: 5 * minute, times: 9, stay: 9 * minute}},
		"behind a slow fall":                      {slow, 15 * minute, &recurring{level: 40, gap: 20 * minute, times: 8, stay: 5 * minute}},
		"no more than is planned":                 {past(minute, often(20, run{20, 5 * minute}, run{15, 5 * minute})...), 4 * minute, nil},
		"it was half a day ago":                   {past(minute, append(often(8, run{40, 10 * minute}, run{20, 5 * minute}), run{20, 13 * hour})...), 4 * minute, nil},
		"a moment ago, and a little more":         {past(minute, run{20, hour}, run{23, 5 * minute}, run{20, 3 * minute}), 4 * minute, &recurring{level: 23, stay: 8 * minute}},
		"it rose slowly, to a peak a moment ago":  {past(minute, run{20, hour}, run{22.8, 14 * minute}, run{23, 5 * minute}, run{20, 3 * minute}), 4 * minute, &recurring{level: 23, stay: 8 * minute}},
		"a little more, and for long":             {past(minute, run{20, hour}, run{23, 14 * minute}, run{20, 3 * minute}), 4 * minute, nil},
		"a moment ago, and it has fallen by much": {past(minute, run{20, hour}, run{40, 5 * minute}, run{20, 3 * minute}), 4 * minute, nil},
		"by much, and it is often crossed":        {past(minute, run{20, hour}, run{40, 5 * minute}, run{20, 9 * minute}, run{40, minute}, run{20, 12 * minute}), 4 * minute, &recurring{level: 40, gap: 9 * minute, times: 1, stay: 3 * minute}},
		"the highest that comes back":             {steps, 5 * minute, &recurring{level: 40, gap: 21*minute + 20*time.Second, times: 9, stay: 2 * minute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := served(20, 3, tc.startup, tc.day)
			m.recurs()
			got := m.signals[0].recurring
			if tc.want == nil {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			assert.Equal(t, tc.want, got)
		})
	}
}

// TestLevelsAreBounded: of demand that never was the same twice only a few levels are looked at.
func TestLevelsAreBounded(t *testing.T) {
	t.Parallel()
	day := past(time.Minute, often(8, run{200, 5 * time.Minute}, run{20, 40 * time.Minute})...)
	for level := 200.0; level > 20; level *= 0.9 {
		day.Values = append(day.Values, level)
	}
	m := served(20, 3, 30*time.Minute, day)
	m.recurs()
	require.NotNil(t, m.signals[0].recurring)
	assert.Less(t, m.signals[0].recurring.level, 20/math.Pow(0.9, levelsMost+1), "all of them came back, up to 200")
}

// TestWhatIsPlannedStays: of what may come on top of the plan, what is asked for already carries it; nothing starts for it. Where
// capacities are measured, their noise stops nothing, and a stop needs more than the noise that would undo it.
func TestWhatIsPlannedStays(t *testing.T) {
	t.Parallel()
	measured := query.Quantity{Query: &query.Query{}}
	for name, tc := range map[string]struct {
		planned  float64
		replicas int
		asked    []float64 // every fifteen seconds, until now
		returns  float64
		measured bool
		held     float64 // of what is planned, by the window
		marked   float64 // planned at the last full minute
		want     float64
	}{
		"what only the window holds is kept":     {planned: 40, held: 15, replicas: 4, want: 40},
		"and starts nothing":                     {planned: 40, held: 15, replicas: 3, want: 30},
		"what is of the last minute starts some": {planned: 40, held: 5, replicas: 3, want: 35},
		"kept until the minute is over":          {planned: 20, marked: 40, replicas: 4, want: 40},
		"nothing starts for that minute":         {planned: 20, marked: 40, replicas: 3, want: 30},
		"nothing else":                           {planned: 20, replicas: 5, want: 20},
		"what comes back and is carried":         {planned: 20, replicas: 5, returns: 40, want: 40},
		"what comes back and would start some":   {planned: 20, replicas: 3, returns: 40, want: 30},
		"they were asked for until a moment ago": {planned: 20, replicas: 3, asked: []float64{4, 4, 4, 3}, returns: 40, want: 40},
		"they were asked for long ago":           {planned: 20, replicas: 3, asked: []float64{4, 3, 3, 3, 3, 3}, returns: 40, want: 30},
		"less comes back than is planned":        {planned: 20, replicas: 5, returns: 10, want: 20},
		"a capacity is measured":                 {planned: 39.6, replicas: 4, measured: true, want: 40},
		"a stop needs half as much again":        {planned: 39.45, replicas: 4, measured: true, want: 40},
		"and no more":                            {planned: 39.3, replicas: 4, measured: true, want: 39.3 * 1.015},
		"a start needs the noise":                {planned: 39.3, replicas: 3, measured: true, asked: []float64{4, 4, 4, 4, 3}, want: 39.3 / 1.01},
		"an order is for what is beyond it":      {planned: 40.3, replicas: 3, measured: true, want: 40.3 / 1.01},
		"and the same when it shows":             {planned: 40.3, replicas: 4, measured: true, want: 40},
		"an order that has come and gone":        {planned: 39.7, replicas: 3, measured: true, asked: []float64{3, 3, 3, 4, 4, 3}, want: 40},
		"a number has no noise":                  {planned: 39.6, replicas: 4, want: 39.6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := served(tc.planned, tc.replicas, time.Minute, forecast.History{})
			v, s := m.variants[0], m.signals[0]
			if tc.measured {
				v.Capacities[0] = measured
			}
			v.runs.Starts.Current.History = forecast.History{Step: 15 * time.Second, Values: tc.asked}
			s.onlyHeld, s.marked = tc.held, tc.marked
			if tc.returns > 0 {
				s.recurring = &recurring{level: tc.returns}
			}
			assert.InDelta(t, tc.want, s.steadied(), 1e-9)
		})
	}
	m := served(20, 3, time.Minute, forecast.History{})
	m.variants[0].runs.Current.N = nil
	m.signals[0].recurring = &recurring{level: 40}
	assert.InDelta(t, 20, m.signals[0].steadied(), 1e-9, "who is there is not known")
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
