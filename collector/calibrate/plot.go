package calibrate

import (
	"fmt"
	"io"
	"math"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// fitPoints is how many points of a fitted line are drawn.
const fitPoints = 60

// WriteSVG draws the fits against the data: a row for each subject that has one, with a panel for ITL and, where it was seen, one
// for TTFT. What was seen at other lengths than the median is drawn where it would lie at the median lengths by the fit.
func WriteSVG(w io.Writer, results []Result) error {
	var rows [][]panel
	for i := range results {
		if r := &results[i]; r.Calibration != nil {
			rows = append(rows, r.panels())
		}
	}
	_, err := io.WriteString(w, draw(rows))
	return err
}

// panels are the diagrams of one subject.
func (r *Result) panels() []panel {
	title := r.Variant
	if title == "" {
		title = "benchmark"
	}
	itlOutliers, ttftOutliers := r.Outliers()
	target := optimizer.SLO{}
	if r.SLO != nil {
		target = *r.SLO
	}
	at := func(n float64, l optimizer.Lengths, first bool) optimizer.Estimate {
		itl, ttft := r.Latency(n, l)
		if first {
			return ttft
		}
		return itl
	}
	panels := []panel{{title: title, y: "time between output tokens, ms", target: 1000 * target.ITL}}
	if r.TTFT.Observations > 0 {
		panels = append(panels, panel{title: title, y: "time to first token without waiting, ms", target: 1000 * target.TTFT})
	}
	lengths := r.Lengths()
	for i := range panels {
		p := &panels[i]
		first, outliers := i == 1, itlOutliers
		if first {
			outliers = ttftOutliers
		}
		p.x = fmt.Sprintf("requests in service (%s input, %s output tokens)", number(lengths.Input, 4), number(lengths.Output, 4))
		for j, o := range r.Observations {
			seen := o.ITL
			if first {
				seen = o.TTFT
			}
			if seen > 0 {
				moved := seen * at(o.Concurrency, lengths, first).Value / at(o.Concurrency, o.Lengths, first).Value
				p.points = append(p.points, point{x: o.Concurrency, y: 1000 * moved, outlier: outliers[j]})
			}
		}
		p.fit(r, func(n float64) optimizer.Estimate { return at(n, lengths, first) })
	}
	return panels
}

// fit adds the fitted line, up to what was seen or, if that is more, to the capacity.
func (p *panel) fit(r *Result, at func(float64) optimizer.Estimate) {
	end := r.Concurrency.Max
	if r.Capacity != nil && r.Capacity.Concurrency.Value > 0 {
		p.capacity = r.Capacity.Concurrency.Low
		end = math.Max(end, r.Capacity.Concurrency.Value)
	}
	for i := range fitPoints + 1 {
		n := end * float64(i) / fitPoints
		e := at(n)
		p.line = append(p.line, band{n, 1000 * e.Low, 1000 * e.Value, 1000 * e.High})
	}
}
