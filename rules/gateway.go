package rules

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// The signal of the gateway that the plain path scales on: what is queued and running there.
const (
	gatewayPreset = "epp"
	gatewaySignal = "concurrency"
	labelPool     = "inference_pool"
)

// The longest stabilization window of an HPA, and the longest period of its policies.
const (
	maxHPAWindow = time.Hour
	maxHPAPeriod = 30 * time.Minute
)

// gatewayMetric is the name of the external metric with the requests of a variant's model at the gateway. No namespace has a dot
// in its name, so that no two namespaces share one. It is in lower case, because an HPA asks for it in lower case, whatever is written in
// its manifest.
func (t *target) gatewayMetric() string {
	return strings.ToLower("gateway-requests." + t.model.Namespace + "." + t.Name)
}

// warnGateway says which models do not scale on the gateway's metrics although that is asked for, and for which nothing says that there
// is a gateway.
func (m *Manifest) warnGateway(c *config.Config) {
	scales := false
	for i := range c.Models {
		of := &c.Models[i]
		name := of.Namespace + "/" + of.Name
		switch {
		case len(of.Variants) > 1:
			m.warn(fmt.Sprintf("--gateway: %s has %d variants. What the gateway tells does not say how many each should run, so they follow %s.",
				name, len(of.Variants), desiredReplicas))
			continue
		case !slices.Contains(of.Presets, gatewayPreset):
			m.warn(fmt.Sprintf("--gateway: %s does not have the preset %s. Its HPA follows the gateway all the same: where there is none, the metric is absent, and the HPA does nothing.",
				name, gatewayPreset))
		}
		scales = true
	}
	if !scales {
		m.warn("--gateway: no model has one variant only, so nothing scales on the gateway's metrics.")
	}
}

// gatewayTwice refuses a variant whose metric is called like that of another. Taken ones are known by name.
func (t *target) gatewayTwice(c *config.Config, taken map[string]string) config.Diagnostics {
	other, twice := taken[t.gatewayMetric()]
	taken[t.gatewayMetric()] = t.path
	if !twice {
		return nil
	}
	return config.Diagnostics{c.ErrorAt(t.path+".name", fmt.Sprintf("the metric of this variant would be called %q, like that of %s", t.gatewayMetric(), other),
		"choose names that differ in more than case")}
}

// gatewayed is an HPA on what is queued and running at the gateway, for the only variant of a model. The windows are the HPA's own
// then, because the exporter is not asked.
func (t *target) gatewayed(c *config.Config, o HPAOptions) (hpaSpec, config.Diagnostics) {
	capacity, found := t.gatewayCapacity(c)
	if len(found) > 0 {
		return hpaSpec{}, found
	}
	down := max(time.Duration(*t.model.ScaleDownWindow), o.Stabilization)
	if t.least == 0 {
		down = max(down, time.Duration(*t.model.IdleAfter))
	}
	b := follow(t.most, min(down, maxHPAWindow), o.Kubernetes)
	b.ScaleUp.StabilizationWindowSeconds = seconds(min(time.Duration(*t.model.ScaleUpWindow), maxHPAWindow))
	b.ScaleUp.limit(t.model.ScaleUpLimit)
	b.ScaleUp.leaveZero()
	b.ScaleDown.limit(t.model.ScaleDownLimit)
	return hpaSpec{
		ScaleTargetRef: t.workload(), MinReplicas: o.Kubernetes.leastOf(t), MaxReplicas: t.most,
		Metrics:  []hpaMetric{external(t.gatewayMetric(), nil, milli(capacity/(1+t.model.Headroom.Ratio)))},
		Behavior: b,
	}, nil
}

// limit keeps to a limit on change, of whose two bounds an HPA follows the larger, too.
func (r *scalingRules) limit(l *config.ChangeLimit) {
	if l == nil {
		return
	}
	period := seconds(min(time.Duration(*l.Per), maxHPAPeriod))
	r.Policies = nil
	if l.Replicas != nil {
		r.Policies = append(r.Policies, scalingPolicy{"Pods", *l.Replicas, period})
	}
	if l.Percent != nil {
		r.Policies = append(r.Policies, scalingPolicy{"Percent", max(int(*l.Percent), 1), period})
	}
}

// leaveZero lets one replica be added whatever the other policies say: a percentage of none is none, and an HPA would stay there.
func (r *scalingRules) leaveZero() {
	if !slices.ContainsFunc(r.Policies, func(p scalingPolicy) bool { return p.Type == "Pods" }) {
		r.Policies = append(r.Policies, scalingPolicy{"Pods", 1, r.Policies[0].PeriodSeconds})
	}
}

