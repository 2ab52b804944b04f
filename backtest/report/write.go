package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteTable writes the scorecard for people.
func WriteTable(w io.Writer, r *Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	titles := []string{"policy"}
	for _, c := range shown() {
		titles = append(titles, c.title)
	}
	fmt.Fprintln(t, strings.Join(titles, "\t")+"\t")
	for i := range r.Policies {
		p := &r.Policies[i]
		line := []string{p.Name}
		for _, c := range shown() {
			line = append(line, c.cell(p))
		}
		fmt.Fprintln(t, strings.Join(line, "\t")+"\t")
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return writeVerdicts(w, r.Expect, r.Notes)
}

// writeVerdicts writes what was expected, and the notes.
func writeVerdicts(w io.Writer, expect []Expectation, notes []string) error {
	if len(expect) > 0 {
		fmt.Fprintln(w)
	}
	for _, e := range expect {
		fmt.Fprintln(w, e.verdict()+"  "+e.What+e.found())
	}
	for _, note := range notes {
		if _, err := fmt.Fprintln(w, "note: "+note); err != nil {
			return fmt.Errorf("write the notes: %w", err)
		}
	}
	return nil
}

func (e Expectation) verdict() string {
	if e.Holds {
		return "ok    "
	}
	return "FAILED"
}

func (e Expectation) found() string {
	if e.Found == "" {
		return ""
	}
	return ": " + e.Found
}

// WriteCSV writes the scorecard, one line for each policy. What does not apply is left empty.
func WriteCSV(w io.Writer, r *Result) error {
	c := csv.NewWriter(w)
	header := []string{"scenario", "policy"}
	for _, col := range columns() {
		header = append(header, col.key)
	}
	if err := c.Write(header); err != nil {
		return fmt.Errorf("write the header: %w", err)
	}
	for i := range r.Policies {
		p := &r.Policies[i]
		line := append([]string{r.Scenario, p.Name}, cells(p)...)
		if err := c.Write(line); err != nil {
			return fmt.Errorf("write %s: %w", p.Name, err)
		}
	}
	c.Flush()
	return c.Error()
}

// cells are all numbers of a policy, as CSV has them.
func cells(p *Policy) []string {
	var line []string
	for _, col := range columns() {
		text := ""
		if v := col.value(p); !math.IsNaN(v) {
			text = strconv.FormatFloat(v, 'g', -1, 64)
		}
		line = append(line, text)
	}
	return line
}
