package replay

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// arrivalSteps is how many steps are asked for at once.
const arrivalSteps = 1000

// Arrivals is what the servers or gateways of a model say of the requests that came, whatever the model is planned by.
type Arrivals struct {
	Preset        string     // that tells it; none where the model has no preset that does, or nothing was told
	Rate          []*float64 // requests per second at every step; nil where it is not known
	Input, Output Length     // of a request, in tokens
}

// Length is a mean, and how much it varies: a standard deviation over the mean. A mean of 0 is not known; nor is a CV that is negative.
type Length struct{ Mean, CV float64 }

// AskArrivals asks for what came at the steps of a replay, by the signals in requests per second of each model's presets. What is known
// at the most steps counts.
func AskArrivals(ctx context.Context, c *config.Config, source promapi.RangeQuerier, r *Result) ([]Arrivals, error) {
	program := query.Compile(c)
	a := &arrivalAsker{source: source, matcher: match.New(program), step: time.Duration(r.StepSeconds * float64(time.Second)), steps: r.Steps, answers: map[string][][]float64{}}
	a.first = int64(math.Ceil(float64(r.From.Unix()) / r.StepSeconds))
	all := make([]Arrivals, len(c.Models))
	for _, m := range program.Models {
		best := 0
		for _, name := range m.Presets {
			s, err := c.PresetSignal(name, "latency")
			if err != nil || s.Latency.IsZero() || s.Unit != rateUnit {
				continue // It tells no arrivals.
			}
			found, known, err := a.of(ctx, m.Place, &s)
			if err != nil {
				return nil, fmt.Errorf("ask how many requests came to %s/%s, by the preset %s: %w", m.Namespace, m.Name, name, err)
			}
			if known > best {
				best, found.Preset, all[m.Place] = known, name, found
			}
		}
	}
	return all, nil
}

type arrivalAsker struct {
	source  promapi.RangeQuerier
	matcher *match.Matcher
	first   int64
	step    time.Duration
	steps   int
	answers map[string][][]float64 // by expression, then by model
}

// of reads one signal of one model, and at how many steps the rate is known.
func (a *arrivalAsker) of(ctx context.Context, place int, s *config.Signal) (found Arrivals, known int, err error) {
	var told [5][]float64
	for i, e := range []config.Expr{s.Latency, s.InputTokens, s.InputCV, s.OutputTokens, s.OutputCV} {
		cells, err := a.cells(ctx, e, s.Labels)
		if err != nil {
			return Arrivals{}, 0, err
		}
		if cells != nil {
			told[i] = cells[place]
		}
	}
	found = Arrivals{Rate: make([]*float64, a.steps)}
	for i := range told[0] {
		if v := told[0][i]; usable(v) {
			found.Rate[i] = &v
			known++
		}
	}
	found.Input, found.Output = Length{0, -1}, Length{0, -1}
	for i, into := range []*float64{&found.Input.Mean, &found.Input.CV, &found.Output.Mean, &found.Output.CV} {
		if v, ok := weighted(told[i+1], told[0]); ok {
			*into = v
		}
	}
	return found, known, nil
}

// cells asks for an expression at all steps: its number by model and step; nil where there is no expression.
func (a *arrivalAsker) cells(ctx context.Context, e config.Expr, labels config.LabelNames) ([][]float64, error) {
	if e.IsZero() {
		return nil, nil
	}
	expr := e.String()
	if cells, ok := a.answers[expr]; ok {
		return cells, nil
	}
	cells := make([][]float64, a.matcher.Owners(query.OfModel))
	for from := 0; from < a.steps; from += arrivalSteps {
		first, n := a.first+int64(from), min(arrivalSteps, a.steps-from)
		start := time.Unix(0, first*int64(a.step)).UTC()
		matrix, err := a.source.QueryRange(ctx, expr, v1.Range{Start: start, End: start.Add(time.Duration(n-1) * a.step), Step: a.step})
		if err != nil {
			return nil, err
		}
		h := &query.History{Expr: expr, Step: a.step, By: query.Reader{Owner: query.OfModel, Labels: labels}}
		grid, err := a.matcher.Lay(ctx, h, matrix, first, n)
		if err != nil {
			return nil, err
		}
		for i, told := range grid.Cells {
			if told == nil {
				told = slices.Repeat([]float64{math.NaN()}, n)
			}
			cells[i] = append(cells[i], told...)
		}
	}
	a.answers[expr] = cells
	return cells, nil
}

// usable says that a cell holds a number that can be one: what several series contradict each other about is marked by the largest.
func usable(v float64) bool { return v >= 0 && v < math.MaxFloat64 }

// weighted is the mean over the steps, each counting by how many requests came; false where none did whose length is known.
func weighted(values, rates []float64) (float64, bool) {
	sum, weight := 0.0, 0.0
	for i := range min(len(values), len(rates)) {
		if usable(values[i]) && usable(rates[i]) {
			sum += values[i] * rates[i]
			weight += rates[i]
		}
	}
	return sum / weight, weight > 0
}
