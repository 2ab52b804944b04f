package explain

import (
	"math"
	"strconv"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector"
)

// dash stands for what is not known.
const dash = "-"

// number writes a number for people: whole above a thousand, else with four significant digits.
func number(x float64) string { return significant(x, 4) }

// significant writes a number with so many significant digits, but never less than its whole part.
func significant(x float64, digits int) string {
	if x == 0 {
		return "0"
	}
	places := max(0, digits-1-int(math.Floor(math.Log10(math.Abs(x)))))
	text := strconv.FormatFloat(x, 'f', places, 64)
	if places > 0 {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Number writes a number for people, with four significant digits; a dash where it is not known.
func Number(x *float64) string {
	if x == nil {
		return dash
	}
	return number(*x)
}

// money writes an amount with two decimals, or where that says too little, with two significant digits.
func money(x float64) string {
	if x != 0 && math.Abs(x) < 0.1 {
		return significant(x, 2)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// Money writes an amount of the currency for people; a dash where it is not known.
func Money(x *float64) string {
	if x == nil {
		return dash
	}
	return money(*x)
}

// Count writes a number of things; a dash where it is not known.
func Count(n *int) string {
	if n == nil {
		return dash
	}
	return strconv.Itoa(*n)
}

// Percent writes a share for people, with three significant digits.
func Percent(share float64) string { return significant(100*share, 3) + " %" }

// seconds writes a time for people.
func seconds(x float64) string {
	if x < 1 {
		return significant(1000*x, 3) + " ms"
	}
	return significant(x, 3) + " s"
}

func orDash(text string) string {
	if text == "" {
		return dash
	}
	return text
}

// Share is what the plan uses of a budget's limit.
func Share(b *collector.Budget) string {
	if b.Used == nil || b.Limit == nil || *b.Limit == 0 {
		return dash
	}
	return Percent(*b.Used / *b.Limit)
}
