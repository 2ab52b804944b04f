package replay

import (
	"html/template"
	"math"
	"strconv"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/svg"
)

// The measures of a chart, in the units of its drawing.
const (
	chartWidth = 960
	chartLeft  = 52
	chartRight = chartWidth - 8
	chartTop   = 8
	chartFoot  = 24 // below the axis
	ticksX     = 8
	ticksY     = 4
)

// chart is a diagram of values over time, as steps.
type chart struct {
	Title   string
	Lines   []key
	Drawing template.HTML // SVG, in which every text is escaped
}

// key says in which color a line is drawn.
type key struct{ Name, Class string }

// plotted is a series to draw: a value for each step, NaN where there is none.
type plotted struct {
	name, class string
	values      []float64
	area        bool // drawn with the area below it
}

func newChart(r *Result, title string, height int, series []plotted) chart {
	f := svg.Frame{
		Left: chartLeft, Top: chartTop, Right: chartRight, Bottom: float64(height - chartFoot),
		EndX: r.To.Sub(r.From).Seconds(), EndY: 1e-9, Grid: `class="grid"`,
	}
	for _, s := range series {
		for _, v := range s.values {
			if v > f.EndY { // not for NaN
				f.EndY = v
			}
		}
	}
	step := svg.Step(f.EndY, ticksY)
	f.EndY = math.Ceil(f.EndY/step-1e-9) * step // The last tick is at the upper edge.
	d := svg.New(chartWidth, height, `role="img" `+svg.Attribute("aria-label", title))
	d.Axes(f, timeTicks(r, f), svg.Ticks(f.EndY, step, func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }))
	c := chart{Title: title}
	for _, s := range series {
		c.Lines = append(c.Lines, key{s.name, s.class})
		d.Put(`<path class="%v" d="%v"/>`, s.class, f.Steps(s.values, s.area))
	}
	c.Drawing = template.HTML(d.String()) // The drawing has escaped every text.
	return c
}

// timeTicks are round times.
func timeTicks(r *Result, f svg.Frame) []svg.Tick {
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
	var ticks []svg.Tick
	for at := r.From.Truncate(every); !at.After(r.To); at = at.Add(every) {
		t := svg.Tick{Value: at.Sub(r.From).Seconds(), Text: at.Format(layout)}
		if x := f.X(t.Value); x >= chartLeft+20 && x <= chartRight-20 {
			ticks = append(ticks, t)
		}
	}
	return ticks
}
