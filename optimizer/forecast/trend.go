package forecast

import (
	"math"
	"time"
)

// Linear continues the line of least squares through the values of lookback by lead, and is at least 0. It is not known where less
// than half of lookback was seen: two values make no trend.
func (h History) Linear(lookback, lead time.Duration) (value float64, ok bool) {
	recent := h.Over(lookback)
	if h.Step <= 0 || Known(recent) < max(2, int(lookback/h.Step/2)) {
		return 0, false
	}
	slope, level := line(recent)
	steps := float64(h.Since+lead) / float64(h.Step)
	return max(0, level+slope*(float64(len(recent)-1)+steps)), true
}

// line fits values at the places 0, 1, 2, ... by least squares, without those that are not known.
func line(values []float64) (slope, level float64) {
	var count, sumX, sumY, sumXX, sumXY float64
	for i, y := range values {
		if !math.IsNaN(y) {
			x := float64(i)
			count, sumX, sumY, sumXX, sumXY = count+1, sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
		}
	}
	if spread := count*sumXX - sumX*sumX; spread > 0 {
		slope = (count*sumXY - sumX*sumY) / spread
	}
	return slope, (sumY - slope*sumX) / count
}

// maxSeasonalScale bounds how much higher than a season ago today's level is believed to be: a night without load says nothing
// about the scale of the morning.
const maxSeasonalScale = 3

// Seasonal returns the most that came a season ago within lead after this moment then, times today's level by the level then, each
// the mean over lookback. season ago the history then must hold lookback before and lead after this moment. It is not known where
// one of the three is not, or where nothing came then.
func Seasonal(today, then History, season, lookback, lead time.Duration) (value float64, ok bool) {
	levelToday := Mean(today.Over(lookback))
	levelThen := Mean(then.Until(season).Over(lookback))
	came := Most(then.Until(season - lead).Over(lead))
	if math.IsNaN(levelToday) || math.IsNaN(came) || !(levelThen > 0) {
		return 0, false
	}
	return came * min(levelToday/levelThen, maxSeasonalScale), true
}
