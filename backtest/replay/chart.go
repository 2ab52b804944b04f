package replay

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The measures of a chart, in the units of its drawing.
const (
	chartWidth  = 960
	chartLeft   = 52
	chartRight  = chartWidth - 8
	chartTop    = 8
	chartFoot   = 24 // below the axis
	chartPixels = chartRight - chartLeft
	ticksX      = 8
	ticksY      = 4
)

// chart is a diagram of values over time, as steps.
type chart struct {
	Title                    string
	Width, Height            int
	Left, Right, Top, Bottom int
	LabelX, LabelY           int
	X, Y                     []tick
	Lines                    []drawnLine

	top float64 // the value at the upper edge
}

type tick struct{ At, Text string }

type drawnLine struct{ Name, Class, Path string }

// plotted is a series to draw: a value for each step, NaN where there is none.
type plotted struct {
	name, class string
	values      []float64
	area        bool // drawn with what is below it
}

func newChart(r *Result, title string, height int, series []plotted) chart {
	c := chart{
		Title: title, Width: chartWidth, Height: height, Left: chartLeft, Right: chartRight, Top: chartTop, Bottom: height - chartFoot,
		LabelX: chartLeft - 6, LabelY: height - 6, top: 1e-9,
	}
	for _, s := range series {
		for _, v := range s.values {
			if v > c.top {
				c.top = v
			}
		}
	}
	c.Y = c.valueTicks()
	c.X = timeTicks(r)
	for _, s := range series {
		c.Lines = append(c.Lines, drawnLine{s.name, s.class, c.path(s)})
	}
	return c
}

func (c *chart) y(v float64) float64 {
	return float64(c.Bottom) - float64(c.Bottom-c.Top)*v/c.top
}

// valueTicks are round values, the last of which is the upper edge.
func (c *chart) valueTicks() []tick {
	step := math.Pow(10, math.Floor(math.Log10(c.top/ticksY)))
	for _, multiple := range []float64{1, 2, 5, 10} {
		if c.top/(step*multiple) <= ticksY {
			step *= multiple
			break
		}
	}
	c.top = math.Ceil(c.top/step-1e-9) * step
	var ticks []tick
	for i := 0; float64(i)*step <= c.top*(1+1e-9); i++ {
		ticks = append(ticks, tick{coordinate(c.y(float64(i) * step)), strconv.FormatFloat(float64(i)*step, 'g', 6, 64)})
	}
	return ticks
}

// timeTicks are round times.
func timeTicks(r *Result) []tick {
	whole := r.To.Sub(r.From)
	every := 24 * time.Hour * time.Duration(math.Ceil(float64(whole)/float64(24*time.Hour)/ticksX))
	for _, candidate := range []time.Duration{
		time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	} {
		if whole/candidate <= ticksX {
			every = candidate
			break
		}
	}
	layout := "15:04"
	if every >= 24*time.Hour {
		layout = "Jan 2"
	} else if whole > 24*time.Hour {
		layout = "Jan 2 15:04"
	}
	var ticks []tick
	for at := r.From.Truncate(every); !at.After(r.To); at = at.Add(every) {
		x := chartLeft + chartPixels*float64(at.Sub(r.From))/float64(whole)
		if x >= chartLeft+20 && x <= chartRight-20 {
			ticks = append(ticks, tick{coordinate(x), at.Format(layout)})
		}
	}
	return ticks
}

// path draws steps. Where there are more steps than pixels, each pixel shows the least and the most of its steps.
func (c *chart) path(s plotted) string {
	p := &pen{chart: c, area: s.area}
	columns := min(len(s.values), chartPixels)
	for i := range columns {
		part := s.values[i*len(s.values)/columns : (i+1)*len(s.values)/columns]
		from, to := chartLeft+chartPixels*float64(i)/float64(columns), chartLeft+chartPixels*float64(i+1)/float64(columns)
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
	*chart
	area  bool
	down  bool
	start float64 // of the line under way
	x     float64 // where it ends
	level string  // the height it is at
}

// column goes on to a column of pixels and through all of its values.
func (p *pen) column(from, to, low, high, last float64) {
	lowest, highest, end := coordinate(p.y(low)), coordinate(p.y(high)), coordinate(p.y(last))
	if !p.down {
		p.down, p.start, p.level = true, from, end
		fmt.Fprintf(p, "M%s %s", coordinate(from), end)
	}
	p.x = to
	if lowest == p.level && highest == p.level && end == p.level {
		return // The next change draws it.
	}
	fmt.Fprintf(p, "H%s", coordinate(from))
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
	fmt.Fprintf(p, "H%s", coordinate(p.x))
	if p.area {
		fmt.Fprintf(p, "V%dH%sZ", p.Bottom, coordinate(p.start))
	}
	p.down = false
}

func coordinate(v float64) string { return strconv.FormatFloat(math.Round(10*v)/10, 'f', -1, 64) }
