package report

import (
	"math"
	"strconv"
)

// column is a number of the scorecard.
type column struct {
	key   string // in JSON and CSV
	title string // in tables; empty: too much for them
	value func(*Policy) float64
	show  func(float64) string
}

// columns are all numbers of the scorecard, in the order in which they are shown. NaN does not apply.
func columns() []column {
	return []column{
		{"requests", "", func(s *Policy) float64 { return float64(s.Requests) }, whole},
		{"slo_attainment", "within targets", func(s *Policy) float64 { return s.SLOAttainment }, percent},
		{"unserved", "unserved", func(s *Policy) float64 { return s.Unserved }, percent},
		{"refused", "", func(s *Policy) float64 { return s.Refused }, percent},
		{"impatient", "", func(s *Policy) float64 { return s.Impatient }, percent},
		{"worst_hour", "worst hour", func(s *Policy) float64 { return s.WorstHour }, percent},
		{"ttft_p50", "", func(s *Policy) float64 { return quantile(s.TTFT, 50) }, seconds},
		{"ttft_p95", "TTFT p95", func(s *Policy) float64 { return quantile(s.TTFT, 95) }, seconds},
		{"ttft_p99", "p99", func(s *Policy) float64 { return quantile(s.TTFT, 99) }, seconds},
		{"itl_p50", "", func(s *Policy) float64 { return quantile(s.ITL, 50) }, seconds},
		{"itl_p95", "ITL p95", func(s *Policy) float64 { return quantile(s.ITL, 95) }, seconds},
		{"itl_p99", "", func(s *Policy) float64 { return quantile(s.ITL, 99) }, seconds},
		{"cost", "cost", func(s *Policy) float64 { return s.Cost }, fixed},
		{"cost_ratio_to_oracle", "/ oracle", func(s *Policy) float64 { return orNaN(s.CostRatio) }, ratio},
		{"replica_hours", "replica-hours", func(s *Policy) float64 { return s.ReplicaHours }, fixed},
		{"changes", "changes", func(s *Policy) float64 { return float64(s.Changes) }, whole},
		{"starts", "starts", func(s *Policy) float64 { return float64(s.Starts) }, whole},
		{"cancelled_starts", "cancelled", func(s *Policy) float64 { return float64(s.CancelledStarts) }, whole},
		{"short_lived", "short-lived", func(s *Policy) float64 { return float64(s.ShortLived) }, whole},
		{"reversals", "", func(s *Policy) float64 { return float64(s.Reversals) }, whole},
		{"short_minutes", "short, min", func(s *Policy) float64 { return s.ShortMinutes }, fixed},
		{"recovery_seconds", "", func(s *Policy) float64 { return orNaN(s.RecoverySeconds) }, whole},
		{"energy_kwh", "", func(s *Policy) float64 { return orNaN(s.EnergyKWh) }, fixed},
		{"peak_watts", "", func(s *Policy) float64 { return orNaN(s.PeakWatts) }, whole},
		{"budget_violations", "", func(s *Policy) float64 { return float64(s.BudgetViolations) }, whole},
		{"failed_starts", "", func(s *Policy) float64 { return float64(s.FailedStarts) }, whole},
		{"decision_seconds", "", func(s *Policy) float64 { return orNaN(measured(s.DecisionSeconds)) }, milliseconds},
	}
}

// shown are the columns of tables.
func shown() []column {
	var some []column
	for _, c := range columns() {
		if c.title != "" {
			some = append(some, c)
		}
	}
	return some
}

// cell is what a table shows of a score.
func (c column) cell(s *Policy) string {
	v := c.value(s)
	if math.IsNaN(v) {
		return "-"
	}
	return c.show(v)
}

func quantile(q *Quantiles, percent int) float64 {
	switch {
	case q == nil:
		return math.NaN()
	case percent == 50:
		return q.P50
	case percent == 95:
		return q.P95
	default:
		return q.P99
	}
}

// measured is nil where nothing was.
func measured(v float64) *float64 {
	if v == 0 {
		return nil
	}
	return &v
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

func milliseconds(v float64) string { return strconv.FormatFloat(1000*v, 'f', 2, 64) }

func whole(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
func fixed(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
func ratio(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }

// percent never rounds a miss up to 100 %.
func percent(v float64) string {
	return strconv.FormatFloat(math.Floor(v*1e4+1e-6)/100, 'f', 2, 64) + "%"
}

func seconds(v float64) string {
	if v < 1 {
		return strconv.FormatFloat(v*1000, 'f', 0, 64) + "ms"
	}
	return strconv.FormatFloat(v, 'f', 2, 64) + "s"
}
