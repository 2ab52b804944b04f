// Package chart has what the pages of the console, of a replay and of a backtest have in common: the style sheet, the charts and the
// script that draws them, and a page that needs nothing but itself.
package chart

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strconv"
)

// Chart is what the script of a page draws, and the words for people who cannot see it.
type Chart struct {
	ID    string `json:"-"`
	Title string `json:"-"`
	Text  string `json:"-"` // what it shows, in a sentence

	Unit   string  `json:"unit"`
	From   int64   `json:"from"`   // seconds, since 1970 or since the beginning
	To     int64   `json:"to"`     // likewise
	Times  []int64 `json:"times"`  // of the values
	Series []Line  `json:"series"` // those that are stacked from below
	Marks  []Mark  `json:"marks,omitempty"`
	Since  bool    `json:"since,omitempty"` // times are since the beginning, not since 1970
	Stack  bool    `json:"stack,omitempty"` // the series that are filled stand on each other, the first below
	Whole  bool    `json:"whole,omitempty"` // the numbers are whole
	Low    bool    `json:"low,omitempty"`   // a chart of little height
}

// Line is one of a chart's series. Its color is a name of the style sheet's.
type Line struct {
	Label  string `json:"label"`
	Color  string `json:"color"`
	Values Values `json:"values"` // NaN: not known
	Fill   bool   `json:"fill,omitempty"`
	Dash   bool   `json:"dash,omitempty"`
	Step   bool   `json:"step,omitempty"`
	Wide   bool   `json:"wide,omitempty"` // to be seen below another line
}

// Mark is something that happened, with what it is called in the chart.
type Mark struct {
	From  int64  `json:"from"` // seconds, as the chart's
	To    int64  `json:"to"`   // From, where it happened at once
	Label string `json:"label"`
}

// Values are drawn: they have six digits, and what is not known is null.
type Values []float64

// MarshalJSON implements json.Marshaler.
func (v Values) MarshalJSON() ([]byte, error) { return JSON(v, 6), nil }

// JSON writes numbers with so many digits, or with as many as they need if that is -1. What is not known, or has no bound, is null.
func JSON(values []float64, digits int) []byte {
	text := []byte{'['}
	for i, x := range values {
		if i > 0 {
			text = append(text, ',')
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			text = append(text, "null"...)
			continue
		}
		text = strconv.AppendFloat(text, x, 'g', digits, 64)
	}
	return append(text, ']')
}

// Add adds a series, unless nothing of it is known.
func (c *Chart) Add(l Line) {
	for _, v := range l.Values {
		if !math.IsNaN(v) {
			c.Series = append(c.Series, l)
			return
		}
	}
}

// maxSpans bounds how many spans of time a chart tells apart: there are no more pixels.
const maxSpans = 1000

// Thin leaves no more values than can be seen: of each span of neighbours the least and the greatest, in their order.
func (c *Chart) Thin() {
	n := len(c.Times)
	if n <= 2*maxSpans {
		return
	}
	var times []int64
	for i := range maxSpans {
		from, to := i*n/maxSpans, (i+1)*n/maxSpans
		times = append(times, c.Times[from], c.Times[(from+to)/2])
	}
	for i := range c.Series {
		values := make(Values, 0, 2*maxSpans)
		for j := range maxSpans {
			first, second := extremes(c.Series[i].Values[j*n/maxSpans : (j+1)*n/maxSpans])
			values = append(values, first, second)
		}
		c.Series[i].Values = values
	}
	c.Times = times
}

// extremes are the least and the greatest of some values in their order, NaN where none is known.
func extremes(values []float64) (first, second float64) {
	least, most := -1, -1
	for i, v := range values {
		if math.IsNaN(v) {
			continue
		}
		if least < 0 || v < values[least] {
			least = i
		}
		if most < 0 || v > values[most] {
			most = i
		}
	}
	if least < 0 {
		return math.NaN(), math.NaN()
	}
	return values[min(least, most)], values[max(least, most)]
}

// Functions are those that the template of a chart needs.
func Functions() template.FuncMap {
	return template.FuncMap{"data": func(c any) (template.JS, error) {
		text, err := json.Marshal(c) // escapes <, > and &: nothing in it ends the element
		if err != nil {
			return "", fmt.Errorf("write a chart: %w", err)
		}
		return template.JS(text), nil //nolint:gosec // JSON in an element that browsers do not run
	}}
}
