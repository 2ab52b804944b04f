package collector_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// helper is a test, be it of testing or of rapid.
type helper interface {
	require.TestingT
	Helper()
}

// canned answers queries from a text: series as Prometheus writes them, one a line, by expression. An answer that starts with
// "error: " is the failure for that reason. What is not listed has an empty answer.
//
// With the word past before it, an expression is answered over ranges of time. A line holds at every step, or, where it ends
// in such as @5m..30s, at those from five minutes to half a minute before fleetAt, both included.
type canned map[string]string

const pastOf = "past "

// cannedQuerier is a promapi.RangeQuerier over canned answers. It remembers what it was asked.
type cannedQuerier struct {
	answers map[string]model.Vector
	pasts   map[string][]pastLine
	errs    map[string]error // by key

	mu     sync.Mutex
	asked  []string // expressions, at an instant
	read   []string // expressions, over a range
	at     map[time.Time]bool
	ranges []v1.Range
}

// pastLine is a series of a past with one value from one age to another.
type pastLine struct {
	*model.Sample
	from, to time.Duration
}

func newCanned(tb helper, answers canned) *cannedQuerier {
	tb.Helper()
	q := &cannedQuerier{
		answers: map[string]model.Vector{}, pasts: map[string][]pastLine{}, errs: map[string]error{}, at: map[time.Time]bool{},
	}
	for key, text := range answers {
		expr, over := strings.CutPrefix(key, pastOf)
		parsed, err := config.ParseExpr(expr)
		require.NoError(tb, err)
		expr = parsed.String()
		if over {
			key = pastOf + expr
		} else {
			key = expr
		}
		if reason, failed := strings.CutPrefix(text, "error: "); failed {
			q.errs[key] = &promapi.Error{Reason: promapi.Reason(reason), Err: errors.New("canned")}
			continue
		}
		if over {
			q.pasts[expr] = parsePast(tb, text)
			continue
		}
		q.answers[expr] = parseVector(tb, text)
	}
	return q
}

func parsePast(tb helper, text string) []pastLine {
	tb.Helper()
	var past []pastLine
	for line := range strings.Lines(text) {
		line, ages, limited := strings.Cut(strings.TrimSpace(line), " @")
		for _, s := range parseVector(tb, line) {
			p := pastLine{s, math.MaxInt64, math.MinInt64}
			if limited {
				from, to, ok := strings.Cut(ages, "..")
				require.True(tb, ok, ages)
				p.from, p.to = parseAge(tb, from), parseAge(tb, to)
			}
			past = append(past, p)
		}
	}
	return past
}

func parseAge(tb helper, text string) time.Duration {
	tb.Helper()
	age, err := model.ParseDuration(text)
	require.NoError(tb, err)
	return time.Duration(age)
}

func parseVector(tb helper, text string) model.Vector {
	tb.Helper()
	var v model.Vector
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		cut := strings.LastIndexByte(line, ' ')
		labels, err := parser.NewParser(parser.Options{}).ParseMetric(line[:cut])
		require.NoError(tb, err, line)
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		require.NoError(tb, err, line)
		s := &model.Sample{Metric: model.Metric{}, Value: model.SampleValue(value)}
		for name, value := range labels.Map() {
			s.Metric[model.LabelName(name)] = model.LabelValue(value)
		}
		v = append(v, s)
	}
	return v
}

// Query implements promapi.Querier.
func (q *cannedQuerier) Query(_ context.Context, expr string, at time.Time) (model.Vector, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked = append(q.asked, expr)
	q.at[at] = true
	if _, listed := q.answers[expr]; !listed && strings.HasPrefix(expr, "label_replace(max(timestamp(") {
		return model.Vector{{Metric: model.Metric{"selector": "none"}}}, q.errs[expr] // there are samples, and what is tested has no age
	}
	return q.answers[expr], q.errs[expr]
}

// QueryRange implements promapi.RangeQuerier.
func (q *cannedQuerier) QueryRange(_ context.Context, expr string, r v1.Range) (model.Matrix, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.read, q.ranges = append(q.read, expr), append(q.ranges, r)
	if err := q.errs[pastOf+expr]; err != nil {
		return nil, err
	}
	var matrix model.Matrix
	streams := map[model.Fingerprint]*model.SampleStream{}
	for at := r.Start; !at.After(r.End); at = at.Add(r.Step) {
		for _, line := range q.pasts[expr] {
			if age := fleetAt.Sub(at); age > line.from || age < line.to {
				continue
			}
			s := streams[line.Metric.Fingerprint()]
			if s == nil {
				s = &model.SampleStream{Metric: line.Metric}
				streams[line.Metric.Fingerprint()] = s
				matrix = append(matrix, s)
			}
			s.Values = append(s.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(at.UnixNano()), Value: line.Value})
		}
	}
	return matrix, nil
}

