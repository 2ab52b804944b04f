package console

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/collector/svg"
)

// The size of a sparkline, in the units of its drawing, and the most points that it shows.
const (
	sparkWidth, sparkHeight = 160, 32
	sparkPoints             = 60
)

// sparkline draws the demand for a signal against what the ready replicas could serve. It is empty where nothing is known.
func sparkline(r *past.Record, model, signal int, unit string) template.HTML {
	if r == nil || len(r.Points) < 2 {
		return ""
	}
	demand := thin(r.Signal(model, signal, func(s *past.Signal) float64 { return s.Measured }))
	supply := thin(r.Signal(model, signal, func(s *past.Signal) float64 { return s.Ready }))
	most := max(greatest(demand), greatest(supply))
	if !(most > 0) {
		most = 1
	}
	// The record may not have come to its end yet.
	width := float64(sparkWidth) * float64(len(r.Points)) / float64(max(r.Steps(), len(r.Points)))
	frame := svg.Frame{Left: 0, Top: 1, Right: math.Max(width, 2), Bottom: sparkHeight - 1, EndX: 1, EndY: most}
	d := svg.New(sparkWidth, sparkHeight, svg.Attributes(`class="spark" role="img" `)+svg.Attribute("aria-label", sparkText(r, demand, supply, unit)))
	d.Put(`<path class="supply" d="%v"/>`, frame.Steps(supply, true))
	d.Put(`<path class="demand" d="%v"/>`, line(frame, demand))
	return template.HTML(d.String()) //nolint:gosec // svg escapes what it is given
}

// sparkText says what a sparkline shows.
func sparkText(r *past.Record, demand, supply []float64, unit string) string {
	if math.IsNaN(greatest(demand)) {
		return "Demand over the last " + r.Range.Name + " is not known"
	}
	return fmt.Sprintf("Over the last %s demand was %s to %s %s and ready supply %s to %s", r.Range.Name,
		plain(-greatest(negated(demand))), plain(greatest(demand)), unit, plain(-greatest(negated(supply))), plain(greatest(supply)))
}

func negated(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = -v
	}
	return out
}

// greatest is the largest of some values; NaN where none is known.
func greatest(values []float64) float64 {
	most := math.NaN()
	for _, v := range values {
		if math.IsNaN(most) || v > most {
			most = v
		}
	}
	return most
}

// thin leaves the largest of neighbours, so that no more are left than can be seen.
func thin(values []float64) []float64 {
	if len(values) <= sparkPoints {
		return values
	}
	out := make([]float64, sparkPoints)
	for i := range out {
		out[i] = greatest(values[i*len(values)/sparkPoints : (i+1)*len(values)/sparkPoints])
	}
	return out
}

// line is the path through the middles of the steps of values. NaN is a gap.
func line(f svg.Frame, values []float64) string {
	var path strings.Builder
	command := "M"
	for i, v := range values {
		if math.IsNaN(v) {
			command = "M"
			continue
		}
		x := f.Left + (f.Right-f.Left)*(float64(i)+0.5)/float64(len(values))
		path.WriteString(command + svg.Coordinate(x) + " " + svg.Coordinate(f.Y(v)))
		command = "L"
	}
	return path.String()
}

// known is a record without the points before anything was known, and how many were left out: a store that has just begun fills the
// charts from the left.
func known(r *past.Record) (*past.Record, int) {
	if r == nil {
		return nil, 0
	}
	for i, p := range r.Points {
		if !knows(p) {
			continue
		}
		if i == 0 || len(r.Points)-i < 2 {
			break
		}
		short := *r
		short.From, short.Points = p.At, r.Points[i:]
		return &short, i
	}
	return r, 0
}

// Shorter is the shortest range that has all that is known of a record, where that is shorter than its own: of a store that has just begun,
// there is more to see with steps that are not so far apart.
func Shorter(r *past.Record) (shorter past.Range, ok bool) {
	if r == nil || !r.Complete || r.Err != nil {
		return past.Range{}, false
	}
	first := slices.IndexFunc(r.Points, knows)
	if first <= 0 {
		return past.Range{}, false
	}
	span := r.To.Sub(r.Points[first].At) + r.Range.Step // It may have begun just after the step before.
	for _, each := range past.Ranges() {
		if each.Span >= span && each.Span < r.Range.Span {
			return each, true
		}
	}
	return past.Range{}, false
}

// knows reports whether any demand or any number of replicas was known at a point.
func knows(p *past.Point) bool {
	for i := range p.Models {
		for j := range p.Models[i].Signals {
			if !math.IsNaN(p.Models[i].Signals[j].Measured) {
				return true
			}
		}
		for j := range p.Models[i].Variants {
			if !math.IsNaN(p.Models[i].Variants[j].Current) {
				return true
			}
		}
	}
	return false
}
