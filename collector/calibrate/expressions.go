package calibrate

import (
	"fmt"
	"os"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Expressions say in PromQL what was seen of each replica over a step of time. In them $window is the step, $namespace and
// $variant are the labels of identity, and $replica is the label that tells replicas apart. An empty TTFT, Waiting or
// Queue is not asked.
type Expressions struct {
	Running  string // mean requests in service
	Variance string // variance of the requests in service
	Waiting  string // most requests waiting for service; TTFT counts where they are few
	Queue    string // mean time of a request from arrival to service, in seconds; where it is there, TTFT counts without it
	Input    string // mean prompt tokens of a request
	Output   string // mean generated tokens of a request
	ITL      string // mean time between output tokens, in seconds
	TTFT     string // mean time to the first token, in seconds
}

// VLLM are the expressions for vLLM's series.
func VLLM() Expressions {
	e, _ := config.PresetCalibration(defaultPreset) // it is built in
	return Expressions(e)
}

// defaultPreset is for models whose presets are of no server whose latency can be fitted.
const defaultPreset = "vllm"

// expressions are what is asked of the replicas of a model: of all models the same, or what the model's presets say, changed.
func (h *History) expressions(m *config.Model) (Expressions, error) {
	if h.Expressions != (Expressions{}) {
		return h.Expressions, nil
	}
	_, c := m.Calibration()
	e := Expressions(c)
	if c.IsZero() {
		e = VLLM()
	}
	e, err := e.Map(func(expr string) (string, error) { return h.Config.Selector.Narrow(h.fill(expr)) })
	if err == nil && h.Change != nil {
		e = h.Change(e)
	}
	return e, err
}

// fill fills in the labels and the step.
func (h *History) fill(expr string) string {
	return os.Expand(expr, func(key string) string {
		switch key {
		case "namespace":
			return h.Config.Labels.Namespace
		case "variant":
			return h.Config.Labels.Variant
		case "replica":
			return h.ReplicaLabel
		case "window":
			return model.Duration(h.Step).String()
		}
		return "$" + key // PromQL's own, such as $1 in label_replace
	})
}

// Queries is how many questions Gather asks at most.
const Queries = int(allSeries)

// Map replaces every expression that is asked by what a function makes of it.
func (e Expressions) Map(change func(string) (string, error)) (Expressions, error) {
	for _, expr := range []*string{&e.Running, &e.Variance, &e.Waiting, &e.Queue, &e.Input, &e.Output, &e.ITL, &e.TTFT} {
		if *expr == "" {
			continue
		}
		changed, err := change(*expr)
		if err != nil {
			return e, err
		}
		*expr = changed
	}
	return e, nil
}

// series is what an expression yields.
type series int

const (
	running series = iota
	variance
	waiting
	queued
	input
	output
	itl
	ttft
	allSeries
)

// query is an expression ready to be asked.
type query struct {
	series series
	name   string
	expr   string
}

// queries are the expressions as they are asked.
func (h *History) queries(e Expressions) ([]query, error) {
	queries := []query{
		{running, "running", e.Running},
		{variance, "variance", e.Variance},
		{waiting, "waiting", e.Waiting},
		{queued, "queue time", e.Queue},
		{input, "input tokens", e.Input},
		{output, "output tokens", e.Output},
		{itl, "itl", e.ITL},
		{ttft, "ttft", e.TTFT},
	}
	queries = slices.DeleteFunc(queries, func(q query) bool {
		return q.expr == "" && (q.series == ttft || q.series == waiting || q.series == queued)
	})
	for i := range queries {
		q := &queries[i]
		q.expr = h.fill(q.expr)
		if _, err := parser.NewParser(parser.Options{}).ParseExpr(q.expr); err != nil {
			return nil, fmt.Errorf("expression for %s: %w", q.name, err)
		}
	}
	return queries, nil
}
