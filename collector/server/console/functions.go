package console

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// functions are those of the templates.
func (c *Console) functions() template.FuncMap {
	return template.FuncMap{
		"asset": c.address, "clock": clock, "rfc3339": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"hour":   func(t time.Time) string { return t.UTC().Format("15:04:05") },
		"number": explain.Number, "money": explain.Money, "count": explain.Count, "percent": explain.Percent,
		"seconds": seconds, "signed": signed, "plain": plain, "amount": func(x float64) string { return explain.Money(&x) },
		"reason": reasonText, "capital": capital,
		"word": word, "lack": explain.Lack, "times100": func(x float64) float64 { return 100 * x },
	}
}

// seconds writes a span of time with a unit that suits it.
func seconds(s float64) string {
	switch {
	case s < 0.0005:
		return "< 1 ms"
	case s < 0.0995:
		return fmt.Sprintf("%.0f ms", 1000*s)
	case s < 9.95:
		return fmt.Sprintf("%.1f s", s)
	case s < 120:
		return fmt.Sprintf("%.0f s", s)
	case s < 7200:
		return fmt.Sprintf("%.0f min", s/60)
	}
	return fmt.Sprintf("%.1f h", s/3600)
}

// quantileText names a quantile.
func quantileText(q float64) string { return "p" + strings.TrimSuffix(explain.Percent(q), " %") }

// signed writes an amount with its sign.
func signed(x float64) string {
	if math.Abs(x) < 0.005 {
		return "±0"
	}
	text := explain.Money(new(math.Abs(x)))
	if x < 0 {
		return "−" + text
	}
	return "+" + text
}

// plain writes a number with four significant digits.
func plain(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return explain.Number(&x)
}

func word(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// reasonText is a reason in words that fit in a table.
func reasonText(r optimizer.Reason) string { return strings.ReplaceAll(string(r), "_", " ") }
