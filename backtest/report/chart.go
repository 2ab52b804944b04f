package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/svg"
)

// The measures of a chart, in the units of its drawing.
const (
	chartWidth = 960
	chartLeft  = 56
	chartRight = chartWidth - 8
	chartTop   = 18 // room for the numbers of events
	chartFoot  = 24
	ticksX     = 8
	ticksY     = 4
)

// chart is a diagram over time.
type chart struct {
	Title   string
	Lines   []key
	States  bool          // areas that are stacked
	Drawing template.HTML // SVG, in which every text is escaped
}

// key says in which color a line is drawn.
type key struct{ Name, Class string }

// plotted is a series to draw: a value for each step, NaN where there is none.
type plotted struct {
	name, class string
	values      []float64
	area        bool
}

// canvas is what all charts of a page share: the time that they show, and the events in it.
type canvas struct {
	length time.Duration
	events []Event
}

func (c canvas) draw(title string, height int, series []plotted) chart {
	f := svg.Frame{
		Left: chartLeft, Top: chartTop, Right: chartRight, Bottom: float64(height - chartFoot),
		EndX: max(1, c.length.Seconds()), EndY: 1e-9, Grid: `class="grid"`,
	}
	for _, s := range series {
		for _, v := range s.values {
			if v > f.EndY && !math.IsInf(v, 1) { // not for NaN
				f.EndY = v
			}
		}
	}
	step := svg.Step(f.EndY, ticksY)
	f.EndY = math.Ceil(f.EndY/step-1e-9) * step // The last tick is at the upper edge.
	d := svg.New(chartWidth, height, `role="img" `+svg.Attribute("aria-label", title))
	d.Axes(f, timeTicks(c.length), svg.Ticks(f.EndY, step, func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }))
	out := chart{Title: title}
	for _, s := range series {
		out.Lines = append(out.Lines, key{s.name, s.class})
		d.Put(`<path class="%v" d="%v"/>`, s.class, f.Steps(s.values, s.area))
	}
	c.mark(d, f)
	out.Drawing = template.HTML(d.String()) // The drawing has escaped every text.
	return out
}

// mark draws events: a band as long as each of them lasts, a line where it begins, and its number above.
func (c canvas) mark(d *svg.Drawing, f svg.Frame) {
	for i, e := range c.events {
		x := f.X(e.At.Seconds())
		if end := f.X(min(e.At+e.For, c.length).Seconds()); end > x {
			d.Put(`<rect class="event" x="%v" y="%v" width="%v" height="%v"/>`, x, f.Top, end-x, f.Bottom-f.Top)
		}
		d.Put(`<line class="event" x1="%v" y1="%v" x2="%v" y2="%v"><title>%v</title></line>`, x, f.Top, x, f.Bottom, e.What)
		d.Text(x, f.Top-5, `class="event" text-anchor="middle"`, strconv.Itoa(i+1))
	}
}

// timeTicks are round times since the beginning.
func timeTicks(length time.Duration) []svg.Tick {
	every := 24 * time.Hour * time.Duration(math.Ceil(float64(length)/float64(24*time.Hour)/ticksX))
	for _, candidate := range []time.Duration{
		time.Second, 10 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	} {
		if length/candidate <= ticksX {
			every = candidate
			break
		}
	}
	var ticks []svg.Tick
	// A label at the right edge would be cut off.
	for at := time.Duration(0); at <= length-length/40; at += max(every, time.Second) {
		ticks = append(ticks, svg.Tick{Value: at.Seconds(), Text: short(at)})
	}
	return ticks
}

// short writes a time as 2d, 1h30m or 45s.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == 0:
		return "0"
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d >= day:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.Round(time.Second).String()
	}
}
