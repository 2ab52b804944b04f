package query

import (
	"fmt"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// LabelWorkload is the label in which the answer about sources names the workload of their pods.
const LabelWorkload = "scale_target_name"

// How Kubernetes names pods: a StatefulSet's and a LeaderWorkerSet's end with an ordinal, a Deployment's with a hash and a suffix.
const (
	ordinalPod    = "(.+)-[0-9]+"
	deploymentPod = "(.+)-[bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5}"
)

// countSources counts pods by workload, so the answer does not grow with the number of pods.
func countSources(sources config.Expr, labels config.LabelNames) (config.Expr, error) {
	by := labels.Namespace
	if labels.Model != "" {
		by += ", " + labels.Model
	}
	return config.ParseExpr(fmt.Sprintf(
		`count by (%s, %s) (label_replace(label_replace(group by (%s, pod) (%s), %q, "$1", "pod", %q), %q, "$1", "pod", %q))`,
		by, LabelWorkload, by, sources, LabelWorkload, ordinalPod, LabelWorkload, deploymentPod))
}

// bindSources asks who tells a signal: by the configuration's own expression, or by what the demand's expression selects.
func (p *compiler) bindSources(m *config.Model, b *Signal) {
	sources := b.ActiveSignal.Sources
	if sources.IsZero() {
		for _, e := range []config.Expr{b.Demand, b.Latency, b.ActiveSignal.Usage} {
			if selector, ok := selectorOf(e); ok {
				sources = selector
			}
		}
	}
	if !sources.IsZero() {
		counted, err := countSources(sources, b.Labels)
		if err != nil {
			return // What is wrong with a label's name has been reported by the configuration.
		}
		by := Reader{Owner: OfWorkload, Labels: b.Labels}
		b.Sources.Now = p.ask(b.Key()+".sources", counted)
		if window := time.Duration(*m.ScaleDownWindow + *m.ScaleUpWindow); window > 0 {
			b.Sources.Window = p.readStep(b.Key()+".sources", counted, window, witnessStep(m), by)
		}
	}
	b.Silent = p.ask(b.Key()+".silent", b.ActiveSignal.Silent)
	if b.Silent != nil {
		b.Silent.Sparse = true
	}
}

// witnessStep is the step at which sources are counted over the windows of a model. A few times a window is enough, and counting pods
// is costly.
func witnessStep(m *config.Model) time.Duration {
	step := WindowStep(m)
	if time.Duration(*m.ScaleDownWindow) >= stepsOfInput*longStep {
		return max(step, longStep)
	}
	return step
}

// selectorOf is the selector of an expression that adds up one metric over its sources: sum by (...) (metric), or of its rate.
func selectorOf(e config.Expr) (config.Expr, bool) {
	if e.IsZero() {
		return config.Expr{}, false
	}
	sum, ok := unwrap(e.AST()).(*parser.AggregateExpr)
	if !ok || sum.Op != parser.SUM {
		return config.Expr{}, false
	}
	inner := unwrap(sum.Expr)
	if call, ok := inner.(*parser.Call); ok && len(call.Args) == 1 {
		switch call.Func.Name {
		case "rate", "irate", "increase":
			if m, ok := unwrap(call.Args[0]).(*parser.MatrixSelector); ok {
				inner = m.VectorSelector
			}
		}
	}
	selector, ok := inner.(*parser.VectorSelector)
	if !ok || selector.OriginalOffset != 0 || selector.Timestamp != nil || selector.StartOrEnd != 0 {
		return config.Expr{}, false
	}
	found, err := config.ParseExpr(selector.String())
	return found, err == nil
}

func unwrap(e parser.Expr) parser.Expr {
	for {
		inner, ok := e.(*parser.ParenExpr)
		if !ok {
			return e
		}
		e = inner.Expr
	}
}
