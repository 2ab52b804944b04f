package promapi

import (
	"fmt"
	"strconv"

	"github.com/prometheus/common/model"
)

// maxDigits bounds the whole seconds of a time: more than any time that is asked for, and within what milliseconds can count.
const maxDigits = 12

// pair reads a time and a value: [1790000000.123,"7"].
func (d *decoder) pair() model.SamplePair {
	d.expect('[', "a sample")
	at := d.time()
	value := d.number()
	d.expect(']', "']'")
	return model.SamplePair{Timestamp: at, Value: value}
}

// number reads a value, which the API writes as a string: JSON has neither NaN nor infinity.
func (d *decoder) number() model.SampleValue {
	raw, _ := d.quoted()
	if d.err != nil {
		return 0
	}
	if len(raw) > maxText {
		raw = raw[:maxText] // which is no number either, or as good as it
		d.fail(fmt.Errorf("the value %q... is not a number", raw))
		return 0
	}
	value, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		d.fail(fmt.Errorf("the value %q is not a number", shorten(string(raw))))
	}
	return model.SampleValue(value)
}

// time reads a time, which must be one that was asked for, and the comma behind it: half a number is a number too.
func (d *decoder) time() model.Time {
	t := d.millis()
	d.expect(',', "','")
	if d.err != nil {
		return 0
	}
	return d.onGrid(t)
}

// onGrid returns the time that was asked for and that an answer means by t.
func (d *decoder) onGrid(t model.Time) model.Time {
	asked, ok := d.asked.snap(int64(t))
	if !ok {
		d.fail(fmt.Errorf("a sample is of the time %s, which was not asked for", t))
	}
	return model.Time(asked)
}

// millis reads seconds as milliseconds. No source writes them with an exponent, and none is asked for times before 1970.
func (d *decoder) millis() model.Time {
	d.peek()
	start, i, t, unit := d.pos, d.pos, int64(0), int64(1000)
	for ; i < len(d.data) && i < start+maxDigits && isDigit(d.data[i]); i++ {
		t = 10*t + int64(d.data[i]-'0')
	}
	if i == start || (d.data[start] == '0' && i > start+1) {
		d.want("a time")
		return 0
	}
	t *= unit
	if i < len(d.data) && d.data[i] == '.' {
		for i++; i < len(d.data) && isDigit(d.data[i]); i++ {
			unit /= 10 // to 0 for what is below a millisecond
			t += unit * int64(d.data[i]-'0')
		}
	}
	d.pos = i
	if d.data[i-1] == '.' {
		d.want("a digit")
	}
	return model.Time(t)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// grid is the times that were asked for, in milliseconds: from start to end in steps.
type grid struct{ start, end, step int64 }

// instant is the grid of one time.
func instant(at int64) grid { return grid{at, at, 1000} }

// snap returns the time of the grid within a millisecond of t, if there is one: sources round differently.
func (g grid) snap(t int64) (int64, bool) {
	if t < g.start-1 || t > g.end+1 {
		return 0, false
	}
	at := g.start + (t-g.start+g.step/2)/g.step*g.step
	return at, g.start <= at && at <= g.end && t-1 <= at && at <= t+1
}
