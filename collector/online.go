package collector

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/diagnose"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// OnlineReport is what asking every input once has shown about a configuration and the Prometheus it is for.
type OnlineReport struct {
	Duration float64  `json:"duration_seconds"` // what the evaluation took
	Budget   float64  `json:"budget_seconds"`   // what a scrape leaves for it
	Inputs   []Input  `json:"inputs"`
	Problems []string `json:"problems"` // what keeps a decision from being made
	Doubts   []string `json:"doubts"`   // what deserves a look
	Hints    []string `json:"hints"`    // what is still needed before an autoscaler follows
	Verdict  string   `json:"verdict"`  // all of it in a line

	causes int // how many of the doubts, the first, say what is behind a problem
}

// CheckOnline evaluates once and reports which inputs found series, which labels do not fit, which models and variants nothing
// matches, and how the time it took compares with the time that a scrape leaves.
func CheckOnline(ctx context.Context, e *Evaluator, at time.Time, budget time.Duration) *OnlineReport {
	s := e.Evaluate(ctx, at)
	r := &OnlineReport{
		Duration: s.Duration.Seconds(), Budget: budget.Seconds(), Inputs: s.Inputs, Problems: []string{}, Doubts: []string{}, Hints: []string{},
	}
	d := diagnose.New(ctx, e.program, e.querier, at, s.Inputs, s.Models)
	answered := r.addFailures()
	for i := range s.Inputs {
		r.addInput(&s.Inputs[i], d)
	}
	r.diagnoseInputs(d)
	r.addWithoutPast()
	if answered > 0 { // Else all of it is for one reason, which has been said.
		for i := range s.Models {
			r.addModel(s, &s.Models[i])
			r.diagnoseModel(i, &s.Models[i], d)
		}
	}
	for i := range s.Budgets {
		if b := &s.Budgets[i]; b.Partial {
			r.problem("budget %s: its limit is known in part: a target that told it does not answer scrapes. What is asked for stays, and no more is added", b.Name)
		}
	}
	if lacking := d.NoReplicas(s.Inputs); lacking != "" {
		r.problem("%s", lacking)
	}
	if s.Plan.Error != "" {
		r.problem("there is no plan: %s", s.Plan.Error)
	}
	if s.Duration > budget/2 {
		r.doubt("the evaluation took %.2fs of the %.2fs that a scrape leaves", r.Duration, r.Budget)
	}
	if lacking := d.NotFollowed(); lacking != "" && r.OK() { // An exporter that only holds has no gauge to follow.
		r.Hints = append(r.Hints, lacking)
	}
	r.judge(s, answered)
	return r
}

// addFailures reports the inputs that have no answer, once for all that fail alike, and returns how many have one.
func (r *OnlineReport) addFailures() (answered int) {
	alike, order := map[string][]string{}, []string(nil)
	for i := range r.Inputs {
		if in := &r.Inputs[i]; in.Err == nil {
			answered++
		} else if text := in.Err.Error(); alike[text] != nil {
			alike[text] = append(alike[text], in.Name)
		} else {
			alike[text], order = []string{in.Name}, append(order, text)
		}
	}
	for _, text := range order {
		switch names := alike[text]; {
		case len(names) == len(r.Inputs):
			r.problem("none of the %d inputs has an answer: %s%s", len(names), text, cure(r.Inputs[0].Failure))
		case len(names) > 1:
			r.problem("%d of %d inputs failed: %s (%s)", len(names), len(r.Inputs), text, diagnose.List(names))
		default:
			r.problem("%s failed: %s", names[0], text)
		}
	}
	return answered
}

// cure is what to look at where a Prometheus answers nothing.
func cure(why promapi.Reason) string {
	switch why { //nolint:exhaustive // the others say it themselves
	case promapi.ReasonConnection:
		return ". Is prometheus.url right, and can it be reached from here?"
	case promapi.ReasonBadResponse, promapi.ReasonClientError:
		return ". Is prometheus.url the address of a Prometheus, with its path?"
	case promapi.ReasonUnauthorized:
		return ". Set the credentials in prometheus.http_config"
	}
	return ""
}

