package explain

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// WriteText writes an explanation for people: the answer first, then what it rests on, and with queries what was asked.
func (e *Explanation) WriteText(w io.Writer, queries bool) error {
	var p printer
	_, summary := e.Summary()
	p.line("%s", summary)
	p.line("Evaluated for %s in %.3fs.%s", e.Time.UTC().Format(time.RFC3339), e.Duration, e.CostText())
	for _, doubt := range e.Doubts {
		p.line("note: %s", doubt)
	}
	for i := range e.Models {
		p.model(&e.Models[i])
	}
	p.budgets(e.Budgets)
	p.inputs(e.Inputs)
	if queries && len(e.Inputs) > 0 {
		p.queries(e.Inputs)
	}
	if _, err := w.Write(p.Bytes()); err != nil {
		return fmt.Errorf("write explanation: %w", err)
	}
	return nil
}

// CostText says what runs of the models that are told costs, and what their plan would; nothing where nothing is decided.
func (e *Explanation) CostText() string {
	p, cost := e.Plan, e.planned()
	if p.Status == "" || cost == nil || !e.decidedAny() {
		return ""
	}
	text := fmt.Sprintf(" The plan is %s and costs %s per hour", p.Status, money(*cost))
	if running := e.Running(); running != nil {
		text = fmt.Sprintf(" What runs costs %s per hour. The plan is %s and costs %s", money(*running), p.Status, money(*cost))
	}
	if p.Gap != nil && *p.Gap > 0 {
		text += "; another could be cheaper by at most " + Percent(*p.Gap)
	}
	if p.ShortfallGap != nil && *p.ShortfallGap > 0 {
		text += fmt.Sprintf("; another could leave less demand unserved, by at most %s of a model's", Percent(*p.ShortfallGap))
	}
	return text + "."
}

// planned is what the plan of the models that are told costs per hour; nil where there is none. The whole plan may be of more models.
func (e *Explanation) planned() (total *float64) {
	for i := range e.Models {
		if cost := e.Models[i].Cost; cost != nil {
			if total == nil {
				total = new(float64)
			}
			*total += *cost
		}
	}
	return total
}

// Running is what the current replicas of all models cost per hour; nil where those of a variant or their cost are not known.
func (e *Explanation) Running() *float64 {
	total := 0.0
	for i := range e.Models {
		of := e.Models[i].Running()
		if of == nil {
			return nil
		}
		total += *of
	}
	return &total
}

// Running is what the current replicas cost per hour; nil where they or their cost are not known.
func (m *Model) Running() *float64 {
	total := 0.0
	for i := range m.Variants {
		v := &m.Variants[i]
		if v.Current == nil || v.Cost == nil {
			return nil
		}
		total += *v.Cost * float64(*v.Current)
	}
	return &total
}

// printer collects text.
type printer struct{ bytes.Buffer }

// line writes a line, or several. What an argument says may come from a source, and is escaped.
func (p *printer) line(format string, args ...any) {
	lines := strings.Split(fmt.Sprintf(format, args...), "\n")
	for i, line := range lines {
		lines[i] = promapi.Printable(line)
	}
	p.WriteString(strings.Join(lines, "\n") + "\n")
}

// table writes rows in aligned columns.
func (p *printer) table(rows [][]string) {
	var aligned bytes.Buffer
	t := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	_ = t.Flush() // a buffer takes everything
	for line := range strings.Lines(aligned.String()) {
		p.line("  %s", strings.TrimRight(line, " \n"))
	}
}

func (p *printer) model(m *Model) {
	p.line("\n%s", m.ID())
	for i := range m.Variants {
		p.line("  %s", m.Variants[i].Sentence())
	}
	p.signals(m)
	p.variants(m)
	p.guards(m)
	if text := m.Costs(); text != "" {
		p.line("\n  %s", text)
	}
}

// Sentence is the decision about a variant.
func (v *Variant) Sentence() string {
	number := "no number, autoscalers hold"
	if v.Desired != nil {
		number = counted(*v.Desired, "replica", "replicas")
		switch {
		case v.Current == nil:
		case *v.Current == *v.Desired:
			number += " as now"
		default:
			number += fmt.Sprintf(" instead of %d", *v.Current)
		}
	}
	return fmt.Sprintf("%s: %s, because %s.", v.Name, number, v.Because)
}

func (p *printer) signals(m *Model) {
	if len(m.Signals) == 0 {
		p.notes(m.minimumNotes())
		return
	}
	p.line("")
	rows := [][]string{{"SIGNAL", "UNIT", "MEASURED", "STABILIZED", "FORECAST", "HEADROOM", "PLANNED", "READY CAPACITY", "PLANNED CAPACITY"}}
	var notes []string
	for i := range m.Signals {
		s := &m.Signals[i]
		headroom := dash
		if s.Headroom != nil {
			headroom = Percent(*s.Headroom)
		}
		rows = append(rows, []string{
			s.Name, s.Unit, Number(s.Measured), Number(s.Stabilized), Number(s.Forecast), headroom, Number(s.Planned),
			Number(s.Ready), Number(s.Supply),
		})
		notes = append(notes, notesOf(s, m.Binding)...)
	}
	p.table(rows)
	if m.Shortfall != nil && *m.Shortfall > 0 {
		notes = append(notes, fmt.Sprintf("The plan leaves up to %s of the demand unserved.", Percent(*m.Shortfall)))
	}
	p.notes(append(notes, m.minimumNotes()...))
}

// notes writes remarks about a model.
func (p *printer) notes(notes []string) {
	for _, note := range notes {
		p.line("  %s", note)
	}
}

