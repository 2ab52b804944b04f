package grafana_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// selection is what is chosen in the variables of a dashboard.
type selection map[string][]string

// all is the choice "All" of every variable.
func all(d *dashboard) selection {
	s := selection{}
	for _, v := range d.Templating.List {
		if v.AllValue != "" {
			s[v.Name] = []string{v.AllValue}
		}
	}
	return s
}

var (
	reference = regexp.MustCompile(`\$\{?(\w+)\}?`)
	special   = regexp.MustCompile(`[$^*{}\[\]'+?.()|]`)
)

// interpolate puts values in the place of variables, as Grafana does for Prometheus: several values are escaped and joined to an
// alternation, a single one stands as it is. That is also how the value for All goes in.
func interpolate(expr string, chosen selection, builtin map[string]string) string {
	return reference.ReplaceAllStringFunc(expr, func(found string) string {
		name := reference.FindStringSubmatch(found)[1]
		if value, ok := builtin[name]; ok {
			return value
		}
		values, ok := chosen[name]
		if !ok {
			return found
		}
		if len(values) == 1 && values[0] == ".+" {
			return values[0]
		}
		escaped := make([]string, len(values))
		for i, v := range values {
			escaped[i] = special.ReplaceAllString(strings.ReplaceAll(v, `\`, `\\\\`), `\\$0`)
		}
		if len(escaped) == 1 {
			return escaped[0]
		}
		return "(" + strings.Join(escaped, "|") + ")"
	})
}

// standIns are Grafana's own variables, at a resolution of a second.
func standIns() map[string]string {
	return map[string]string{"__rate_interval": "4s", "__range": "5s", "__interval": "1s"}
}

func TestInterpolate(t *testing.T) {
	d := &dashboard{Templating: templating{List: []variable{{Name: "model", AllValue: ".+"}, {Name: "datasource"}}}}
	for _, tc := range []struct {
		expr   string
		chosen selection
		want   string
	}{
		{`a{m=~"$model"}`, all(d), `a{m=~".+"}`},
		{`a{m=~"${model}"}[$__range]`, selection{"model": {"x"}}, `a{m=~"x"}[5s]`},
		{`a{m=~"$model"}`, selection{"model": {"meta-llama/Llama-3.1-8B", "b"}}, `a{m=~"(meta-llama/Llama-3\\.1-8B|b)"}`},
		{`a{m=~"$unknown"}`, all(d), `a{m=~"$unknown"}`},
	} {
		require.Equal(t, tc.want, interpolate(tc.expr, tc.chosen, standIns()))
	}
}

// parse reads an expression as it is asked with everything chosen.
func parse(d *dashboard, expr string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{}).ParseExpr(interpolate(expr, all(d), standIns()))
}

// selectors returns the selectors of an expression.
func selectors(expr parser.Expr) []*parser.VectorSelector {
	var found []*parser.VectorSelector
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			found = append(found, s)
		}
		return nil
	})
	return found
}

// narrowed returns an expression with one more matcher in every selector.
func narrowed(t *testing.T, expr, label, value string) string {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	require.NoError(t, err)
	for _, s := range selectors(parsed) {
		s.LabelMatchers = append(s.LabelMatchers, labels.MustNewMatcher(labels.MatchEqual, label, value))
	}
	return parsed.String()
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// query is what a variable asks for: the values of a label of the series that a selector matches.
func (v variable) query() (selector, label string, ok bool) {
	m := labelValues.FindStringSubmatch(v.Query)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}
