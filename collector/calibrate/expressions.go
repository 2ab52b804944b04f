package calibrate

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

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
	const by = "sum by ($namespace, $variant, $replica) "
	mean := func(histograms ...string) string {
		rates := func(suffix string) string {
			parts := make([]string, len(histograms))
			for i, h := range histograms {
				parts[i] = "rate(" + h + suffix + "[$window])"
			}
			return by + "(" + strings.Join(parts, " or ") + ")"
		}
		return rates("_sum") + " / (" + rates("_count") + " > 0)"
	}
	return Expressions{
		Running:  by + "(avg_over_time(vllm:num_requests_running[$window]))",
		Variance: by + "(stdvar_over_time(vllm:num_requests_running[$window]))",
		Waiting:  by + "(max_over_time(vllm:num_requests_waiting[$window]))",
		Queue:    mean("vllm:request_queue_time_seconds"),
		Input:    mean("vllm:request_prompt_tokens"),
		Output:   mean("vllm:request_generation_tokens"),
		ITL:      mean("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
		TTFT:     mean("vllm:time_to_first_token_seconds"),
	}
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

// queries fills in the labels and the step.
func (e Expressions) queries(names config.LabelNames, replica string, step time.Duration) ([]query, error) {
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
		q.expr = os.Expand(q.expr, func(key string) string {
			switch key {
			case "namespace":
				return names.Namespace
			case "variant":
				return names.Variant
			case "replica":
				return replica
			case "window":
				return model.Duration(step).String()
			}
			return "$" + key // PromQL's own, such as $1 in label_replace
		})
		if _, err := parser.NewParser(parser.Options{}).ParseExpr(q.expr); err != nil {
			return nil, fmt.Errorf("expression for %s: %w", q.name, err)
		}
	}
	return queries, nil
}
