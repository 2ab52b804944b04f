package decide

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

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
		noise   float64 // of the demand; 0 where it is not measured
		drifts  bool    // it did more than go up and down
	}{
		"after five minutes":                                 {every(5*minute, 2*minute), 4 * minute, &recurring{level: 40, gap: 5 * minute, times: 8, stay: 3 * minute}, 0, false},
		"it pays to wait, and it did not come":               {every(9*minute, 40*minute), 4 * minute, nil, 0, false},
		"it comes back too late to wait for it":              {every(25*minute, 18*minute), 4 * minute, nil, 0, false},
		"the same, but a start takes longer":                 {every(25*minute, 18*minute), 15 * minute, &recurring{level: 40, gap: 25 * minute, times: 8, stay: 7 * minute}, 0, false},
		"nothing starts":                                     {past(minute, run{20, hour}, run{23, 5 * minute}, run{20, 3 * minute}), 0, nil, 0, false},
		"until the last minute, which counts":                {past(minute, run{20, hour}, run{23, 5 * minute}), 4 * minute, nil, 0, false},
		"hardly more than is planned":                        {past(minute, append(often(9, run{20.2, 5 * minute}, run{19.9, 5 * minute}), run{20.2, 5 * minute}, run{19.9, 2 * minute})...), 4 * minute, &recurring{level: 20.2, gap: 5 * minute, times: 9, stay: 8 * minute}, 0, false},
		"behind a slow fall":                                 {slow, 15 * minute, &recurring{level: 40, gap: 20 * minute, times: 8, stay: 5 * minute}, 0, false},
		"no more than is planned, but a minute ago":          {past(minute, often(20, run{20, 5 * minute}, run{15, 5 * minute})...), 4 * minute, &recurring{level: 20, gap: 5 * minute, times: 19, stay: 5 * minute}, 0, false},
		"it was half a day ago":                              {past(minute, append(often(8, run{40, 10 * minute}, run{20, 5 * minute}), run{20, 13 * hour})...), 4 * minute, nil, 0, false},
		"a moment ago, and a little more":                    {past(minute, run{20, hour}, run{23, 5 * minute}, run{20, 3 * minute}), 4 * minute, &recurring{level: 23, stay: 7 * minute}, 0, false},
		"it rose slowly, to a peak a moment ago":             {past(minute, run{20, hour}, run{22.8, 14 * minute}, run{23, 5 * minute}, run{20, 3 * minute}), 4 * minute, &recurring{level: 23, stay: 8 * minute}, 1.25, false},
		"the same, but demand does more than go up and down": {past(minute, run{20, hour}, run{22.8, 14 * minute}, run{23, 5 * minute}, run{20, 3 * minute}), 4 * minute, nil, 1.25, true},
		"a little more, and for long":                        {past(minute, run{20, hour}, run{23, 14 * minute}, run{20, 3 * minute}), 4 * minute, nil, 0, false},
		"a moment ago, and it has fallen by much":            {past(minute, run{20, hour}, run{40, 5 * minute}, run{20, 3 * minute}), 4 * minute, nil, 0, false},
		"by much, and it is often crossed":                   {past(minute, run{20, hour}, run{40, 5 * minute}, run{20, 9 * minute}, run{40, minute}, run{20, 12 * minute}), 4 * minute, &recurring{level: 40, gap: 9 * minute, times: 1, stay: 2 * minute}, 0, false},
		"the highest that comes back":                        {steps, 5 * minute, &recurring{level: 40, gap: 21*minute + 20*time.Second, times: 9, stay: 2 * minute}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := served(20, 3, tc.startup, tc.day)
			m.signals[0].noise, m.signals[0].drifts = tc.noise, tc.drifts
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
