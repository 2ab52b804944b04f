package forecast

import (
	"math"
	"time"
)

// Linear continues the line of least squares through the values of lookback by lead, and is at least 0. It is not known where less
// than half of lookback was seen: two values make no trend.
func (h History) Linear(lookback, lead time.Duration) (value float64, ok bool) {
	var f fit
	recent := h.Over(lookback)
	f.add(recent...)
	if h.Step <= 0 || f.count < float64(max(2, int(lookback/h.Step/2))) {
		return 0, false
	}
	slope, level := f.line()
	steps := float64(h.Since+lead) / float64(h.Step)
	return max(0, level+slope*(float64(len(recent)-1)+steps)), true
}

// fit fits a line through values at the places 0, 1, 2, ... by least squares, without those that are not known.
type fit struct {
	place                           int
	count, sumX, sumY, sumXX, sumXY float64
}

// add adds values at the next places.
func (f *fit) add(values ...float64) {
	sum := *f
	if sum.count == float64(sum.place) {
		values = values[sum.addKnown(values):]
	}
	for _, y := range values {
		if !math.IsNaN(y) {
			x := float64(sum.place)
			sum.count, sum.sumX, sum.sumY, sum.sumXX, sum.sumXY = sum.count+1, sum.sumX+x, sum.sumY+y, sum.sumXX+x*x, sum.sumXY+x*y
		}
		sum.place++
	}
	*f = sum
}

// addKnown adds values up to the first that is not known, where all before them are. The sums of the places are known beforehand, and exact.
func (f *fit) addKnown(values []float64) (added int) {
	x, sumY, sumXY := float64(f.place), f.sumY, f.sumXY
	for added < len(values) && !math.IsNaN(values[added]) {
		y := values[added]
		sumY, sumXY = sumY+y, sumXY+x*y
		x++
		added++
	}
	f.place += added
	n := f.place
	f.count, f.sumX, f.sumXX = x, float64(n*(n-1)/2), float64((n-1)*n*(2*n-1)/6)
	f.sumY, f.sumXY = sumY, sumXY
	return added
}

func (f *fit) line() (slope, level float64) {
	if spread := f.count*f.sumXX - f.sumX*f.sumX; spread > 0 {
		slope = (f.count*f.sumXY - f.sumX*f.sumY) / spread
	}
	return slope, (f.sumY - slope*f.sumX) / f.count
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
