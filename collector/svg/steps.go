package svg

import (
	"fmt"
	"math"
	"strings"
)

// Steps returns the path of values over the whole width of the frame, each as long as the others. NaN is a gap. Where there are more
// values than pixels, each pixel shows the least and the most of its values. An area is closed along the x axis.
func (f Frame) Steps(values []float64, area bool) string {
	p := &pen{frame: f, area: area}
	pixels := f.Right - f.Left
	columns := min(len(values), int(pixels))
	for i := range columns {
		part := values[i*len(values)/columns : (i+1)*len(values)/columns]
		from, to := f.Left+pixels*float64(i)/float64(columns), f.Left+pixels*float64(i+1)/float64(columns)
		low, high := math.Inf(1), math.Inf(-1)
		last := math.NaN()
		for _, v := range part {
			if !math.IsNaN(v) {
				low, high, last = min(low, v), max(high, v), v
			}
		}
		if math.IsNaN(last) {
			p.lift()
			continue
		}
		p.column(from, to, low, high, last)
	}
	p.lift()
	return p.String()
}

// pen draws one line.
type pen struct {
	strings.Builder
	frame Frame
	area  bool
	down  bool
	start float64 // of the line under way
	x     float64 // where it ends
	level string  // the height it is at
}

// column goes on to a column of pixels and through all of its values.
func (p *pen) column(from, to, low, high, last float64) {
	lowest, highest, end := Coordinate(p.frame.Y(low)), Coordinate(p.frame.Y(high)), Coordinate(p.frame.Y(last))
	if !p.down {
		p.down, p.start, p.level = true, from, end
		fmt.Fprintf(p, "M%s %s", Coordinate(from), end)
	}
	p.x = to
	if lowest == p.level && highest == p.level && end == p.level {
		return // The next change draws it.
	}
	fmt.Fprintf(p, "H%s", Coordinate(from))
	for _, y := range []string{highest, lowest, end} {
		if y != p.level {
			fmt.Fprintf(p, "V%s", y)
			p.level = y
		}
	}
}

// lift ends the line under way.
func (p *pen) lift() {
	if !p.down {
		return
	}
	fmt.Fprintf(p, "H%s", Coordinate(p.x))
	if p.area {
		fmt.Fprintf(p, "V%sH%sZ", Coordinate(p.frame.Bottom), Coordinate(p.start))
	}
	p.down = false
}
