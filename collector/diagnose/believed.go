package diagnose

import (
	"fmt"
	"math"
	"strconv"

	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// seldom is how much more than what was seen a capacity may be without a word.
const seldom = 1.1

// Believed compares the capacities of a model's variants with what their replicas had to do in the last day: a capacity that no
// replica came near is a guess, and one at which requests queued is too high.
func (d *Diagnosis) Believed(m int, found *decide.Model) []string {
	of := d.program.Models[m]
	var said []string
	for _, s := range of.Signals {
		if s.ObservedLoad.IsZero() {
			continue
		}
		load := s.ObservedLoad.String()
		// Less than an hour says nothing of what a replica can do.
		most := d.perVariant(fmt.Sprintf("max_over_time((%[1]s)[1d:5m]) and count_over_time((%[1]s)[1d:5m]) >= 12", load), s, math.Max)
		queued := map[int]float64{}
		if !s.ObservedQueue.IsZero() {
			// The tenth part of such moments is left out: a gauge is read now and then.
			queued = d.perVariant(fmt.Sprintf("quantile_over_time(0.1, ((%s) and (%s))[1d:5m])", load, s.ObservedQueue), s, math.Min)
		}
		for i, v := range of.Variants {
			if text := believed(found.Variants[i].Capacities, s, most[v.Place], queued[v.Place]); text != "" {
				said = append(said, fmt.Sprintf("variant %s/%s: signal %s: %s", of.Namespace, v.Name, s.Name, text))
			}
		}
	}
	return said
}

// believed compares one capacity with the most that a replica had, and what it had when requests queued; 0 where that was not seen.
func believed(capacities []decide.Capacity, s *query.Signal, most, queued float64) string {
	for _, c := range capacities {
		if c.Signal != s.Name {
			continue
		}
		text, more := fmt.Sprintf("capacity %s %s", round(c.Value), s.Unit), most > 0 && c.Value > seldom*most
		switch {
		case queued > 0 && c.Value > seldom*queued && more:
			return fmt.Sprintf("%s; in the last day no replica ever had more than %s, and requests queued from %s", text, round(most), round(queued))
		case queued > 0 && c.Value > seldom*queued:
			return fmt.Sprintf("%s; in the last day requests queued from %s", text, round(queued))
		case more:
			return fmt.Sprintf("%s; in the last day no replica ever had more than %s: whether it can do more is not known", text, round(most))
		}
	}
	return ""
}

// perVariant asks about replicas and folds the answers by variant.
func (d *Diagnosis) perVariant(expr string, s *query.Signal, fold func(a, b float64) float64) map[int]float64 {
	if d.matcher == nil {
		d.matcher = match.New(d.program)
	}
	answer, _ := d.ask(expr)
	found := map[int]float64{}
	for _, x := range answer {
		owners := d.matcher.VariantsOf(x.Metric, s.Labels)
		if len(owners) != 1 || x.Value <= 0 || math.IsNaN(float64(x.Value)) {
			continue
		}
		value := float64(x.Value)
		if known, ok := found[owners[0]]; ok {
			value = fold(known, value)
		}
		found[owners[0]] = value
	}
	return found
}

// round writes a number with three digits, or all of its whole part.
func round(x float64) string {
	if x >= 100 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}
