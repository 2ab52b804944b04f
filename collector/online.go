package collector

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

// OnlineReport is what asking every input once has shown about a configuration and the Prometheus it is for.
type OnlineReport struct {
	Seconds       float64       `json:"seconds"`        // what the evaluation took
	BudgetSeconds float64       `json:"budget_seconds"` // what a scrape leaves for it
	Inputs        []OnlineInput `json:"inputs"`
	Problems      []string      `json:"problems"` // what keeps a decision from being made
	Doubts        []string      `json:"doubts"`   // what deserves a look
}

// OnlineInput is what became of one input.
type OnlineInput struct {
	Name    string   `json:"name"`
	Query   string   `json:"query"`
	Series  int      `json:"series"`
	Matched int      `json:"matched"` // series that belong to a configured model, variant or scale target
	Seconds float64  `json:"seconds"`
	Age     *float64 `json:"age_seconds,omitempty"`
	Failure string   `json:"failure,omitempty"`
}

// CheckOnline evaluates once and reports which inputs found series, which labels do not fit, which models and variants nothing
// matches, and how the time it took compares with the time that a scrape leaves.
func CheckOnline(ctx context.Context, e *Evaluator, at time.Time, budget time.Duration) *OnlineReport {
	s := e.Evaluate(ctx, at)
	r := &OnlineReport{Seconds: s.Duration.Seconds(), BudgetSeconds: budget.Seconds(), Problems: []string{}, Doubts: []string{}}
	absent := newAbsence(ctx, e, s.Inputs, at)
	for i := range s.Inputs {
		r.addInput(&s.Inputs[i], absent)
	}
	for i := range s.Models {
		r.addModel(s, &s.Models[i])
	}
	if s.Plan.Err != nil {
		r.problem("there is no plan: %v", s.Plan.Err)
	}
	if s.Duration > budget/2 {
		r.doubt("the evaluation took %.2fs of the %.2fs that a scrape leaves", r.Seconds, r.BudgetSeconds)
	}
	return r
}

// OK says whether every configured variant can be decided.
func (r *OnlineReport) OK() bool { return len(r.Problems) == 0 }

func (r *OnlineReport) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

func (r *OnlineReport) doubt(format string, args ...any) {
	r.Doubts = append(r.Doubts, fmt.Sprintf(format, args...))
}

// staleAge is how old the newest sample behind an input may be before it is pointed out: Prometheus looks back five minutes.
const staleAge = 2 * time.Minute

func (r *OnlineReport) addInput(i *Input, absent *absence) {
	in := OnlineInput{Name: i.Name, Query: i.Query, Series: i.Series, Matched: i.Matched, Seconds: i.Duration.Seconds()}
	if i.Age >= 0 {
		age := i.Age.Seconds()
		in.Age = &age
	}
	switch {
	case i.Err != nil:
		in.Failure = i.Err.Error()
		r.problem("%s failed: %v", i.Name, i.Err)
	case i.Series > 0 && i.Matched == 0 && i.Stray != "":
		r.problem("%s: labels do not fit: %d series and none belongs to a configured model or variant, for example %s", i.Name, i.Series, i.Stray)
	case i.Series == 0 && i.Sparse:
	case i.Series == 0:
		r.doubt("%s: no series%s", i.Name, absent.explain(i))
	case i.Stray != "":
		r.doubt("%s: %d of %d series belong to nothing configured, for example %s", i.Name, i.Series-i.Matched, i.Series, i.Stray)
	}
	for _, b := range i.Bad {
		r.problem("%s: %s cannot be used: %s", i.Name, b.Metric, b.Reason)
	}
	if i.Age > staleAge {
		r.doubt("%s: the newest sample is %s old", i.Name, i.Age.Round(time.Second))
	}
	r.Inputs = append(r.Inputs, in)
}

func (r *OnlineReport) addModel(snapshot *Snapshot, m *Model) {
	for _, s := range m.Signals {
		switch {
		case s.Assumed && snapshot.Inputs[s.Inputs[0]].Stray != "":
			r.problem("model %s/%s: signal %s has no result and is taken for none, while others have no model: is %s not this one's?",
				m.Namespace, m.Name, s.Name, snapshot.Inputs[s.Inputs[0]].Stray)
		case s.Missing == "":
		case s.Ignored:
			r.doubt("model %s/%s: signal %s is ignored: %s", m.Namespace, m.Name, s.Name, s.Missing)
		default:
			r.problem("model %s/%s: nothing is known of signal %s: %s", m.Namespace, m.Name, s.Name, s.Missing)
		}
	}
	for i := range m.Variants {
		v := &m.Variants[i]
		if v.Current == nil {
			r.doubt("variant %s/%s: nothing is known of the replicas of %s %s", m.Namespace, v.Name, v.TargetKind, v.TargetName)
		}
		if !v.Up && v.Desired == nil {
			r.problem("variant %s/%s holds: %s", m.Namespace, v.Name, v.Missing)
		} else if !v.Up {
			r.problem("variant %s/%s has %d replicas by the reason %s, and not everything is known: %s", m.Namespace, v.Name, *v.Desired, v.Reason, v.Missing)
		}
	}
}

// WriteText writes the report for people.
func (r *OnlineReport) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "INPUT\tSERIES\tFITTING\tSECONDS\tAGE")
	for _, i := range r.Inputs {
		age := "-"
		if i.Age != nil {
			age = fmt.Sprintf("%.0fs", *i.Age)
		}
		series, matched := strconv.Itoa(i.Series), strconv.Itoa(i.Matched)
		if i.Failure != "" {
			series, matched = "failed", "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.3f\t%s\n", i.Name, series, matched, i.Seconds, age)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	fmt.Fprintf(w, "\nevaluated in %.3fs of the %.2fs that a scrape leaves\n", r.Seconds, r.BudgetSeconds)
	for _, p := range r.Problems {
		fmt.Fprintln(w, "problem:", p)
	}
	for _, d := range r.Doubts {
		fmt.Fprintln(w, "note:", d)
	}
	return nil
}
