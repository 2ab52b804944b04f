package chart

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValues(t *testing.T) {
	text, err := json.Marshal(Values{1, math.NaN(), math.Inf(1), 1.0 / 3, 1234567})
	require.NoError(t, err)
	assert.Equal(t, "[1,null,null,0.333333,1.23457e+06]", string(text))
}

// TestThin holds that what is left of many values has every peak, every dip and every gap that can be seen.
func TestThin(t *testing.T) {
	const n = 10080
	c := Chart{Series: []Line{{Values: make(Values, n)}, {Values: make(Values, n)}}}
	for i := range n {
		c.Times = append(c.Times, int64(60*i))
		c.Series[0].Values[i], c.Series[1].Values[i] = 5, 7
		if i >= 2000 && i < 2100 {
			c.Series[1].Values[i] = math.NaN()
		}
	}
	c.Series[0].Values[777], c.Series[0].Values[8888] = 100, -3
	c.Thin()
	require.Len(t, c.Times, 2*maxSpans)
	peak, dip, gap := -1, -1, 0
	for i, at := range c.Times {
		if i > 0 {
			require.Greater(t, at, c.Times[i-1])
		}
		switch c.Series[0].Values[i] {
		case 100:
			peak = i
		case -3:
			dip = i
		}
		if math.IsNaN(c.Series[1].Values[i]) {
			gap++
		}
	}
	require.Positive(t, peak)
	require.Positive(t, dip)
	assert.InDelta(t, 777*60, float64(c.Times[peak]), 60*n/maxSpans)
	assert.InDelta(t, 8888*60, float64(c.Times[dip]), 60*n/maxSpans)
	assert.InDelta(t, 100*2*maxSpans/n, gap, 3)

	few := Chart{Times: []int64{0, 60, 120}, Series: []Line{{Values: Values{1, 2, 3}}}}
	few.Thin()
	assert.Equal(t, []int64{0, 60, 120}, few.Times)
}

func TestAdd(t *testing.T) {
	var c Chart
	c.Add(Line{Label: "unknown", Values: Values{math.NaN(), math.NaN()}})
	c.Add(Line{Label: "known", Values: Values{math.NaN(), 0}})
	require.Len(t, c.Series, 1)
	assert.Equal(t, "known", c.Series[0].Label)
}
