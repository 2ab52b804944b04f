package console

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/explain"
)

// Inputs is every query at one moment.
type Inputs struct {
	Snapshot   *collector.Snapshot
	Findings   []collector.Finding // of what is not wholly known
	Prometheus string              // base URL of the Prometheus that is asked; empty for none to look at
}

type inputsPage struct {
	Frame
	Causes []cause // why several inputs fail
	Inputs []inputRow
	Wrong  string // how many inputs are wrong, and in which way; empty for none
	None   bool   // no input has a usable answer
	Models string // how many models are not fully decided; empty for none
}

// inputRow is one query with what became of it.
type inputRow struct {
	collector.Input
	Link     string // into Prometheus
	Value    string
	AgeText  string
	Witness  string
	Word     string // how it is
	Severity explain.Severity
	Wrong    bool     // what rests on the input is not wholly known because of it
	Notes    []string // what is wrong, as far as it has not been said of several inputs
	Users    string
}

// Inputs writes the page of all queries: those with something wrong about them first.
func (c *Console) Inputs(w io.Writer, l Look, o *Inputs) error {
	e := explain.New(o.Snapshot)
	p := &inputsPage{Frame: c.newFrame("Inputs", "inputs", l, e), Models: undecided(o.Snapshot)}
	users, faults, failing := usersOf(o.Snapshot), faultsOf(o), 0
	for i := range e.Inputs {
		in := &e.Inputs[i]
		row := inputOf(in, users[in.Name], faults[in.Name])
		row.Link = graphLink(o.Prometheus, row.Query, o.Snapshot.At)
		if in.Failure != "" {
			failing++
		}
		p.Inputs = append(p.Inputs, row)
	}
	slices.SortStableFunc(p.Inputs, func(a, b inputRow) int { return rank(&a) - rank(&b) })
	p.Causes = slices.DeleteFunc(causesOf(e.Inputs), func(c cause) bool { return c.Inputs == 1 })
	for i := range p.Inputs {
		r := &p.Inputs[i]
		r.Notes = slices.DeleteFunc(r.Notes, func(note string) bool { return said(p.Causes, note) })
	}
	p.Wrong, p.None = wrongOf(p.Inputs), failing > 0 && failing == len(p.Inputs)
	return c.write(w, "inputs", p)
}

// said reports whether a text is one of some causes.
func said(causes []cause, text string) bool {
	return slices.ContainsFunc(causes, func(c cause) bool { return c.Text == text })
}

// rank is the order of the rows: what is worst first.
func rank(r *inputRow) int {
	switch {
	case !r.Wrong:
		return 2
	case r.Severity == explain.SeverityWarning:
		return 1
	}
	return 0
}

// wrongOf counts the rows with something wrong about them by what it is.
func wrongOf(rows []inputRow) string {
	counts, words, wrong := map[string]int{}, []string(nil), 0
	for i := range rows {
		if !rows[i].Wrong {
			continue
		}
		wrong++
		if counts[rows[i].Word]++; counts[rows[i].Word] == 1 {
			words = append(words, rows[i].Word)
		}
	}
	if wrong == 0 {
		return ""
	}
	parts := make([]string, len(words))
	for i, name := range words {
		parts[i] = fmt.Sprintf("%d %s", counts[name], name)
	}
	need := "need"
	if wrong == 1 {
		need = "needs"
	}
	return fmt.Sprintf("%d of %s %s a look: %s.", wrong, word(len(rows), "input", "inputs"), need, strings.Join(parts, ", "))
}

