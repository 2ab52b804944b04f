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

// Study is a scenario under several settings and seeds.
type Study struct {
	Scenario string        `json:"scenario"`
	Seeds    []uint64      `json:"seeds"`
	Settings []Setting     `json:"settings"`
	Expect   []Expectation `json:"expect"` // of all seeds; none where something is varied
	Notes    []string      `json:"notes,omitempty"`
}

// Setting is a way in which runs differ from what the files say.
type Setting struct {
	Name     string    `json:"setting"` // such as startup=30s; empty: as it is
	Policies []Summary `json:"policies"`
}

// Summary is how a policy did over the seeds. Numbers that do not apply are left out.
type Summary struct {
	Name   string             `json:"name"`
	Fill   *float64           `json:"fill,omitempty"`    // where it was searched for: the factor on what a replica is filled to
	Reach  *bool              `json:"reached,omitempty"` // whether any setting of it reaches the service that was asked for
	Mean   map[string]float64 `json:"mean"`
	Spread map[string]float64 `json:"spread"` // standard deviation over the seeds
	Runs   []Policy           `json:"runs"`
}

// Summarize takes the means over runs.
func Summarize(name string, runs []Policy) Summary {
	s := Summary{Name: name, Mean: map[string]float64{}, Spread: map[string]float64{}, Runs: runs}
	for _, c := range columns() {
		var sum, squares, n float64
		for i := range runs {
			if v := c.value(&runs[i]); !math.IsNaN(v) {
				sum, squares, n = sum+v, squares+v*v, n+1
			}
		}
		if n == 0 {
			continue
		}
		mean := sum / n
		s.Mean[c.key] = mean
		s.Spread[c.key] = math.Sqrt(max(0, squares/n-mean*mean) * n / max(1, n-1))
	}
	return s
}

// studied are the columns of a study's table.
func studied() []column {
	want := map[string]string{
		"slo_attainment": "within targets", "worst_hour": "worst hour", "unserved": "unserved", "ttft_p95": "TTFT p95", "cost": "cost",
		"cost_ratio_to_oracle": "/ oracle", "starts": "starts", "cancelled_starts": "cancelled", "short_lived": "short-lived",
	}
	var some []column
	for _, c := range columns() {
		if title, ok := want[c.key]; ok {
			c.title = title
			some = append(some, c)
		}
	}
	return some
}

// WriteStudy writes a table: means, and over several seeds the standard deviation.
func WriteStudy(w io.Writer, s *Study) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	titles := []string{"setting", "policy"}
	for _, c := range studied() {
		titles = append(titles, c.title)
	}
	searched := s.searched()
	if searched {
		titles = append(titles, "fill")
	}
	fmt.Fprintln(t, strings.Join(titles, "\t")+"\t")
	for _, x := range s.Settings {
		name := x.Name
		if name == "" {
			name = "as it is"
		}
		for i := range x.Policies {
			p := &x.Policies[i]
			line := []string{name, p.Name}
			for _, c := range studied() {
				line = append(line, p.cell(c))
			}
			if searched {
				line = append(line, p.fill())
			}
			fmt.Fprintln(t, strings.Join(line, "\t")+"\t")
			name = ""
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return writeVerdicts(w, s.Expect, s.Notes)
}

func (s *Study) searched() bool {
	for _, x := range s.Settings {
		for i := range x.Policies {
			if x.Policies[i].Reach != nil {
				return true
			}
		}
	}
	return false
}

func (s *Summary) cell(c column) string {
	mean, ok := s.Mean[c.key]
	if !ok {
		return "-"
	}
	text := c.show(mean)
	if len(s.Runs) > 1 {
		text += " ±" + strings.TrimSuffix(c.show(s.Spread[c.key]), "%")
	}
	return text
}

func (s *Summary) fill() string {
	switch {
	case s.Reach == nil:
		return "-"
	case !*s.Reach:
		return "none reaches it"
	}
	return strconv.FormatFloat(*s.Fill, 'g', 3, 64)
}

// WriteStudyCSV writes a line for each run.
func WriteStudyCSV(w io.Writer, s *Study) error {
	c := csv.NewWriter(w)
	header := []string{"scenario", "setting", "policy", "fill", "seed"}
	for _, col := range columns() {
		header = append(header, col.key)
	}
	if err := c.Write(header); err != nil {
		return fmt.Errorf("write the header: %w", err)
	}
	for _, x := range s.Settings {
		for i := range x.Policies {
			p := &x.Policies[i]
			fill := ""
			if p.Fill != nil {
				fill = strconv.FormatFloat(*p.Fill, 'g', -1, 64)
			}
			for k := range p.Runs {
				line := append([]string{s.Scenario, x.Name, p.Name, fill, strconv.FormatUint(s.Seeds[k], 10)}, cells(&p.Runs[k])...)
				if err := c.Write(line); err != nil {
					return fmt.Errorf("write %s: %w", p.Name, err)
				}
			}
		}
	}
	c.Flush()
	return c.Error()
}
