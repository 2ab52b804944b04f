package calibrate

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// textWidth is where comments are broken.
const textWidth = 110

// WriteJSON writes the results as JSON, in seconds, tokens and requests per second.
func WriteJSON(w io.Writer, results []Result) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Confidence float64  `json:"confidence"`
		Results    []Result `json:"results"`
	}{calibration.Confidence, results})
}

// WriteYAML writes the results as sections of a configuration file, with comments that say how far to trust them.
func WriteYAML(w io.Writer, results []Result) error {
	y := &yamlWriter{}
	y.comment("Fitted by variant_exporter calibrate. Behind each value: its interval at %g %% confidence.", 100*calibration.Confidence)
	if len(results) == 1 && results[0].Variant == "" {
		y.profile(&results[0])
	} else {
		y.models(results)
	}
	_, err := io.WriteString(w, y.String())
	return err
}

type yamlWriter struct {
	strings.Builder
	indent int
}

func (y *yamlWriter) line(format string, args ...any) {
	fmt.Fprintf(y, "%s%s\n", strings.Repeat(" ", y.indent), fmt.Sprintf(format, args...))
}

// comment writes a sentence, in as many lines as it takes.
func (y *yamlWriter) comment(format string, args ...any) {
	text := ""
	for word := range strings.FieldsSeq(fmt.Sprintf(format, args...)) {
		switch {
		case text == "":
			text = word
		case len(text)+1+len(word) > textWidth-y.indent:
			y.line("# %s", text)
			text = word
		default:
			text += " " + word
		}
	}
	y.line("# %s", text)
}

// models writes the profiles of variants where they belong, and then what has none.
func (y *yamlWriter) models(results []Result) {
	model, namespace, started := "", "", false
	for i := range results {
		r := &results[i]
		if r.Fitted == nil {
			continue
		}
		if !started {
			y.line("models:")
		}
		if !started || r.Model != model || r.Namespace != namespace {
			y.indent = 2
			y.line("- name: %s", strconv.Quote(r.Model))
			y.line("  namespace: %s", strconv.Quote(r.Namespace))
			y.line("  variants:")
		}
		model, namespace, started = r.Model, r.Namespace, true
		y.indent = 6
		y.line("- name: %s", strconv.Quote(r.Variant))
		y.indent = 8
		y.profile(r)
	}
	y.indent = 0
	for i := range results {
		if r := &results[i]; r.Fitted == nil {
			y.comment("%s in %s: %s%s.", r.Variant, r.Namespace, r.Error, dropped(r.Dropped))
		}
	}
}

// profile writes one profile.
func (y *yamlWriter) profile(r *Result) {
	if r.Fitted == nil {
		y.comment("%s.", r.Error)
		y.leftOut(r)
		y.floor(r)
		return
	}
	y.line("profile:")
	for _, c := range []struct {
		name string
		calibration.Estimate
	}{{"alpha", r.Alpha}, {"beta", r.Beta}, {"gamma", r.Gamma}} {
		y.line("  %-24s # %sms to %sms", c.name+": "+milliseconds(c.Value)+"ms", milliseconds(c.Low), milliseconds(c.High))
	}
	if c := r.Chunk; c != nil {
		y.line("  # an iteration with a chunk of a prompt")
		y.line("  chunk: {alpha: %sms, beta: %sms, gamma: %sms, attention: %sms, longest: %sms}",
			milliseconds(c.Alpha), milliseconds(c.Beta), milliseconds(c.Gamma), milliseconds(c.Attention), milliseconds(c.Longest))
	}
	y.line("  %-24s # given, not measured", "max_batch: "+strconv.Itoa(r.MaxBatch))
	if r.MaxBatchTokens > 0 {
		y.line("  %-24s # given, not measured", "max_batch_tokens: "+strconv.Itoa(r.MaxBatchTokens))
	}
	if r.KVTokens > 0 {
		y.line("  %-24s # given, not measured", "kv_tokens: "+strconv.Itoa(r.KVTokens))
	}
	if r.MaxQueue != latency.DefaultMaxQueue(r.MaxBatch) {
		y.line("  %-24s # given, not measured", "max_queue: "+strconv.Itoa(r.MaxQueue))
	}
	y.seen(r)
	y.leftOut(r)
	y.capacity(r)
	for _, warning := range r.Warnings {
		y.comment("Warning: %s.", warning)
	}
}

// floor is what was seen, as a capacity to paste.
func (y *yamlWriter) floor(r *Result) {
	f := r.Floor
	if f == nil {
		return
	}
	var seen []string
	if f.ITL > 0 {
		seen = append(seen, milliseconds(f.ITL)+"ms between tokens")
	}
	if f.TTFT > 0 {
		seen = append(seen, milliseconds(f.TTFT)+"ms to the first one")
	}
	rate, capacity := "", ""
	if f.Rate > 0 {
		rate = ", " + number(f.Rate, 4) + " a second"
		capacity = "   # or, for a signal in requests per second, " + number(f.Rate, 4)
	}
	y.comment("What was seen: with %s requests in service of %s input and %s output tokens%s, %s was kept (%s).",
		number(f.Concurrency, 4), number(f.Lengths.Input, 4), number(f.Lengths.Output, 4), rate, targets(*r.SLO), strings.Join(seen, ", "))
	y.comment("This is a floor: a replica carries at least that, and it is not known how much more. A plan with it may have more replicas than needed. "+
		"With %d loads or more, up to the targets, a profile and the capacity are fitted.", calibration.MinObservations)
	y.line("capacity: {concurrency: %s}%s", number(f.Concurrency, 4), capacity)
}

