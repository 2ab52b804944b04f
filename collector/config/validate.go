package config

import (
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// PowerUse is the use that is measured in watts, whether or not a budget limits it.
const PowerUse = "power"

// validator makes the checks that need more than one field, on a configuration whose defaults are filled in.
type validator struct {
	*decoder
	config  *Config
	budgets map[string]bool
	used    map[string]bool // signals and budgets in use, as signals.NAME and budget/NAME
	labels  map[string]labelClaim
	targets map[string]string // scale target -> path of the variant that has it
	names   map[string]string // variant name -> path
	presets map[string]*Preset
}

// labelClaim is a label value that means one model.
type labelClaim struct{ path, model string }

func (v *validator) validate() {
	v.budgets, v.used = map[string]bool{}, map[string]bool{}
	v.labels, v.targets, v.names = map[string]labelClaim{}, map[string]string{}, map[string]string{}
	v.presets = map[string]*Preset{}
	v.sourceOfAnswers()
	v.labelNames("labels", v.config.Labels)
	v.windows("defaults", v.config.Defaults)
	v.guards("defaults", v.config.Defaults.Guards)
	v.atLeastASecond("max_age", *v.config.MaxAge)
	v.scaleTargets()
	v.quantity("energy_price", v.config.EnergyPrice)
	for i, b := range v.config.Budgets {
		v.budget(index("budgets", i), b)
	}
	for _, name := range sortedKeys(v.config.Signals) {
		v.signal(join("signals", name), name, v.config.Signals[name])
	}
	for i := range v.config.Models {
		v.model(index("models", i), &v.config.Models[i])
	}
	v.sources()
	v.scrapes()
	if !v.found.HasErrors() {
		v.unused() // What a mistake hides may well be used.
	}
}

// sound says whether nothing was found at or below a path.
func (v *validator) sound(path string) bool {
	return !slices.ContainsFunc(v.found, func(d Diagnostic) bool { return strings.HasPrefix(d.Path, path) })
}

// has says whether a path stands in the file.
func (v *validator) has(path string) bool {
	_, ok := v.nodes[path]
	return ok
}

func (v *validator) sourceOfAnswers() {
	c := v.config
	switch {
	case c.Prometheus == nil && !c.ScrapeConfigs.Set:
		v.errorf("", nil, "there is nowhere to ask").
			hint("give prometheus.url, or scrape_configs for the exporter to scrape itself")
		return
	case c.Prometheus == nil:
		return
	case c.ScrapeConfigs.Set || c.Global.Set:
		v.errorf("prometheus", v.keys["prometheus"], "both a Prometheus to ask and targets to scrape").
			hint("keep prometheus, or global and scrape_configs")
	}
	if c.Prometheus.URL == "" {
		return // It has been reported.
	}
	u, err := url.Parse(c.Prometheus.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		v.errorf("prometheus.url", nil, "not the URL of a Prometheus").hint("write it like http://prometheus.monitoring:9090")
	case u.User != nil:
		v.errorf("prometheus.url", nil, "credentials in the URL").hint("give them in prometheus.http_config, where they are kept secret")
	}
}

func (v *validator) labelNames(path string, l LabelNames) {
	for key, name := range map[string]string{"namespace": l.Namespace, "model": l.Model, "variant": l.Variant} {
		if name != "" && v.has(join(path, key)) && !isLabelName(name) {
			v.errorf(join(path, key), nil, "%q is not a label name", name).hint("letters, digits and underscores, not a digit first")
		}
	}
}

func (v *validator) scaleTargets() {
	targets := v.config.ScaleTargets
	for key, e := range map[string]Expr{"current": targets.Current, "ready": targets.Ready, "rolling": targets.Rolling} {
		path := join("scale_targets", key)
		if v.has(path) && v.vector(path, e) {
			v.mayCarry(path, e, v.config.Labels.Namespace, matched)
			v.mayCarry(path, e, LabelTargetKind, matched)
			v.mayCarry(path, e, LabelTargetName, matched)
		}
	}
}

// The labels by which replicas of scale targets are matched, beside the namespace label.
const (
	LabelTargetKind = "scale_target_kind"
	LabelTargetName = "scale_target_name"
)

func (v *validator) budget(path string, b Budget) {
	if b.Name != "" && v.budgets[b.Name] {
		v.errorf(join(path, "name"), nil, "two budgets are called %q", b.Name).hint("give each a name of its own")
	}
	v.budgets[b.Name] = true
	if b.Name == PowerUse && b.Unit != "" && b.Unit != "watts" {
		v.errorf(join(path, "unit"), nil, "the budget power in %q", b.Unit).hint("power is in watts")
	}
	for i, q := range b.Limit {
		at := join(path, "limit")
		if _, list := v.nodes[index(at, i)]; list {
			at = index(at, i)
		}
		v.quantity(at, q)
	}
	v.quantity(join(path, "borrow"), b.Borrow)
}

var signalName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (v *validator) signal(path, name string, s Signal) {
	if !signalName.MatchString(name) {
		v.errorf(path, v.keys[path], "%q is not a name for a signal", name).hint("letters, digits and underscores, not a digit first")
	}
	if isNull(v.nodes[path]) {
		return
	}
	v.labelNames(join(path, "labels"), s.Labels)
	// An expression that was given but is wrong has been reported: whether it is there is asked of the file.
	v.form(path, s)
	if s.OnMissing == OnMissingZero && !v.has(join(path, "alive")) {
		v.errorf(join(path, "on_missing"), nil, "on_missing: zero without alive").
			hint("give alive, an expression above zero while the source is up: only then is no result a zero")
	}
	for key, e := range map[string]Expr{
		"demand": s.Demand, "usage": s.Usage, "queued": s.Queued, "alive": s.Alive, "sources": s.Sources, "silent": s.Silent,
		"latency": s.Latency, "input_tokens": s.InputTokens, "output_tokens": s.OutputTokens,
		"observed_itl": s.ObservedITL, "observed_running": s.ObservedRunning,
	} {
		v.vector(join(path, key), e)
	}
	v.quantity(join(path, "capacity"), s.Capacity)
	if s.MaxAge != nil {
		v.atLeastASecond(join(path, "max_age"), *s.MaxAge)
	}
	v.identities(path, s)
}

// form checks that a signal has one of the three forms, and what belongs to it.
func (v *validator) form(path string, s Signal) {
	var forms []string
	for _, key := range []string{"demand", "usage", "latency"} {
		if v.has(join(path, key)) {
			forms = append(forms, key)
		}
	}
	switch {
	case len(forms) > 1:
		v.errorf(path, v.keys[path], "both %s and %s", forms[0], forms[1]).
			hint("demand is absolute, per model; usage a share of capacity, per variant; latency a rate of requests: keep one")
	case len(forms) == 0:
		v.errorf(path, v.keys[path], "neither demand, usage nor latency").hint("give a PromQL expression for one of them")
	case forms[0] == "latency":
		v.latencyForm(path, s)
	}
	if len(forms) == 1 && forms[0] != "usage" && v.has(join(path, "queued")) {
		v.errorf(join(path, "queued"), v.keys[join(path, "queued")], "queued beside %s", forms[0]).
			hint("queued belongs to usage; a demand expression holds the queue itself")
	}
}

// identities checks that a signal's results can be matched.
func (v *validator) identities(path string, s Signal) {
	if !v.config.Labels.valid() || !v.sound(join(path, "labels")) {
		return
	}
	v.carriesIdentity(join(path, "demand"), s.Demand, v.modelLabels(s))
	v.carriesIdentity(join(path, "queued"), s.Queued, v.modelLabels(s))
	v.carriesIdentity(join(path, "latency"), s.Latency, v.modelLabels(s))
	v.carriesIdentity(join(path, "input_tokens"), s.InputTokens, v.modelLabels(s))
	v.carriesIdentity(join(path, "output_tokens"), s.OutputTokens, v.modelLabels(s))
	v.carriesIdentity(join(path, "usage"), s.Usage, []string{s.Labels.Variant, labelPod})
	v.carriesIdentity(join(path, "observed_itl"), s.ObservedITL, []string{s.Labels.Variant, labelPod})
	v.carriesIdentity(join(path, "observed_running"), s.ObservedRunning, []string{s.Labels.Variant, labelPod})
	if !s.Capacity.Query.IsZero() {
		v.carriesIdentity(join(path, "capacity"), s.Capacity.Query, []string{s.Labels.Variant, labelPod})
	}
}

// labelPod is the label of the pod that a series came from, as Prometheus' service discovery names it.
const labelPod = "pod"

// modelLabels are the labels by any of which a result may be matched to a model.
func (v *validator) modelLabels(s Signal) []string {
	names := []string{s.Labels.Model, s.Labels.Variant, labelPod}
	for i := range v.config.Models {
		names = append(names, sortedKeys(v.config.Models[i].Match)...)
	}
	slices.Sort(names[3:])
	return slices.Compact(names)
}

// quantity checks one that is given as PromQL.
func (v *validator) quantity(path string, q Quantity) {
	if q.Query.IsZero() {
		return
	}
	if v.has(path + ".query") {
		path += ".query"
	}
	if v.vector(path, q.Query) {
		for _, l := range q.FromLabels {
			v.mayCarry(path, q.Query, l, "from which the number is read")
		}
	}
}

// vector checks that an expression yields an instant vector.
func (v *validator) vector(path string, e Expr) bool {
	if e.IsZero() || e.AST().Type() == parser.ValueTypeVector {
		return !e.IsZero()
	}
	r := v.errorf(path, nil, "a %s, where an instant vector is needed", e.AST().Type())
	switch e.AST().Type() {
	case parser.ValueTypeScalar:
		if literal, ok := e.AST().(*parser.NumberLiteral); ok && isFinite(literal.Val) {
			r.hint("where a number is allowed, write it without quotes")
		} else {
			r.hint("wrap it as vector(...)")
		}
	case parser.ValueTypeMatrix:
		r.hint("apply a function over the range, such as rate(...) or max_over_time(...)")
	default:
		r.hint("give an expression that selects or computes series")
	}
	return false
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// unused points at what is configured and has no effect.
func (v *validator) unused() {
	for _, name := range sortedKeys(v.config.Signals) {
		if path := join("signals", name); !v.used[path] {
			v.warnf(path, v.keys[path], "no model uses the signal %s", name).
				hint("give a variant a capacity for it, or take it out")
		}
	}
	for i, b := range v.config.Budgets {
		if path := index("budgets", i); !v.used["budget/"+b.Name] {
			v.warnf(path, nil, "no variant uses the budget %s", b.Name).hint("name it in a variant's uses, or take it out")
		}
	}
}
