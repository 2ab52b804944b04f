package demo

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
)

// writeTable shows one moment: for every model its demand, for every variant what runs and what should.
func writeTable(w io.Writer, s fleet.Status, desired map[string]float64, largest fleet.Cost) {
	model, variant := len("model"), len("variant")
	for _, v := range s.Variants {
		model, variant = max(model, len(v.Model)), max(variant, len(v.Name))
	}
	row := func(columns ...any) {
		fmt.Fprintf(w, "%-*s  %8v  %-*s  %7v  %5v  %8v  %7v  %6v\n", append([]any{model, columns[0], columns[1], variant}, columns[2:]...)...)
	}
	row("model", "requests", "variant", "current", "ready", "stopping", "desired", "cost/h")
	held := false
	for _, m := range s.Models {
		var name, demand any = m.Name, m.Demand()
		for _, v := range s.Variants {
			if v.Model != m.Name {
				continue
			}
			var want any = "-"
			n, decided := desired[v.Name]
			if decided {
				want = n
			}
			held = held || !decided
			paid := float64(v.Current+v.Terminating) * v.CostPerReplica
			row(name, demand, v.Name, v.Current, v.Ready, v.Terminating, want, fmt.Sprintf("%.2f", paid))
			name, demand = "", ""
		}
	}
	if held {
		fmt.Fprintln(w, "-: held, for the exporter has not watched for long enough to take anything away")
	}
	fmt.Fprintf(w, "cost per hour: %.2f; all on the largest accelerator: %.2f\n", s.Cost.PerHour, largest.PerHour)
}

// writeSummary shows what a run has come to, and what the same load has come to on the largest accelerators only.
func writeSummary(w io.Writer, s, largest fleet.Status) {
	fmt.Fprintf(w, "\nIn %.0f seconds:\n", s.Elapsed.Seconds())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, m := range s.Models {
		fmt.Fprintf(t, "  %s\t%d requests,\t%.1f %% with their first token in time\t(all on the largest accelerator: %.1f %%)\n",
			m.Name, m.Tally.Arrived, 100*m.Tally.Attainment(), 100*largest.Models[i].Tally.Attainment())
	}
	_ = t.Flush() // the writer's errors show in what follows
	fmt.Fprintf(w, "  cost: %.2f; all on the largest accelerator: %.2f%s\n", s.Cost.Total, largest.Cost.Total, saving(s.Cost.Total, largest.Cost.Total))
}

// saving says by how much one cost is below the other, if it is.
func saving(cost, other float64) string {
	if other <= 0 || cost >= other {
		return ""
	}
	return fmt.Sprintf(" (%.0f %% less)", 100*(1-cost/other))
}

// screen writes one picture after another: over the last one on a terminal, below it elsewhere.
type screen struct {
	out         io.Writer
	interactive bool
	lines       int // of the last picture
}

func (s *screen) show(picture string) {
	if s.interactive && s.lines > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.lines)
	}
	fmt.Fprint(s.out, picture)
	s.lines = strings.Count(picture, "\n")
}