// minimumNotes says that budgets keep a model below its minimum.
func (m *Model) minimumNotes() []string {
	if m.MinimumShort == 0 {
		return nil
	}
	return []string{fmt.Sprintf("The budgets or maximums leave the model %s short of its minimum.", counted(m.MinimumShort, "replica", "replicas"))}
}

func notesOf(s *collector.Signal, binding string) []string {
	var notes []string
	switch {
	case s.Missing != "" && s.Ignored:
		notes = append(notes, fmt.Sprintf("%s is left out, as configured: %s.", s.Name, s.Missing))
	case s.Missing != "":
		notes = append(notes, fmt.Sprintf("%s is missing: %s.", s.Name, s.Missing))
	case s.Name == binding:
		notes = append(notes, s.Name+" binds: it decides the size of the plan.")
	}
	if s.Partial != "" && s.Missing == "" {
		notes = append(notes, fmt.Sprintf("%s may be more than this: %s.", s.Name, s.Partial))
	}
	if margin := Margin(s); margin != "" {
		notes = append(notes, s.Name+": "+margin)
	}
	if len(s.Inputs) > 0 {
		notes = append(notes, fmt.Sprintf("%s rests on %s.", s.Name, strings.Join(s.Inputs, ", ")))
	}
	return notes
}

func (p *printer) variants(m *Model) {
	p.line("")
	rows := [][]string{{"VARIANT", "ACCELERATOR", "ROLE", "COST", "CURRENT", "READY", "PLANNED", "DESIRED", "REASON", "CAPACITY"}}
	for i := range m.Variants {
		v := &m.Variants[i]
		rows = append(rows, []string{
			v.Name, orDash(v.Accelerator), orDash(v.Role), Money(v.Cost), Count(v.Current), Count(v.Ready), Count(v.Planned), Count(v.Desired),
			string(v.Reason), v.capacityText(),
		})
	}
	p.table(rows)
}

func (v *Variant) capacityText() string {
	parts := make([]string, len(v.Capacities))
	for i, c := range v.Capacities {
		parts[i] = c.Signal + " " + number(c.Value)
	}
	text := orDash(strings.Join(parts, ", "))
	if v.Correction != nil && *v.Correction != 1 {
		text += fmt.Sprintf(" (replicas take %s of the time that is believed)", Percent(*v.Correction))
	}
	return text
}

// guards tells what became of the plan on the way to the numbers.
func (p *printer) guards(m *Model) {
	var rows [][]string
	for i := range m.Variants {
		v := &m.Variants[i]
		for _, g := range v.Guards {
			rows = append(rows, []string{v.Name, string(g.Guard), Count(g.From) + " -> " + Count(g.To)})
		}
	}
	if len(rows) > 0 {
		p.line("")
		p.table(append([][]string{{"VARIANT", "GUARD", "EFFECT"}}, rows...))
	}
}

// Costs compares the choice with the runner-up.
func (m *Model) Costs() string {
	if m.Cost == nil {
		return ""
	}
	text := fmt.Sprintf("The choice costs %s per hour%s.", money(*m.Cost), starting(m.StartCost))
	if m.Waking {
		text += " Nothing is ready: what is ready soonest for its cost is chosen, not what costs least."
	}
	if m.Cheaper != nil {
		text += "\n  " + m.Cheaper.sentence()
	}
	if m.RunnerUp == nil {
		return text
	}
	text += fmt.Sprintf("\n  The runner-up is %s for %s per hour%s", mix(m.RunnerUp.Variants), money(m.RunnerUp.Cost), starting(&m.RunnerUp.StartCost))
	switch dearer := m.RunnerUp.Dearer; {
	case dearer == nil:
	case *dearer <= optimizer.Tolerance*m.RunnerUp.Cost:
		text += ", which is as dear"
	default:
		text += ", dearer by " + money(*dearer)
	}
	return text + "."
}

func starting(cost *float64) string {
	if cost == nil || *cost == 0 {
		return ""
	}
	return " and " + money(*cost) + " for starting"
}

func (p *printer) budgets(budgets []collector.Budget) {
	if len(budgets) == 0 {
		return
	}
	p.line("")
	rows := [][]string{{"BUDGET", "UNIT", "USED", "LIMIT", "SHARE", "SHADOW PRICE"}}
	for _, b := range budgets {
		rows = append(rows, []string{b.Name, b.Unit, Number(b.Used), Number(b.Limit), Share(&b), Money(b.ShadowPrice)})
	}
	p.table(rows)
	for _, b := range budgets {
		if b.Exceeded {
			p.line("  Minimums alone exceed the limit of %s.", b.Name)
		}
	}
}

// inputs lists what was asked.
func (p *printer) inputs(inputs []collector.Input) {
	if len(inputs) == 0 {
		return
	}
	p.line("")
	rows := [][]string{{"INPUT", "SERIES", "MATCHED", "AGE", "SECONDS", ""}}
	said := map[string]bool{}
	for i := range inputs {
		in := &inputs[i]
		age := dash
		if in.Age != nil {
			age = fmt.Sprintf("%.0fs", *in.Age)
		}
		trouble := in.Trouble()
		if in.Error != "" && said[in.Error] { // One cause is told in full once.
			trouble = string(in.Failure)
		}
		said[in.Error] = true
		rows = append(rows, []string{in.Name, Count(in.Series), Count(in.Matched), age, fmt.Sprintf("%.3f", in.Duration), trouble})
	}
	p.table(rows)
}

// queries lists the expressions that were asked.
func (p *printer) queries(inputs []collector.Input) {
	p.line("\n  Queries")
	for i := range inputs {
		p.line("  %s\n    %s", inputs[i].Name, strings.ReplaceAll(inputs[i].Query, "\n", "\n    "))
	}
}
