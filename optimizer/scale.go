package optimizer

import (
	"math"
	"strconv"
)

// Tolerance is the share of its size within which a row counts as met: a demand
// as served, a budget as kept.
const Tolerance = 1e-9

// shortfallUnit is the grid on which shortfalls are compared. It is a power of
// two near Tolerance, so sums of shortfalls are exact in floating point, and
// simple fractions lie on the grid and never between two of its points.
const shortfallUnit = 1.0 / (1 << 30)

// gridded returns the shortfall x, not above 1, as it is compared: zero where
// the row counts as met.
func gridded(x float64) float64 {
	if x <= Tolerance {
		return 0
	}
	return math.Round(x/shortfallUnit) * shortfallUnit
}

// allowance returns the largest shortfall that does not exceed cap, a point of
// the grid, once it is rounded to the grid.
func allowance(gridCap float64) float64 {
	if gridCap <= 0 {
		return Tolerance
	}
	return max(Tolerance, gridCap+shortfallUnit/2)
}

// exactDigits bounds the digits to which costs are compared: a cost is a whole
// number of units, at least 10^-exactDigits of the largest cost.
const exactDigits = 12

// costScale returns the power of ten by which costs are multiplied before they
// are rounded to whole numbers. A decimal grid represents decimal prices
// exactly, so ties between them are seen as ties; total bounds the cost of the
// plans that are compared, which must stay exact in floating point.
func costScale(largest, total float64) float64 {
	if largest <= 0 {
		return 1
	}
	exponent := exactDigits - math.Ceil(math.Log10(largest))
	if total > 0 {
		exponent = min(exponent, math.Floor(math.Log10((1<<53)/total)))
	}
	return math.Pow(10, min(exponent, 300))
}

// rounded returns a cost to exactDigits significant digits: what is left of
// sums of decimal prices in binary is not part of the price.
func rounded(cost float64) float64 {
	x, err := strconv.ParseFloat(strconv.FormatFloat(cost, 'e', exactDigits-1, 64), 64)
	if err != nil {
		return cost
	}
	return x
}

// commonDivisor returns the greatest common divisor of two whole numbers held
// in floating point; it is 0 only for two zeros.
func commonDivisor(a, b float64) float64 {
	for b > 0 {
		a, b = b, math.Mod(a, b)
	}
	return a
}