// undecided counts the models that are not fully decided.
func undecided(s *collector.Snapshot) string {
	n := 0
	for i := range s.Models {
		if slices.ContainsFunc(s.Models[i].Variants, func(v collector.Variant) bool { return !v.Up }) {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("Of %s, %s not fully decided.", word(len(s.Models), "model", "models"), word(n, "is", "are"))
}

// fault is what a model lacks because of an input.
type fault struct {
	partial bool // it is known in part
	text    string
}

// faultsOf says what is lacking because of each input, by its name: what is missing or partial names the input, or else it is the one that
// tells the demand.
func faultsOf(o *Inputs) map[string][]fault {
	all, known := map[string][]fault{}, map[string]bool{}
	for i := range o.Snapshot.Inputs {
		known[o.Snapshot.Inputs[i].Name] = true
	}
	add := func(first, about, missing, found string, partial bool) {
		for part := range strings.SplitSeq(missing, ": ") {
			if known[part] {
				first = part
				break
			}
		}
		text := explain.Lack(about, missing)
		if !strings.HasPrefix(text, about) {
			text = about + ": " + text
		}
		text += found
		if l := (fault{partial, text}); first != "" && !slices.Contains(all[first], l) {
			all[first] = append(all[first], l)
		}
	}
	for i := range o.Snapshot.Models {
		m := &o.Snapshot.Models[i]
		for j := range m.Signals {
			s := &m.Signals[j]
			why, first := cmp.Or(s.Missing, s.Partial), ""
			if len(s.Inputs) > 0 {
				first = s.Inputs[0]
			}
			if why != "" && !s.Ignored {
				add(first, s.Name+" of "+m.Name, why, foundOf(o.Findings, m.ID(), s.Name), s.Missing == "")
			}
		}
		for j := range m.Variants {
			v := &m.Variants[j]
			ofSignal := func(s collector.Signal) bool { return v.Missing == s.Name+": "+cmp.Or(s.Missing, s.Partial) }
			if !v.Up && !slices.ContainsFunc(m.Signals, ofSignal) { // Those of signals have been said.
				add("", v.Name, v.Missing, "", false)
			}
		}
	}
	return all
}

// foundOf is what was found out first about a signal, or about any of a model for no signal, as the end of a sentence.
func foundOf(all []collector.Finding, model, signal string) string {
	for _, f := range all {
		if f.Model == model && (signal == "" || slices.Contains(f.Signals, signal)) {
			return "; " + f.Text
		}
	}
	return ""
}

// mostFaults bounds what one row says is lacking.
const mostFaults = 3

func inputOf(in *collector.Input, u *usage, faults []fault) inputRow {
	r := inputRow{Input: *in, Value: valueOf(in), AgeText: "-", Word: "ok", Severity: explain.SeverityOK}
	if in.Age != nil {
		r.AgeText = fmt.Sprintf("%.0f s", *in.Age)
	}
	switch {
	case in.Trouble() != "":
		r.Word, r.Severity = cmp.Or(strings.ReplaceAll(string(in.Failure), "_", " "), badOf(in)), explain.SeverityError
		r.Notes, faults = []string{in.Trouble()}, nil // What is lacking follows from it.
	case slices.ContainsFunc(faults, func(l fault) bool { return !l.partial }):
		r.Word, r.Severity = "missing", explain.SeverityError
	case len(faults) > 0:
		r.Word, r.Severity = "partial", explain.SeverityWarning
	case in.Series != nil && *in.Series == 0 && !in.Sparse:
		r.Word, r.Severity = "no series", explain.SeverityWarning
	}
	for i, l := range faults {
		if i == mostFaults {
			r.Notes = append(r.Notes, fmt.Sprintf("and %d more like this", len(faults)-i))
			break
		}
		r.Notes = append(r.Notes, l.text)
	}
	r.Wrong = len(r.Notes) > 0
	if u != nil {
		r.Users, r.Witness = u.text(), u.witness()
	}
	return r
}

// badOf is why the series of an answer are unusable, where it is one reason.
func badOf(in *collector.Input) string {
	if len(in.Bad) == 1 {
		for reason := range in.Bad {
			return reason
		}
	}
	return "unusable"
}

// valueOf is what an input says now: its value, or the lowest and the highest of its series.
func valueOf(in *collector.Input) string {
	switch {
	case in.Lowest == nil || in.Highest == nil:
		return "-"
	case *in.Lowest == *in.Highest:
		return plain(*in.Lowest)
	}
	return plain(*in.Lowest) + " to " + plain(*in.Highest)
}

// usage is what rests on an input.
type usage struct {
	signals, variants []string
	told, expected    int
	witnessed         bool
}

func (u *usage) text() string {
	var parts []string
	for _, x := range []struct {
		names     []string
		one, many string
	}{{u.signals, "signal", "signals"}, {u.variants, "variant", "variants"}} {
		if len(x.names) == 1 {
			parts = append(parts, x.one+" "+x.names[0])
		} else if len(x.names) > 1 {
			parts = append(parts, word(len(x.names), x.one, x.many))
		}
	}
	return strings.Join(parts, ", ")
}

func (u *usage) witness() string {
	if !u.witnessed {
		return "-"
	}
	return fmt.Sprintf("%d of %d", u.told, u.expected)
}

// usersOf says what rests on each input, by its name. Who told a signal is said of what it was told by: the first of its inputs.
func usersOf(s *collector.Snapshot) map[string]*usage {
	all := map[string]*usage{}
	of := func(name string) *usage {
		if all[name] == nil {
			all[name] = &usage{}
		}
		return all[name]
	}
	for i := range s.Models {
		m := &s.Models[i]
		for j := range m.Signals {
			x := &m.Signals[j]
			for k, name := range x.Inputs {
				u := of(name)
				u.signals = append(u.signals, x.Name+" of "+m.Name)
				if k == 0 && x.Sources != nil && x.Expected != nil {
					u.told, u.expected, u.witnessed = u.told+*x.Sources, u.expected+*x.Expected, true
				}
			}
		}
		for j := range m.Variants {
			for _, name := range m.Variants[j].Inputs {
				u := of(name)
				u.variants = append(u.variants, m.Variants[j].Name)
			}
		}
	}
	return all
}

// graphLink is where Prometheus shows a query at a time; empty where there is no Prometheus to look at.
func graphLink(base, query string, at time.Time) string {
	u, err := url.Parse(base)
	if base == "" || err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", "" // a link must not hold credentials
	u = u.JoinPath("graph")
	u.RawQuery = url.Values{
		"g0.expr": {query}, "g0.tab": {"1"}, "g0.end_input": {at.UTC().Format("2006-01-02 15:04:05")}, "g0.moment_input": {at.UTC().Format("2006-01-02 15:04:05")},
	}.Encode()
	return u.String()
}
