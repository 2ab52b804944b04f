package match

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/query"
)

// Answers are what the queries of a Program were answered at one moment.
type Answers struct {
	At        time.Time
	Queries   []Answer // by Query.Place, ages behind
	Histories []History
}

// Answer is what became of one query.
type Answer struct {
	Vector   model.Vector
	Err      error
	Duration time.Duration
}

// History is what became of one history. Its answer has been laid out by Matcher.Lay.
type History struct {
	Grid     Grid
	Series   int // in what was asked for
	Err      error
	Duration time.Duration
}

// inputs makes an input of every query and history.
func (r *reader) inputs() []Input {
	all := make([]Input, 0, len(r.answers.Queries)+len(r.program.Histories))
	for i, q := range r.program.AllQueries() {
		a := &r.answers.Queries[i]
		in := Input{Name: q.Name, Query: q.Expr, Sparse: q.Sparse, Duration: a.Duration.Seconds(), Bad: map[string]int{}}
		series := len(a.Vector)
		in.Series = &series
		var values span
		for _, s := range a.Vector {
			if s.Histogram == nil {
				values.add(float64(s.Value))
			}
		}
		if i < len(r.program.Queries) { // Ages are not values.
			values.tell(&in)
		}
		if a.Err != nil {
			in.Fail(a.Err)
		}
		all = append(all, in)
	}
	for i, q := range r.program.Histories {
		h := &r.answers.Histories[i]
		in := Input{Name: q.Name, Query: q.Expr, Duration: h.Duration.Seconds(), Bad: map[string]int{}}
		t := &r.program.Targets
		in.Sparse = q == t.Rolling.Starts || q.Sparse || q == t.Unplaced.Starts || q == t.Draining.Starts || // mostly nothing moves
			q.Until > query.Settled // What came a week ago is of use where there is such a week.
		in.Series, in.Matched = &h.Series, &h.Series
		var newest span
		for _, cells := range h.Grid.Cells {
			if len(cells) > 0 {
				newest.add(cells[len(cells)-1])
			}
		}
		newest.tell(&in)
		if h.Err != nil {
			in.Fail(h.Err)
		}
		all = append(all, in)
	}
	return all
}

// age sets the age of every input. An input that is too old counts as no answer.
func (r *reader) age() (unaged map[string]Missing) {
	unaged = map[string]Missing{}
	for _, a := range r.program.Ages {
		answer, input := &r.answers.Queries[a.Query.Place], &r.read.Inputs[a.Query.Place]
		if answer.Err == nil && len(answer.Vector) == 0 && r.replicasTold(a) {
			r.read.Hollow = Missing{Input: input.Name, Why: NoResult}
		}
		if answer.Err != nil {
			for _, users := range a.Users {
				for _, q := range users {
					unaged[q.Name] = input.failed()
				}
			}
			continue
		}
		input.Matched = input.Series
		r.setAges(a, answer.Vector)
	}
	for i, q := range r.program.Queries {
		input := &r.read.Inputs[i]
		if input.Err != nil || q.MaxAge == 0 || input.Age == nil {
			continue
		}
		if age := time.Duration(*input.Age * float64(time.Second)); age > q.MaxAge {
			input.Fail(&promapi.Error{Reason: promapi.ReasonStale, Err: fmt.Errorf("newest sample is %s old, max_age is %s",
				config.Duration(age.Truncate(time.Second)), config.Duration(q.MaxAge))})
		}
	}
	return unaged
}

// replicasTold reports whether an age query is about replicas that are told: then there are samples that have an age. Other expressions
// may have series without any, such as those with "or vector(0)".
func (r *reader) replicasTold(a query.AgeQuery) bool {
	for _, users := range a.Users {
		for _, q := range users {
			answer, replicas := &r.answers.Queries[q.Place], q == r.program.Targets.Current.Now || q == r.program.Targets.Ready.Now
			if replicas && answer.Err == nil && len(answer.Vector) > 0 {
				return true
			}
		}
	}
	return false
}

// setAges sets the age of every input. Of its selectors that select anything, the one whose newest sample is the oldest counts: one dead
// source among several shows.
func (r *reader) setAges(a query.AgeQuery, answer model.Vector) {
	for _, s := range answer {
		i, err := strconv.Atoi(string(s.Metric[query.SelectorLabel]))
		if err != nil || i < 0 || i >= len(a.Users) {
			continue
		}
		newest := model.TimeFromUnixNano(int64(float64(s.Value) * 1e9)).Time()
		age := max(0, r.answers.At.Sub(newest)).Seconds()
		for _, q := range a.Users[i] {
			if input := &r.read.Inputs[q.Place]; input.Age == nil || *input.Age < age {
				input.Age = &age
			}
		}
	}
}
