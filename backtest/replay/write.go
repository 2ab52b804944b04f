package replay

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteJSON writes everything that a replay has found, with the values of every step, on one line.
func WriteJSON(w io.Writer, r *Result) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// WriteCSV writes one line for each step and variant. What is not known is left empty.
func WriteCSV(w io.Writer, r *Result) error {
	c := csv.NewWriter(w)
	header := []string{
		"time", "namespace", "model", "variant", "current", "ready", "desired", "reason", "followed", "followed_ready", "cost_per_replica_hour",
	}
	if err := c.Write(header); err != nil {
		return err
	}
	for i := range r.Steps {
		at := r.at(i).Format(time.RFC3339)
		for m := range r.Models {
			model := &r.Models[m]
			for j := range model.Variants {
				v := &model.Variants[j]
				cost := ""
				if v.Cost[i] != nil {
					cost = strconv.FormatFloat(*v.Cost[i], 'g', -1, 64)
				}
				line := []string{
					at, model.Namespace, model.Name, v.Name, whole(v.Current[i]), whole(v.Ready[i]), whole(v.Desired[i]), v.Reason[i],
					whole(v.Followed[i]), whole(v.FollowedReady[i]), cost,
				}
				if err := c.Write(line); err != nil {
					return err
				}
			}
		}
	}
	c.Flush()
	return c.Error()
}

func whole(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// WriteText writes the comparison for people.
func WriteText(w io.Writer, r *Result) error {
	fmt.Fprintf(w, "%s to %s, %d steps of %s\n\n", r.From.Format(time.RFC3339), r.To.Format(time.RFC3339), r.Steps,
		shortDuration(r.StepSeconds))
	for _, part := range []func(*tabwriter.Writer){r.writeTotal, r.writeVariants, r.writeModels} {
		t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		part(t)
		if err := t.Flush(); err != nil {
			return fmt.Errorf("write the comparison: %w", err)
		}
		fmt.Fprintln(w)
	}
	for _, note := range r.Notes {
		fmt.Fprintln(w, wrap("- "+note))
	}
	return nil
}

func (r *Result) writeTotal(t *tabwriter.Writer) {
	fmt.Fprintln(t, "TOTAL\tRAN\tFOLLOWED\tDIFFERENCE")
	for _, l := range r.Total.lines() {
		fmt.Fprintln(t, strings.TrimRight(strings.Join([]string{l.name, l.ran, l.followed, l.difference}, "\t"), "\t"))
	}
}

func (r *Result) writeVariants(t *tabwriter.Writer) {
	fmt.Fprintln(t, "VARIANT\tREPLICA-HOURS\t\tCOST\t\tCHANGES\t\tHELD")
	fmt.Fprintln(t, "\tran\tfollowed\tran\tfollowed\tran\tfollowed\tminutes")
	for i := range r.Models {
		m := &r.Models[i]
		for j := range m.Variants {
			v := &m.Variants[j]
			x, y := &v.Total.Ran, &v.Total.Followed
			fmt.Fprintf(t, "%s/%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", m.Namespace, v.Name, fixed(x.ReplicaHours), fixed(y.ReplicaHours),
				fixed(x.Cost), fixed(y.Cost), x.Changes, y.Changes, number(v.HeldMinutes))
		}
	}
}

func (r *Result) writeModels(t *tabwriter.Writer) {
	fmt.Fprintln(t, "MODEL\tMINUTES SHORT\t\tLARGEST SHORTFALL\t\tNOT MEASURED")
	fmt.Fprintln(t, "\tran\tfollowed\tran\tfollowed\tminutes")
	for i := range r.Models {
		m := &r.Models[i]
		x, y := &m.Total.Ran, &m.Total.Followed
		fmt.Fprintf(t, "%s/%s\t%s\t%s\t%s\t%s\t%s\n", m.Namespace, m.Name, number(x.ShortfallMinutes), number(y.ShortfallMinutes),
			percent(x.LargestShortfall), percent(y.LargestShortfall), number(m.UnmeasuredMinutes))
	}
}

// line is one account under both ways of running, in words.
type line struct{ name, ran, followed, difference string }

// lines are what people compare.
func (c *Compared) lines() []line {
	x, y := &c.Ran, &c.Followed
	all := []line{
		{"cost", fixed(x.Cost), fixed(y.Cost), change(x.Cost, y.Cost)},
		{"replica-hours", fixed(x.ReplicaHours), fixed(y.ReplicaHours), change(x.ReplicaHours, y.ReplicaHours)},
		{"minutes short", number(x.ShortfallMinutes), number(y.ShortfallMinutes), signed(math.Round(10*(y.ShortfallMinutes-x.ShortfallMinutes)) / 10)},
		{"largest shortfall", percent(x.LargestShortfall), percent(y.LargestShortfall), ""},
		{"changes", strconv.Itoa(x.Changes), strconv.Itoa(y.Changes), signed(float64(y.Changes - x.Changes))},
	}
	if y.ExtrapolatedMinutes > 0 {
		all = append(all, line{"minutes extrapolated", "", number(y.ExtrapolatedMinutes), ""})
	}
	if x.EnergyKWh != nil && y.EnergyKWh != nil {
		all = append(all, line{"energy, kWh", fixed(*x.EnergyKWh), fixed(*y.EnergyKWh), change(*x.EnergyKWh, *y.EnergyKWh)})
	}
	return all
}

// change is a difference as a part of what it is to.
func change(from, to float64) string {
	if from == 0 {
		return ""
	}
	return fmt.Sprintf("%+.1f %%", 100*(to-from)/from)
}

func signed(v float64) string {
	if v == 0 {
		return "0"
	}
	return fmt.Sprintf("%+.6g", v)
}

func fixed(v float64) string   { return strconv.FormatFloat(v, 'f', 2, 64) }
func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" }

// number writes a number of minutes to a tenth.
func number(v float64) string { return strconv.FormatFloat(math.Round(10*v)/10, 'f', -1, 64) }

func shortDuration(seconds float64) string {
	text := time.Duration(seconds * float64(time.Second)).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	return strings.TrimSuffix(text, "h0m")
}

const textWidth = 120

// wrap breaks a note into lines, indented behind its dash.
func wrap(text string) string {
	var b strings.Builder
	width := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case width == 0:
		case width+1+len(word) > textWidth:
			b.WriteString("\n  ")
			width = 2
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String()
}
