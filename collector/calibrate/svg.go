package calibrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector/svg"
)

// The measures of a panel, in pixels.
const (
	panelWidth, panelHeight        = 560, 360
	marginLeft, marginRight        = 64, 20
	marginTop, marginBottom        = 58, 50
	plotWidth, plotHeight          = panelWidth - marginLeft - marginRight, panelHeight - marginTop - marginBottom
	tickCount                      = 6
	headroomY                      = 1.08
	colorData, colorOutlier        = "#1f6fb4", "#c23b22"
	colorFit, colorBand, colorText = "#222222", "#bbbbbb", "#333333"
	colorTarget, colorCapacity     = "#2a8a3a", "#8a5a2a"
)

// panel is one diagram.
type panel struct {
	title, x, y string
	points      []point
	line        []band
	target      float64 // 0 for none
	capacity    float64 // on the x axis; 0 for none
}

type point struct {
	x, y    float64
	outlier bool
}

// band is the fit at one place, with its interval.
type band struct{ x, low, value, high float64 }

// draw lays panels out in rows.
func draw(rows [][]panel) string {
	columns := 1
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	width, height := columns*panelWidth, max(1, len(rows))*panelHeight
	d := svg.New(width, height, svg.Attributes(fmt.Sprintf(
		`xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12" fill="%s"`, width, height, colorText)))
	d.Put(`<rect width="100%%" height="100%%" fill="white"/>`)
	for i, row := range rows {
		for j := range row {
			d.Put(`<g transform="translate(%v,%v)">`, j*panelWidth, i*panelHeight)
			row[j].draw(d)
			d.Put(`</g>`)
		}
	}
	return d.String()
}

// frame maps values to pixels. An outlier far above all other points is drawn at the upper edge.
func (p *panel) frame() svg.Frame {
	f := svg.Frame{
		Left: marginLeft, Top: marginTop, Right: marginLeft + plotWidth, Bottom: marginTop + plotHeight,
		EndX: 1e-9, EndY: 1e-9, Grid: `stroke="#e5e5e5"`,
	}
	for _, b := range p.line {
		f.EndX, f.EndY = max(f.EndX, b.x), max(f.EndY, b.value)
	}
	for _, q := range p.points {
		f.EndX = max(f.EndX, q.x)
		if !q.outlier {
			f.EndY = max(f.EndY, q.y)
		}
	}
	if p.target <= 2*f.EndY { // A target far above would leave no room for the data.
		f.EndY = max(f.EndY, p.target)
	}
	f.EndX *= 1.02
	f.EndY *= headroomY
	return f
}

func (p *panel) draw(d *svg.Drawing) {
	f := p.frame()
	p.drawFrame(d, f)
	p.drawInterval(d, f)
	for _, q := range p.points {
		style := svg.Attributes(`fill="` + colorData + `" fill-opacity="0.55"`)
		if q.outlier {
			style = `fill="none" stroke="` + colorOutlier + `"`
		}
		d.Put(`<circle cx="%v" cy="%v" r="3" %v/>`, f.X(q.x), f.Y(q.y), style)
	}
	var path []string
	for _, b := range p.line {
		path = append(path, place(f, b.x, b.value))
	}
	d.Put(`<polyline points="%v" fill="none" stroke="%v" stroke-width="1.5"/>`, strings.Join(path, " "), colorFit)
	p.drawMarks(d, f)
	drawLegend(d)
}

func place(f svg.Frame, x, y float64) string {
	return svg.Coordinate(f.X(x)) + "," + svg.Coordinate(f.Y(y))
}

// drawInterval draws the band around the fitted line.
func (p *panel) drawInterval(d *svg.Drawing, f svg.Frame) {
	var around []string
	for _, b := range p.line {
		around = append(around, place(f, b.x, b.high))
	}
	for _, b := range slices.Backward(p.line) {
		around = append(around, place(f, b.x, b.low))
	}
	d.Put(`<polygon points="%v" fill="%v" fill-opacity="0.6"/>`, strings.Join(around, " "), colorBand)
}

// drawFrame draws the title and the axes.
func (p *panel) drawFrame(d *svg.Drawing, f svg.Frame) {
	label := func(v float64) string { return number(v, 6) }
	d.Text(marginLeft, 22, `font-size="14" font-weight="bold"`, p.title)
	d.Axes(f, svg.Ticks(f.EndX, svg.Step(f.EndX, tickCount), label), svg.Ticks(f.EndY, svg.Step(f.EndY, tickCount), label))
	d.Put(`<rect x="%v" y="%v" width="%v" height="%v" fill="none" stroke="#999999"/>`, marginLeft, marginTop, plotWidth, plotHeight)
	d.Text(marginLeft+plotWidth/2, panelHeight-12, `text-anchor="middle"`, p.x)
	d.Text(0, 0, svg.Attributes(fmt.Sprintf(`text-anchor="middle" transform="translate(16,%d) rotate(-90)"`, marginTop+plotHeight/2)), p.y)
}

// drawMarks draws the target and the capacity, each with its name.
func (p *panel) drawMarks(d *svg.Drawing, f svg.Frame) {
	if p.target > 0 && p.target <= f.EndY {
		y := f.Y(p.target)
		d.Put(`<line x1="%v" y1="%v" x2="%v" y2="%v" stroke="%v" stroke-dasharray="6 4"/>`, f.Left, y, f.Right, y, colorTarget)
		d.Text(f.Left+6, y-5, `font-size="11" fill="`+colorTarget+`"`, "target "+number(p.target, 4)+" ms")
	}
	if p.capacity > 0 {
		x := f.X(p.capacity)
		d.Put(`<line x1="%v" y1="%v" x2="%v" y2="%v" stroke="%v" stroke-dasharray="2 3"/>`, x, f.Top, x, f.Bottom, colorCapacity)
		style, at := svg.Attributes(`font-size="11" fill="`+colorCapacity+`" text-anchor="start"`), x+5
		if x > marginLeft+plotWidth/2 {
			style, at = `font-size="11" fill="`+colorCapacity+`" text-anchor="end"`, x-5
		}
		d.Text(at, f.Bottom-8, style, "in service at capacity: "+number(p.capacity, 3))
	}
}

// drawLegend names the things that are drawn.
func drawLegend(d *svg.Drawing) {
	x := float64(marginLeft)
	for _, e := range []struct {
		color, text string
		width       float64
	}{{colorData, "seen", 60}, {colorOutlier, "outlier", 72}, {colorFit, "fit and its 95 % interval", 0}} {
		d.Put(`<rect x="%v" y="36" width="9" height="9" fill="%v"/>`, x, e.color)
		d.Text(x+13, 45, `font-size="11"`, e.text)
		x += e.width
	}
}
