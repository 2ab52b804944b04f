package past

import (
	"fmt"
	"strings"
	"time"
)

// Range is a span of time that is looked back on, and the time between its steps.
type Range struct {
	Name string // as in addresses, such as 6h
	Span time.Duration
	Step time.Duration
}

// Ranges are those that are offered. Each has about as many steps as a chart has room for.
func Ranges() []Range {
	return []Range{
		{"15m", 15 * time.Minute, 10 * time.Second},
		{"1h", time.Hour, 30 * time.Second},
		{"6h", 6 * time.Hour, 3 * time.Minute},
		{"24h", 24 * time.Hour, 12 * time.Minute},
	}
}

// RangeOf returns the range of a name.
func RangeOf(name string) (Range, error) {
	var known []string
	for _, r := range Ranges() {
		if r.Name == name {
			return r, nil
		}
		known = append(known, r.Name)
	}
	return Range{}, fmt.Errorf("there is no range %.60q: want one of %s", name, strings.Join(known, ", "))
}

// steps are the first and the last step of the range up to a time, as numbers of whole steps since the epoch.
func (r Range) steps(end time.Time) (first, last int64) {
	last = end.UnixNano() / int64(r.Step)
	return last - int64(r.Span/r.Step), last
}

func (r Range) time(step int64) time.Time { return time.Unix(0, step*int64(r.Step)).UTC() }

// Record is the course of decisions over a range. It is not changed once it has been made.
type Record struct {
	Range    Range
	From, To time.Time // the first and the last step
	Points   []*Point  // in the order of time; the last steps may be missing
	Complete bool      // whether no step is missing
	Err      error     // why the last steps cannot be had for now; nil where they are being worked out
}

// Steps is how many steps a complete record has.
func (r *Record) Steps() int { return int(r.To.Sub(r.From)/r.Range.Step) + 1 }

// Times are the times of the points.
func (r *Record) Times() []time.Time {
	times := make([]time.Time, len(r.Points))
	for i, p := range r.Points {
		times[i] = p.At
	}
	return times
}

// Column is one number of each point; NaN where it was not known.
func (r *Record) Column(of func(*Point) float64) []float64 {
	column := make([]float64, len(r.Points))
	for i, p := range r.Points {
		column[i] = of(p)
	}
	return column
}

// Signal is one number of each point about a signal of a model.
func (r *Record) Signal(model, signal int, of func(*Signal) float64) []float64 {
	return r.Column(func(p *Point) float64 { return of(&p.Models[model].Signals[signal]) })
}

// Variant is one number of each point about a variant of a model.
func (r *Record) Variant(model, variant int, of func(*Variant) float64) []float64 {
	return r.Column(func(p *Point) float64 { return of(&p.Models[model].Variants[variant]) })
}
