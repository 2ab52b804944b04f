// Package diagnose says why an input has nothing that fits, by looking at what there is instead: the names of metrics, the labels of a
// few series, the workloads. It is for check --online: it asks for more than an evaluation does, and a bounded number of times.
package diagnose

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/config/strict"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// most is how many questions one diagnosis asks. What it does not get to is said without a diagnosis.
const most = 24

// Diagnosis looks at one evaluation.
type Diagnosis struct {
	program  *query.Program
	query    func(expr string) (model.Vector, error)
	subjects map[string]subject // by the names of queries
	answers  map[string]model.Vector
	asked    int
	names    *names
	matcher  *match.Matcher // made when it is needed

	whatIsTold string              // the question which metrics of all signals there are; empty until it is asked
	read       map[string][]string // the metrics that expressions select: those of presets are many models'
}

// subject is what the series of an input are about, and the labels that say so.
type subject struct {
	owner  query.Owner
	labels config.LabelNames
}

// New prepares the diagnosis of an evaluation. It asks once for the names of all metrics like those that something rests on which is
// missing or partial.
func New(ctx context.Context, p *query.Program, q promapi.Querier, at time.Time, inputs []match.Input, models []decide.Model) *Diagnosis {
	d := &Diagnosis{
		program: p, query: func(expr string) (model.Vector, error) { return q.Query(ctx, expr, at) }, subjects: map[string]subject{}, answers: map[string]model.Vector{}, read: map[string][]string{},
	}
	d.listSubjects()
	var lacking []string
	for i := range inputs {
		if unfit(&inputs[i]) {
			lacking = append(lacking, inputs[i].Query)
		}
	}
	for i := range models {
		for j := range models[i].Signals {
			if s := &models[i].Signals[j]; short(s) || twice(s) {
				lacking = append(lacking, d.demands(i, j)...)
			}
		}
	}
	d.names = d.newNames(lacking)
	return d
}

// Within lets a diagnosis ask no more than so many questions.
func (d *Diagnosis) Within(questions int) *Diagnosis {
	d.asked = most - questions
	return d
}

// unfit reports whether an input was answered with nothing that belongs to anything.
func unfit(i *match.Input) bool {
	return i.Err == nil && !i.Sparse && (*i.Series == 0 || i.Matched != nil && *i.Matched == 0)
}

// short reports whether fewer sources tell a signal than should.
func short(s *decide.Signal) bool {
	return s.Partial != "" && s.Sources != nil && s.Expected != nil && *s.Sources < *s.Expected
}

func (d *Diagnosis) listSubjects() {
	put := func(q *query.Query, owner query.Owner, labels config.LabelNames) {
		if q != nil {
			d.subjects[q.Name] = subject{owner, labels}
		}
	}
	targets := config.LabelNames{Namespace: d.program.Config.ScaleTargets.Labels.Namespace}
	put(d.program.Targets.Current.Now, query.OfTarget, targets)
	put(d.program.Targets.Ready.Now, query.OfTarget, targets)
	for _, m := range d.program.Models {
		for i, s := range m.Signals {
			for _, q := range []*query.Query{s.Absolute.Now, s.Queued.Now, s.InputTokens, s.OutputTokens} {
				put(q, query.OfModel, s.Labels)
			}
			for _, q := range []*query.Query{s.Usage.Now, s.ObservedITL, s.ObservedRunning} {
				put(q, query.OfVariant, s.Labels)
			}
			for _, v := range m.Variants {
				put(v.Capacities[i].Query, query.OfVariant, s.Labels)
			}
		}
	}
}

// demands lists the expressions that tell the demand of a model's signal, whether or not their results are read from rules.
func (d *Diagnosis) demands(m, signal int) []string {
	s := &d.program.Models[m].Signals[signal].ActiveSignal
	var all []string
	for _, e := range []config.Expr{s.Demand, s.Latency, s.Usage, s.Queued} {
		if !e.IsZero() {
			all = append(all, e.String())
		}
	}
	return all
}

// ask asks a question, if it has not been asked and there have not been too many. No answer is a good answer: what a diagnosis does
// not find out is not said.
func (d *Diagnosis) ask(expr string) (model.Vector, bool) {
	if found, ok := d.answers[expr]; ok {
		return found, found != nil
	}
	if d.asked >= most {
		return nil, false
	}
	d.asked++
	found, err := d.query(expr)
	if err != nil {
		d.answers[expr] = nil
		return nil, false
	}
	if found == nil {
		found = model.Vector{}
	}
	// In one order: what is said must not depend on that of an answer.
	slices.SortFunc(found, func(a, b *model.Sample) int { return strings.Compare(a.Metric.String(), b.Metric.String()) })
	d.answers[expr] = found
	return found, true
}

// nearest is the word that is spelt most like another, if it is like it at all. A name is like its last part: chat is like org/chat.
func nearest(word string, words []string) string {
	best, least := "", 0
	for _, w := range words {
		if n := apart(word, w); n <= max(2, min(len(word), len(w))/3) && (best == "" || n < least) {
			best, least = w, n
		}
	}
	return best
}

func apart(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	n := strict.Distance(a, b)
	if lastPart(a) == lastPart(b) {
		n = min(n, 1)
	}
	return n
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// namespaces lists those of the models.
func (d *Diagnosis) namespaces() []string {
	all := map[string]bool{}
	for _, m := range d.program.Models {
		all[m.Namespace] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// shown is how many of many words are shown: names of metrics, pods.
const shown = 5

// List lists a few words, and how many more there are.
func List(words []string) string { return listed(words, shown) }

// listed lists so many words, and how many more there are.
func listed(words []string, n int) string {
	if more := len(words) - n; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:n], ", "), more)
	}
	return strings.Join(words, ", ")
}
