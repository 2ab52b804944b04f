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
	Prometheus string // base URL of the Prometheus that is asked; empty for none to look at
}

type inputsPage struct {
	Frame
	Inputs  []inputRow
	Failing int
	Slowest string
}

// inputRow is one query with what became of it.
type inputRow struct {
	collector.Input
	Link    string // into Prometheus
	Value   string
	AgeText string
	Witness string
	Word    string // how it is
	Wrong   bool
	Users   string
}

// Inputs writes the page of all queries: those with something wrong about them first.
func (c *Console) Inputs(w io.Writer, l Look, o *Inputs) error {
	e := explain.New(o.Snapshot)
	p := &inputsPage{Frame: c.newFrame("Inputs", "inputs", l, e)}
	users := usersOf(o.Snapshot)
	slowest := 0.0
	for i := range e.Inputs {
		row := inputOf(&e.Inputs[i], users[e.Inputs[i].Name])
		row.Link = graphLink(o.Prometheus, row.Query, o.Snapshot.At)
		if row.Wrong {
			p.Failing++
		}
		if row.Duration >= slowest {
			slowest, p.Slowest = row.Duration, row.Name
		}
		p.Inputs = append(p.Inputs, row)
	}
	slices.SortStableFunc(p.Inputs, func(a, b inputRow) int { return rank(&a) - rank(&b) })
	return c.write(w, "inputs", p)
}

func rank(r *inputRow) int {
	if r.Wrong {
		return 0
	}
	return 1
}

func inputOf(in *collector.Input, u *usage) inputRow {
	r := inputRow{Input: *in, Value: valueOf(in), AgeText: "-", Word: "ok"}
	if in.Age != nil {
		r.AgeText = fmt.Sprintf("%.0f s", *in.Age)
	}
	switch {
	case in.Trouble() != "":
		r.Word, r.Wrong = cmp.Or(strings.ReplaceAll(string(in.Failure), "_", " "), "unusable"), true
	case in.Series != nil && *in.Series == 0 && !in.Sparse:
		r.Word = "no series"
	}
	if u != nil {
		r.Users, r.Witness = u.text(), u.witness()
	}
	return r
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