// judge says in a line what the report comes to.
func (r *OnlineReport) judge(s *Snapshot, answered int) {
	variants, decided := 0, 0
	for i := range s.Models {
		for j := range s.Models[i].Variants {
			variants++
			if s.Models[i].Variants[j].Up {
				decided++
			}
		}
	}
	notes := ""
	if len(r.Doubts) > 0 {
		notes = ", " + counted(len(r.Doubts), "note")
	}
	if r.OK() {
		r.Verdict = fmt.Sprintf("ok: %s, %s, all decided; all %s answered%s",
			counted(len(s.Models), "model"), counted(variants, "variant"), counted(len(r.Inputs), "input"), notes)
		return
	}
	settled := "until they are settled"
	if len(r.Problems) == 1 {
		settled = "until it is settled"
	}
	r.Verdict = fmt.Sprintf("not ok: %d of %s decided, %d of %s answered; %s%s: %s, the exporter holds",
		decided, counted(variants, "variant"), answered, counted(len(r.Inputs), "input"), counted(len(r.Problems), "problem"), notes, settled)
}

func counted(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// Doubts are what deserves a look about some models of a snapshot, by their IDs, although it changes no decision: sources that show
// requests in progress and make no progress, and capacities that are more than was ever seen.
func (e *Evaluator) Doubts(ctx context.Context, s *Snapshot, ids []string) []string {
	d := diagnose.New(ctx, e.program, e.querier, s.At, nil, nil)
	var doubts []string
	for i := range s.Models {
		id := s.Models[i].ID()
		if !slices.Contains(ids, id) {
			continue
		}
		for _, found := range findings(d, i, &s.Models[i]) {
			doubts = append(doubts, fmt.Sprintf("model %s: signal %s: %s", id, strings.Join(found.Signals, ", "), found.Text))
		}
		for _, frozen := range d.Frozen(i) {
			doubts = append(doubts, promapi.Printable(fmt.Sprintf("model %s: %s", id, frozen)))
		}
		for j := range s.Models[i].Signals {
			if gateways := d.Gateways(&s.Models[i].Signals[j]); gateways != "" {
				doubts = append(doubts, promapi.Printable(fmt.Sprintf("model %s: signal %s: %s", id, s.Models[i].Signals[j].Name, gateways)))
			}
		}
		doubts = append(doubts, d.Believed(i, &s.Models[i])...)
	}
	return doubts
}

// OK reports whether every configured variant can be decided.
func (r *OnlineReport) OK() bool { return len(r.Problems) == 0 }

func (r *OnlineReport) problem(format string, args ...any) {
	r.Problems = append(r.Problems, promapi.Printable(fmt.Sprintf(format, args...)))
}

func (r *OnlineReport) doubt(format string, args ...any) {
	r.Doubts = append(r.Doubts, promapi.Printable(fmt.Sprintf(format, args...)))
}

// staleAge is how old the newest sample behind an input may be before it is pointed out: Prometheus looks back five minutes.
const staleAge = 2 * time.Minute

func (r *OnlineReport) addInput(i *Input, d *diagnose.Diagnosis) {
	switch {
	case i.Err != nil: // Said once for all that fail alike.
	case *i.Series > 0 && *i.Matched == 0 && i.Stray != "":
		r.addStrays(i)
	case *i.Series == 0 && i.Sparse:
	case *i.Series == 0 && len(r.present(i)) > 0: // Said of the present, or once for all that have no past yet.
	case *i.Series == 0:
		r.doubt("%s: no series%s", i.Name, d.Absent(i))
	case i.Stray != "":
		r.doubt("%s: %d of %d series belong to nothing configured, for example %s", i.Name, *i.Series-*i.Matched, *i.Series, i.Stray)
	}
	for _, reason := range slices.Sorted(maps.Keys(i.Bad)) {
		r.problem("%s: %d series cannot be used: %s, for example %s", i.Name, i.Bad[reason], reason, i.Example)
	}
	if i.Age != nil && *i.Age > staleAge.Seconds() {
		r.doubt("%s: the newest sample is %.0fs old", i.Name, *i.Age)
	}
}

// addStrays reports an input of which nothing belongs to anything: a mistake, unless it says that there is no demand.
func (r *OnlineReport) addStrays(i *Input) {
	if i.Highest != nil && *i.Highest == 0 {
		r.doubt("%s: %d series, all of them 0, belong to nothing configured, for example %s", i.Name, *i.Series, i.Stray)
		return
	}
	r.problem("%s: labels do not fit: %d series and none belongs to a configured model or variant, for example %s", i.Name, *i.Series, i.Stray)
}

// present are the inputs of the present whose past another tells; none where it tells no past. That of sources is looked for with that of
// the demand.
func (r *OnlineReport) present(i *Input) (found []*Input) {
	name, _, history := strings.Cut(i.Name, ".history")
	for j := range r.Inputs {
		now := &r.Inputs[j]
		if history && now.Err == nil && (now.Name == name || now.Name == strings.TrimSuffix(name, ".sources")+".demand") {
			found = append(found, now)
		}
	}
	return found
}

// addWithoutPast names the inputs of which there is a present and no past, once for all of them: their series have just begun.
func (r *OnlineReport) addWithoutPast() {
	var names []string
	for i := range r.Inputs {
		in := &r.Inputs[i]
		if in.Err != nil || *in.Series > 0 || in.Sparse {
			continue
		}
		now := r.present(in)
		if len(now) > 0 && !slices.ContainsFunc(now, func(x *Input) bool { return *x.Matched == 0 }) {
			names = append(names, in.Name)
		}
	}
	if len(names) > 0 {
		r.doubt("no history yet: %s; their series have just begun, which passes by itself", diagnose.List(names))
	}
}

// diagnoseInputs says why inputs have nothing that fits, or too much, once for all of which it is the same.
func (r *OnlineReport) diagnoseInputs(d *diagnose.Diagnosis) {
	alike, order := map[string][]string{}, []string(nil)
	for i := range r.Inputs {
		in := &r.Inputs[i]
		found := d.Labels(in)
		if in.Bad[match.BadRule] > 0 {
			found = append(found, "the series were recorded from another expression than this configuration has: load what generate rules makes of it")
		}
		if differ := d.Duplicates(in); differ != "" {
			found = append(found, differ)
		}
		for _, text := range found {
			if alike[text] == nil {
				order = append(order, text)
			}
			alike[text] = append(alike[text], in.Name)
		}
	}
	for _, text := range order {
		r.doubt("%s: %s", diagnose.List(alike[text]), text)
	}
}

// diagnoseModel says what there is instead of what a model misses.
func (r *OnlineReport) diagnoseModel(n int, m *Model, d *diagnose.Diagnosis) {
	for _, found := range findings(d, n, m) {
		cause := promapi.Printable(fmt.Sprintf("model %s: signal %s: %s", m.ID(), strings.Join(found.Signals, ", "), found.Text))
		r.Doubts = slices.Insert(r.Doubts, r.causes, cause)
		r.causes++
	}
	for i := range m.Signals {
		r.diagnoseSignal(n, i, m, d)
	}
	for _, frozen := range d.Frozen(n) {
		r.doubt("model %s: %s", m.ID(), frozen)
	}
	if lacking := d.NothingWakes(n); lacking != "" {
		r.doubt("model %s: %s", m.ID(), lacking)
	}
	r.Doubts = append(r.Doubts, d.Believed(n, m)...)
	for i := range m.Variants {
		if v := &m.Variants[i]; v.Current == nil {
			if near := d.NearestTarget(n, i); near != "" {
				r.doubt("variant %s/%s: there is no %s %s, but %s", m.Namespace, v.Name, v.TargetKind, v.TargetName, near)
			}
		}
	}
}

// diagnoseSignal says what there is instead of what a signal of a model misses.
func (r *OnlineReport) diagnoseSignal(n, i int, m *Model, d *diagnose.Diagnosis) {
	s := &m.Signals[i]
	if seldom := d.SeldomScraped(n, i); seldom != "" {
		r.doubt("model %s: signal %s: %s", m.ID(), s.Name, seldom)
	}
	if told := d.ToldBy(n, i, s); told != "" && d.Silent(n, i, s) == "" {
		r.doubt("model %s: signal %s: what tells it is %s; see that each replica is scraped, and keeps them", m.ID(), s.Name, told)
	}
	if lacking := d.Lacking(n, i, s); lacking != "" {
		r.doubt("model %s: signal %s: it needs %s, which no series is: does a relabelling drop them?", m.ID(), s.Name, lacking)
	}
	for _, mislabelled := range d.Mislabelled(n, i, s) {
		r.doubt("model %s: signal %s: %s", m.ID(), s.Name, mislabelled)
	}
	if others := d.Others(s); others != "" {
		r.doubt("model %s: signal %s: %s", m.ID(), s.Name, others)
	}
	if gateways := d.Gateways(s); gateways != "" {
		r.doubt("model %s: signal %s: %s", m.ID(), s.Name, gateways)
	}
	if clusters := d.Clusters(n, i); clusters != "" {
		r.doubt("model %s: signal %s: %s", m.ID(), s.Name, clusters)
	} else if fleets := d.Fleets(n, i, s); fleets != "" {
		r.doubt("model %s: signal %s: %s", m.ID(), s.Name, fleets)
	}
	if unwitnessed := d.Unwitnessed(n, i); unwitnessed != "" {
		r.doubt("model %s: signal %s: %s", m.ID(), s.Name, unwitnessed)
	}
}

func (r *OnlineReport) addModel(snapshot *Snapshot, m *Model) {
	for _, s := range m.Signals {
		switch {
		case s.Assumed && snapshot.Input(s.Inputs[0]).Stray != "":
			// Demand that belongs to no model would have made the signal missing.
			r.doubt("model %s/%s: signal %s has no result and counts as no demand, while others have no model: is %s not this one's?",
				m.Namespace, m.Name, s.Name, snapshot.Input(s.Inputs[0]).Stray)
		case s.Missing == "" && s.Partial != "":
			r.problem("model %s/%s: signal %s is partial: %s", m.Namespace, m.Name, s.Name, s.Partial)
		case s.Missing == "":
		case s.Ignored:
			r.doubt("model %s/%s: signal %s is ignored: %s", m.Namespace, m.Name, s.Name, s.Missing)
		default:
			r.problem("model %s/%s: signal %s is missing: %s", m.Namespace, m.Name, s.Name, s.Missing)
		}
	}
	for i := range m.Variants {
		v := &m.Variants[i]
		if v.Current == nil {
			r.doubt("variant %s/%s: the replicas of %s %s are not known", m.Namespace, v.Name, v.TargetKind, v.TargetName)
		}
		if !v.Up && v.Desired == nil {
			r.problem("variant %s/%s holds: %s", m.Namespace, v.Name, v.Missing)
		} else if !v.Up {
			r.problem("variant %s/%s wants %d replicas (%s), and not everything is known: %s", m.Namespace, v.Name, *v.Desired, v.Reason, v.Missing)
		}
	}
}

// WriteText writes the report for people.
func (r *OnlineReport) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "INPUT\tSERIES\tMATCHED\tSECONDS\tAGE")
	for _, i := range r.Inputs {
		age := "-"
		if i.Age != nil {
			age = fmt.Sprintf("%.0fs", *i.Age)
		}
		series, matched := "failed", "-"
		if i.Err == nil {
			series, matched = strconv.Itoa(*i.Series), strconv.Itoa(*i.Matched)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.3f\t%s\n", i.Name, series, matched, i.Duration, age)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	fmt.Fprintf(w, "\nevaluated in %.3fs of the %.2fs that a scrape leaves\n", r.Duration, r.Budget)
	for _, d := range r.Doubts[:r.causes] {
		fmt.Fprintln(w, "note:", d)
	}
	for _, p := range r.Problems {
		fmt.Fprintln(w, "problem:", p)
	}
	for _, d := range r.Doubts[r.causes:] {
		fmt.Fprintln(w, "note:", d)
	}
	for _, h := range r.Hints {
		fmt.Fprintln(w, "next:", h)
	}
	if _, err := fmt.Fprintln(w, r.Verdict); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