// leftOut says what was left out of a benchmark.
func (y *yamlWriter) leftOut(r *Result) {
	for _, what := range r.LeftOut {
		y.comment("Left out: %s.", what)
	}
}

// seen says what the fit rests on.
func (y *yamlWriter) seen(r *Result) {
	y.comment("Seen: %d observations%s; requests in service %s, input tokens %s, output tokens %s.",
		len(r.Observations), dropped(r.Dropped), span(r.Concurrency), span(r.Input), span(r.Output))
	for _, kind := range []struct {
		name string
		calibration.FitError
	}{{"itl", r.ITL}, {"ttft", r.TTFT}} {
		if kind.Observations > 0 {
			y.comment("Error of %s: %s %% (median), R2 %s, %d of %d disregarded as outliers.",
				kind.name, number(100*kind.Median, 2), number(kind.R2, 4), kind.Outliers, kind.Observations)
		}
	}
	lengths := ""
	if r.HeldOut.ByLengths > 0 {
		lengths = ", at lengths " + number(100*r.HeldOut.ByLengths, 2) + " %"
	}
	if len(r.Observations) <= calibration.MinObservations {
		y.comment("Warning: too few observations to leave one out of the fit: its error at other loads is unknown.")
		return
	}
	y.comment("Error of itl where it was left out of the fit: at loads %s %%%s. Intervals include it.", number(100*r.HeldOut.ByLoad, 2), lengths)
}

// capacity says what one replica carries.
func (y *yamlWriter) capacity(r *Result) {
	c := r.Capacity
	if c == nil {
		return
	}
	at := fmt.Sprintf("%s input and %s output tokens with %s", number(c.Lengths.Input, 4), number(c.Lengths.Output, 4), targets(*r.SLO))
	if c.Reason != "" {
		y.comment("Capacity for %s: none: %s.", at, c.Reason)
		return
	}
	y.comment("Capacity for %s: plan with %s requests per second a replica (best estimate %s, interval %s to %s), %s in service (best estimate %s); bound by %s.",
		at, number(c.Rate.Low, 4), number(c.Rate.Value, 4), number(c.Rate.Low, 4), number(c.Rate.High, 4),
		number(c.Concurrency.Low, 4), number(c.Concurrency.Value, 4), c.Binding)
	y.comment("It holds for these lengths and the %s to %s requests in service that were seen. Without a profile, paste it as:",
		number(r.Concurrency.Min, 4), number(r.Concurrency.Max, 4))
	y.line("#   capacity: {concurrency: %s}   # or, for a signal in requests per second, %s", number(c.Concurrency.Low, 3), number(c.Rate.Low, 3))
	itl, ttft := r.slowest()
	y.farTarget("itl", r.SLO.ITL, itl)
	y.farTarget("ttft", r.SLO.TTFT, ttft)
	if c.Extrapolated {
		y.comment("Warning: this rests on the latency with up to %s requests in service, more than were ever seen (%s): it is extrapolated.",
			number(c.Reach, 4), number(r.Concurrency.Max, 4))
	}
}

// farTarget warns where a target is far beyond the slowest that was seen: the capacity is then a guess.
func (y *yamlWriter) farTarget(name string, target, slowest float64) {
	const far = 2
	if slowest > 0 && target > far*slowest {
		y.comment("Warning: no observation came near the target for %s (%sms): the slowest was %sms. Load one replica up to it.",
			name, milliseconds(target), milliseconds(slowest))
	}
}

// slowest are the longest mean times between output tokens and to the first one that were seen, without outliers.
func (r *Result) slowest() (itl, ttft float64) {
	outITL, outTTFT := r.Outliers()
	for i, o := range r.Observations {
		if !outITL[i] {
			itl = max(itl, o.ITL)
		}
		if !outTTFT[i] {
			ttft = max(ttft, o.TTFT)
		}
	}
	return itl, ttft
}

func targets(s latency.SLO) string {
	var parts []string
	if s.TTFT > 0 {
		parts = append(parts, "ttft within "+milliseconds(s.TTFT)+"ms")
	}
	if s.ITL > 0 {
		parts = append(parts, "itl within "+milliseconds(s.ITL)+"ms")
	}
	of := "the mean"
	if s.Quantile > 0 {
		of = number(100*s.Quantile, 6) + " %"
	}
	return strings.Join(parts, " and ") + " (" + of + ")"
}

func dropped(reasons map[string]int) string {
	if len(reasons) == 0 {
		return ""
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		parts = append(parts, fmt.Sprintf("%d %s", reasons[reason], reason))
	}
	return " (dropped: " + strings.Join(parts, ", ") + ")"
}

func span(s calibration.Span) string {
	return fmt.Sprintf("%s to %s (median %s)", number(s.Min, 4), number(s.Max, 4), number(s.Median, 4))
}

// milliseconds writes a time to four digits, without an exponent, as the configuration reads it.
func milliseconds(seconds float64) string { return number(1000*seconds, 4) }

// number writes a number to some digits, without an exponent.
func number(v float64, digits int) string {
	if v == 0 {
		return "0"
	}
	decimals := max(0, digits-1-int(math.Floor(math.Log10(math.Abs(v)))))
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
