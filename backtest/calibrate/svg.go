package calibrate

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
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

// drawSVG lays panels out in rows.
func drawSVG(rows [][]panel) string {
	d := &drawing{}
	columns := 1
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	width, height := columns*panelWidth, max(1, len(rows))*panelHeight
	d.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="%s">`,
		width, height, width, height, colorText)
	d.put(`<rect width="100%%" height="100%%" fill="white"/>`)
	for i, row := range rows {
		for j := range row {
			d.put(`<g transform="translate(%d,%d)">`, j*panelWidth, i*panelHeight)
			d.panel(&row[j])
			d.put(`</g>`)
		}
	}
	d.put(`</svg>`)
	return d.String()
}

// drawing is an SVG in progress.
type drawing struct{ strings.Builder }

func (d *drawing) put(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *drawing) text(x, y float64, attributes, text string) {
	d.put(`<text x="%.1f" y="%.1f" %s>%s</text>`, x, y, attributes, html.EscapeString(text))
}

// axes map values to pixels. Outliers far above everything else are drawn at the upper edge.
type axes struct{ right, top float64 }

func (a axes) x(v float64) float64 { return marginLeft + plotWidth*v/a.right }

func (a axes) y(v float64) float64 {
	return marginTop + plotHeight*(1-min(max(v/a.top, 0), 1))
}

func (p *panel) axes() axes {
	a := axes{right: 1e-9, top: 1e-9}
	for _, b := range p.line {
		a.right, a.top = max(a.right, b.x), max(a.top, b.value)
	}
	for _, q := range p.points {
		a.right = max(a.right, q.x)
		if !q.outlier {
			a.top = max(a.top, q.y)
		}
	}
	if p.target <= 2*a.top { // a target far away would leave no room for the data
		a.top = max(a.top, p.target)
	}
	a.right *= 1.02
	a.top *= headroomY
	return a
}

func (d *drawing) panel(p *panel) {
	a := p.axes()
	d.frame(p, a)
	d.interval(p.line, a)
	for _, q := range p.points {
		style := fmt.Sprintf(`fill="%s" fill-opacity="0.55"`, colorData)
		if q.outlier {
			style = fmt.Sprintf(`fill="none" stroke="%s"`, colorOutlier)
		}
		d.put(`<circle cx="%.1f" cy="%.1f" r="3" %s/>`, a.x(q.x), a.y(q.y), style)
	}
	var path []string
	for _, b := range p.line {
		path = append(path, fmt.Sprintf("%.1f,%.1f", a.x(b.x), a.y(b.value)))
	}
	d.put(`<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`, strings.Join(path, " "), colorFit)
	d.marks(p, a)
	d.legend()
}

// interval draws the band around the fitted line.
func (d *drawing) interval(line []band, a axes) {
	var around []string
	for _, b := range line {
		around = append(around, fmt.Sprintf("%.1f,%.1f", a.x(b.x), a.y(b.high)))
	}
	for _, b := range slices.Backward(line) {
		around = append(around, fmt.Sprintf("%.1f,%.1f", a.x(b.x), a.y(b.low)))
	}
	d.put(`<polygon points="%s" fill="%s" fill-opacity="0.6"/>`, strings.Join(around, " "), colorBand)
}

// frame draws the title, the axes and their ticks.
func (d *drawing) frame(p *panel, a axes) {
	const bottom = marginTop + plotHeight
	d.text(marginLeft, 22, `font-size="14" font-weight="bold"`, p.title)
	for _, v := range ticks(a.right) {
		x := a.x(v)
		d.put(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#e5e5e5"/>`, x, marginTop, x, bottom)
		d.text(x, bottom+16, `text-anchor="middle"`, number(v, 6))
	}
	for _, v := range ticks(a.top) {
		y := a.y(v)
		d.put(`<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#e5e5e5"/>`, marginLeft, y, marginLeft+plotWidth, y)
		d.text(marginLeft-6, y+4, `text-anchor="end"`, number(v, 6))
	}
	d.put(`<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#999999"/>`, marginLeft, marginTop, plotWidth, plotHeight)
	d.text(marginLeft+plotWidth/2, panelHeight-12, `text-anchor="middle"`, p.x)
	d.text(0, 0, fmt.Sprintf(`text-anchor="middle" transform="translate(16,%d) rotate(-90)"`, marginTop+plotHeight/2), p.y)
}

// marks draws the target and the capacity, each with its name.
func (d *drawing) marks(p *panel, a axes) {
	const bottom, right = marginTop + plotHeight, marginLeft + plotWidth
	if p.target > 0 && p.target <= a.top {
		y := a.y(p.target)
		d.put(`<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="%s" stroke-dasharray="6 4"/>`, marginLeft, y, right, y, colorTarget)
		d.text(marginLeft+6, y-5, fmt.Sprintf(`font-size="11" fill="%s"`, colorTarget), "target "+number(p.target, 4)+" ms")
	}
	if p.capacity > 0 {
		x := a.x(p.capacity)
		d.put(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s" stroke-dasharray="2 3"/>`, x, marginTop, x, bottom, colorCapacity)
		anchor, beside := "start", x+5
		if x > marginLeft+plotWidth/2 {
			anchor, beside = "end", x-5
		}
		d.text(beside, bottom-8, fmt.Sprintf(`font-size="11" fill="%s" text-anchor="%s"`, colorCapacity, anchor), "in service at capacity: "+number(p.capacity, 3))
	}
}

// legend names what is drawn.
func (d *drawing) legend() {
	x := float64(marginLeft)
	for _, e := range []struct {
		color, text string
		width       float64
	}{{colorData, "seen", 60}, {colorOutlier, "outlier", 72}, {colorFit, "fit and its 95 % interval", 0}} {
		d.put(`<rect x="%.1f" y="36" width="9" height="9" fill="%s"/>`, x, e.color)
		d.text(x+13, 45, `font-size="11"`, e.text)
		x += e.width
	}
}

// ticks are round numbers from zero to at most end.
func ticks(end float64) []float64 {
	step := math.Pow(10, math.Floor(math.Log10(end/tickCount)))
	for _, multiple := range []float64{1, 2, 5, 10} {
		if end/(step*multiple) <= tickCount {
			step *= multiple
			break
		}
	}
	var found []float64
	for i := 0; float64(i)*step <= end; i++ {
		found = append(found, float64(i)*step)
	}
	return found
}
