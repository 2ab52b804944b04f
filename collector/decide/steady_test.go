package decide

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

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

// TestOrdersOutliveTheMinute: what was ordered before the last full minute, by capacities that were smaller then, is ordered until it is seen.
func TestOrdersOutliveTheMinute(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		second int     // of the minute
		grew   float64 // the capacity, to 10; 0 where that is not known
		at     float64 // planned fifteen and thirty seconds ago
		want   float64
	}{
		"it was ordered by smaller ones": {second: 0, grew: 1.005, at: 30.2, want: 30.2 / 1.01 * 1.005},
		"capacities are the same":        {second: 0, at: 30.2, want: 30},
		"it carried that":                {second: 0, grew: 1.005, at: 30.1, want: 30},
		"half of it is of this minute":   {second: 15, grew: 1.005, at: 30.2, want: 30.2 / 1.01 * 1.005},
		"all of it is":                   {second: 45, grew: 1.005, at: 30.2, want: 30},
		"they grow by more than noise":   {second: 0, grew: 1.5, at: 30.2, want: 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := served(25, 3, time.Minute, forecast.History{})
			m.variants[0].Capacities[0] = query.Quantity{Query: &query.Query{}}
			s := m.signals[0]
			if tc.grew > 0 {
				m.variants[0].before = []float64{10 / tc.grew}
			}
			s.marked, s.Absolute.Now, s.out.Headroom = 29.8, &query.Query{}, new(0.0)
			s.read.Absolute.Window.History = forecast.History{Step: 15 * time.Second, Values: []float64{25, tc.at, tc.at, 25}}
			d := &decider{read: &match.Readings{At: time.Unix(600+int64(tc.second), 0)}}
			d.ordered(m)
			assert.InDelta(t, tc.want, s.steadied(), 1e-9)
		})
	}
}

// TestCapacitiesShrinkByNoise: what was carried until the last full minute starts nothing because capacities are read a little smaller at it.
func TestCapacitiesShrinkByNoise(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ planned, seen, before, want float64 }{
		"it was carried":           {30.4, 30, 10.05, 30},
		"it came since":            {30.4, 30.4, 10.05, 30.4 / 1.01},
		"it was not":               {30.6, 30, 10.05, 30.6 / 1.01},
		"they are the same":        {30.4, 30, 10, 30.4 / 1.01},
		"they shrink by more":      {30.4, 30, 11, 30.4 / 1.01},
		"what they were is hidden": {30.4, 30, 0, 30.4 / 1.01},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := served(tc.planned, 3, time.Minute, forecast.History{})
			m.variants[0].Capacities[0], m.variants[0].before = query.Quantity{Query: &query.Query{}}, []float64{tc.before}
			m.signals[0].seen = tc.seen
			assert.InDelta(t, tc.want, m.signals[0].steadied(), 1e-9)
		})
	}
}
