package collector

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// An instant query answers with the time it was asked for, not with that of the samples behind the answer. How old those are is
// asked apart: the newest timestamp behind every selector, of many selectors in one query.

// selectorsPerAgeQuery bounds the length of one such query.
const selectorsPerAgeQuery = 100

const selectorLabel = "selector"

// ageQuery asks for the newest timestamps behind a number of selectors. users tells for each of them which queries rest on it.
type ageQuery struct {
	expr  string
	users [][]int
}

func ageQueries(queries []query) []ageQuery {
	var selectors []string
	users := map[string][]int{}
	for i, q := range queries {
		for _, s := range selectorsOf(q.expr) {
			if users[s] == nil {
				selectors = append(selectors, s)
			}
			users[s] = append(users[s], i)
		}
	}
	var asked []ageQuery
	for chunk := range slices.Chunk(selectors, selectorsPerAgeQuery) {
		var a ageQuery
		parts := make([]string, len(chunk))
		for i, s := range chunk {
			parts[i] = fmt.Sprintf(`label_replace(max(timestamp(%s)), %q, "%d", "", "")`, s, selectorLabel, i)
			a.users = append(a.users, users[s])
		}
		a.expr = strings.Join(parts, " or ")
		asked = append(asked, a)
	}
	return asked
}

// ageQueries are the questions for ages, under the name that they have as inputs.
func (p *program) ageQueries() []query {
	queries := make([]query, len(p.ages))
	for i, a := range p.ages {
		queries[i] = query{name: "input_ages", expr: a.expr, sparse: true}
		if i > 0 {
			queries[i].name = fmt.Sprintf("input_ages#%d", i+1)
		}
	}
	return queries
}

// selectorsOf lists the selectors of an expression that look at the present: those moved by offset or @ look elsewhere.
func selectorsOf(expr string) []string {
	e, err := config.ParseExpr(expr)
	if err != nil {
		return nil
	}
	var found []string
	parser.Inspect(e.AST(), func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok && v.OriginalOffset == 0 && v.Timestamp == nil && v.StartOrEnd == 0 {
			if s := v.String(); !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
		return nil
	})
	return found
}

// age tells every input how old what it rests on is. What is too old counts as no answer.
func (r *results) age(at time.Time) {
	for i, a := range r.program.ages {
		query := len(r.program.queries) + i
		r.inputs[query].Matched = r.inputs[query].Series
		if r.answers[query].err != nil {
			r.unaged = r.inputs[query].failed()
		}
		setAges(r.inputs, a, r.answers[query].vector, at)
	}
	for i, q := range r.program.queries {
		if age := r.inputs[i].Age; r.answers[i].err == nil && q.maxAge > 0 && age > q.maxAge {
			err := &promapi.Error{Reason: promapi.ReasonStale, Err: fmt.Errorf("the newest sample is %s old, and may be %s",
				config.Duration(age.Truncate(time.Second)), config.Duration(q.maxAge))}
			r.answers[i], r.inputs[i].Err = answer{err: err}, err
		}
	}
}

// setAges tells every input how old what it rests on is. Of its selectors that select anything, the one whose newest sample is
// the oldest counts: one dead source among several shows.
func setAges(inputs []Input, a ageQuery, answer model.Vector, at time.Time) {
	for _, s := range answer {
		i, err := strconv.Atoi(string(s.Metric[selectorLabel]))
		if err != nil || i < 0 || i >= len(a.users) {
			continue
		}
		age := max(0, at.Sub(model.TimeFromUnixNano(int64(float64(s.Value)*1e9)).Time()))
		for _, input := range a.users[i] {
			inputs[input].Age = max(inputs[input].Age, age)
		}
	}
}