// unanswered lists the keys of answers that were never asked for: a mistake in a test.
func (q *cannedQuerier) unanswered() []string {
	asked, read := unique(q.asked), unique(q.read)
	var never []string
	for expr := range q.answers {
		if !asked[expr] {
			never = append(never, expr)
		}
	}
	for expr := range q.pasts {
		if !read[expr] {
			never = append(never, pastOf+expr)
		}
	}
	for key := range q.errs {
		if expr, over := strings.CutPrefix(key, pastOf); over && !read[expr] || !over && !asked[key] {
			never = append(never, key)
		}
	}
	return never
}

// decisionCase is a configuration and the answers to its queries in, and an exposition out.
type decisionCase struct {
	config  string
	answers canned
	// want are lines of the exposition, in its order: all of the families that it names, and none of those in absent. Where
	// the model is m in namespace ns, that is left out.
	want   string
	absent []string
	ago    time.Duration // before fleetAt, when it is evaluated
}

// complete adds what most configurations of these tests share and this one does not say otherwise: no windows, no headroom, no watch over starts, and
// short expressions for the replicas.
func complete(text string) string {
	for _, line := range []string{
		"prometheus: {url: http://prometheus.example}", "defaults: {headroom: 0, scale_down_window: 0s}",
		"scale_targets: {current: current, ready: ready}",
	} {
		key, _, _ := strings.Cut(line, " ")
		if !strings.Contains("\n"+text, "\n"+key) {
			text = line + "\n" + text
		}
	}
	if !strings.Contains(text, "provision_timeout") {
		text = strings.Replace(text, "defaults: {", "defaults: {provision_timeout: 0s, ", 1)
	}
	return text
}

func runCases(t *testing.T, cases map[string]decisionCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func (c decisionCase) run(t *testing.T) {
	t.Helper()
	answers, text := maps.Clone(c.answers), c.config
	current, known := answers["current"]
	if _, told := answers["ready"]; known && !told {
		answers["ready"] = current // All that is asked for is ready.
	}
	if !known && !strings.Contains(text, "scale_targets") {
		text = unseen + text
	}
	q := newCanned(t, answers)
	got := exposition(t, evaluateAt(t, complete(text), q, fleetAt.Add(-c.ago)))
	require.Empty(t, q.unanswered(), "answers that nobody asked for")
	var want []string
	families := map[string]bool{}
	for line := range strings.Lines(c.want) {
		if line = strings.TrimSpace(line); line != "" {
			want = append(want, line)
			families[family(line)] = true
		}
	}
	for _, name := range c.absent {
		families[name] = true
	}
	var found []string
	for line := range strings.Lines(got) {
		// The question for ages is asked with every configuration.
		if line = strings.TrimSpace(line); families[family(line)] && !strings.Contains(line, `input="input_ages"`) {
			found = append(found, shorten(line))
		}
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("exposition (-want +got):\n%s", diff)
	}
}

// unseen is for configurations of which nothing is to be known of what runs.
const unseen = "scale_targets: {disabled: true}\n"

// family is the name of the metric of a line.
func family(line string) string {
	if end := strings.IndexAny(line, "{ "); end > 0 {
		return line[:end]
	}
	return line
}

// shorten leaves out what most lines of these tests have in common.
func shorten(line string) string {
	if strings.Contains(line, `target_namespace="ns"`) && strings.Contains(line, `model="m"`) {
		for _, common := range []string{`model="m",`, `target_namespace="ns",`, `,target_namespace="ns"`} {
			line = strings.Replace(line, common, "", 1)
		}
	}
	return line
}

// runs are the replicas of Deployments in namespace ns, as scale_targets.current and ready answer: name, replicas, name, ...
func runs(target ...string) string {
	var b strings.Builder
	for i := 0; i < len(target); i += 2 {
		b.WriteString(`{namespace="ns", scale_target_kind="Deployment", scale_target_name="` + target[i] + `"} ` + target[i+1] + "\n")
	}
	return b.String()
}

// failures lists the inputs of a snapshot that have no usable answer.
func failures(s *collector.Snapshot) (names []string) {
	for i := range s.Inputs {
		if s.Inputs[i].Err != nil {
			names = append(names, s.Inputs[i].Name)
		}
	}
	return names
}
