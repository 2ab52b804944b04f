package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// An instant query answers with the time it was asked for, not with that of the samples behind the answer. How old those are is
// asked separately: the newest timestamp behind every selector, for many selectors in one query.

// selectorsPerAgeQuery bounds one such query: the series behind it count against limits of the server, and its failure touches only
// the inputs that it is about.
const selectorsPerAgeQuery = 20

// SelectorLabel is the label in which the answer to an AgeQuery numbers its selectors.
const SelectorLabel = "selector"

// AgeQuery asks for the newest timestamps behind a number of selectors.
type AgeQuery struct {
	Query *Query     // behind Program.Queries in the order of places
	Users [][]*Query // for each selector, the queries that rest on it
}

func ageQueries(queries []*Query) []AgeQuery {
	var selectors []string
	users := map[string][]*Query{}
	for _, q := range queries {
		for _, s := range selectorsOf(q.Expr) {
			if users[s] == nil {
				selectors = append(selectors, s)
			}
			users[s] = append(users[s], q)
		}
	}
	var ages []AgeQuery
	for chunk := range slices.Chunk(selectors, selectorsPerAgeQuery) {
		var a AgeQuery
		parts := make([]string, len(chunk))
		for i, s := range chunk {
			parts[i] = fmt.Sprintf(`label_replace(max(timestamp(%s)), %q, "%d", "", "")`, s, SelectorLabel, i)
			a.Users = append(a.Users, users[s])
		}
		a.Query = &Query{Name: "input_ages", Expr: strings.Join(parts, " or "), Sparse: true}
		if len(ages) > 0 {
			a.Query.Name = fmt.Sprintf("input_ages#%d", len(ages)+1)
		}
		ages = append(ages, a)
	}
	return ages
}

// selectorsOf lists the selectors of an expression that look at the present, not those moved by offset or @. It leaves out a selector of
// several metrics where there are others: timestamp() drops the names of metrics, and two of its series could then be the same, which is an
// error.
func selectorsOf(expr string) []string {
	e, err := config.ParseExpr(expr)
	if err != nil {
		return nil
	}
	var found, several []string
	var selectors []*parser.VectorSelector
	parser.Inspect(e.AST(), func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok && v.OriginalOffset == 0 && v.Timestamp == nil && v.StartOrEnd == 0 {
			selectors = append(selectors, v)
		}
		return nil
	})
	for _, v := range selectors {
		if slices.ContainsFunc(selectors, func(o *parser.VectorSelector) bool { return narrows(v, o) }) {
			continue
		}
		list := &found
		if v.Name == "" {
			list = &several
		}
		if s := v.String(); !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	if len(found) == 0 {
		return several
	}
	return found
}

// narrows reports whether a selector is another one without the series that have a pod: it says nothing more of how old samples are.
func narrows(v, of *parser.VectorSelector) bool {
	rest := slices.DeleteFunc(slices.Clone(v.LabelMatchers), func(m *labels.Matcher) bool {
		return m.Name == "pod" && m.Type == labels.MatchEqual && m.Value == ""
	})
	return len(rest) < len(v.LabelMatchers) && len(rest) == len(of.LabelMatchers) && !slices.ContainsFunc(rest, func(m *labels.Matcher) bool {
		return !slices.ContainsFunc(of.LabelMatchers, func(o *labels.Matcher) bool { return o.String() == m.String() })
	})
}