// gatewayCapacity is how many requests a replica carries, or why that is not known.
func (t *target) gatewayCapacity(c *config.Config) (float64, config.Diagnostics) {
	q := t.Capacity[gatewaySignal]
	if !q.IsNumber() || q.Number <= 0 {
		return 0, config.Diagnostics{c.ErrorAt(t.path+".capacity."+gatewaySignal, "scaling on the gateway's metrics needs to know how many requests a replica carries",
			"give capacity.concurrency as a number")}
	}
	return q.Number, t.gatewayAmbiguous(c)
}

// gatewayAmbiguous refuses a model where nothing shows whether the gateway is up: without that, its silence is no zero.
func (t *target) gatewayAmbiguous(c *config.Config) config.Diagnostics {
	if len(t.model.Match[labelPool]) > 0 {
		return nil
	}
	for i := range c.Models {
		if m := &c.Models[i]; m != t.model && m.Namespace == t.model.Namespace {
			return config.Diagnostics{c.ErrorAt(strings.TrimSuffix(t.path, ".variants[0]"), "the namespace has several models, and nothing tells which gateway is this one's",
				"give match: {inference_pool: NAME}")}
		}
	}
	return nil
}

// milli writes a number as a Kubernetes quantity, rounded down, so that never fewer replicas are asked for.
func milli(x float64) string {
	n := max(int64(math.Floor(x*1000*(1+1e-12))), 1)
	if n%1000 == 0 {
		return strconv.FormatInt(n/1000, 10)
	}
	return strconv.FormatInt(n, 10) + "m"
}

// gatewayQuery asks for what is queued and running of a model at the gateway, 0 where the gateway is up and knows of none. Where what
// runs is not a number, there is no answer: an adapter would take it as 0. Every selector has the label matchers of the adapter.
func (t *target) gatewayQuery(c *config.Config) (string, error) {
	s, err := c.PresetSignal(gatewayPreset, gatewaySignal)
	if err != nil {
		return "", err
	}
	demand, err := withAdapterMatchers(s.Parts())
	if err != nil {
		return "", err
	}
	alive, err := withAdapterMatchers(s.Alive.String())
	if err != nil {
		return "", err
	}
	names := slices.Concat([]string{t.model.Name}, t.model.Match[s.Labels.Model])
	demand = fmt.Sprintf("(%s) and on (%s) (%s)", demand, s.Labels.Model, oneOf(s.Labels.Model, names))
	alive = fmt.Sprintf("(%s) > 0", alive)
	if pools := t.model.Match[labelPool]; len(pools) > 0 {
		alive = fmt.Sprintf("(%s) and on (%s) (%s)", alive, labelPool, oneOf(labelPool, pools))
	}
	return pretty(fmt.Sprintf("max((sum(%s) or 0 * max(%s)) >= 0)", demand, alive))
}

// oneOf is a vector with a series for each value that a label may have.
func oneOf(label string, values []string) string {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	series := make([]string, len(values))
	for i, value := range values {
		series[i] = fmt.Sprintf(`label_replace(vector(1), %q, %s, "", "")`, label, strconv.Quote(strings.ReplaceAll(value, "$", "$$")))
	}
	return strings.Join(series, " or ")
}

// The matcher that stands for those that the adapter fills in, while the expression is still PromQL.
const (
	placeholder      = "adapter_label_matchers"
	placeholderValue = "here"
)

// withAdapterMatchers adds the placeholder to every selector.
func withAdapterMatchers(expr string) (string, error) {
	ast, err := parsePromQL(expr)
	if err != nil {
		return "", err
	}
	parser.Inspect(ast, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			s.LabelMatchers = append(s.LabelMatchers, labels.MustNewMatcher(labels.MatchEqual, placeholder, placeholderValue))
		}
		return nil
	})
	return ast.String(), nil
}

// adapterTemplate turns an expression with placeholders into what the adapter reads.
func adapterTemplate(expr string) (string, error) {
	if strings.Contains(expr, "<<") || strings.Contains(expr, ">>") {
		return "", errors.New("a name or a selector contains << or >>, which Prometheus Adapter reads as its template")
	}
	return strings.ReplaceAll(expr, fmt.Sprintf("%s=%q", placeholder, placeholderValue), "<<.LabelMatchers>>"), nil
}

func parsePromQL(expr string) (parser.Expr, error) {
	ast, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return nil, fmt.Errorf("parse %q: %w", expr, err)
	}
	return ast, nil
}

// pretty lays an expression out over lines.
func pretty(expr string) (string, error) {
	ast, err := parsePromQL(expr)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(ast.Pretty(0)), nil
}
