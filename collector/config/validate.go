package config

import (
	"math"
	"net/url"
	"regexp"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// PowerUse is the use that is measured in watts, whether or not a budget limits it: the most that a replica draws. MeanPowerUse is what it
// draws on average, for the cost of energy; where it is not known, PowerUse counts for that too.
const (
	PowerUse     = "power"
	MeanPowerUse = "mean_power"
)

// validator makes the checks that need more than one field, on a configuration whose defaults are filled in.
type validator struct {
	*strict.Decoder
	config  *Config
	budgets map[string]bool
	used    map[string]bool // signals and budgets in use, as signals.NAME and budget/NAME
	labels  map[string]labelClaim
	targets map[string]string // scale target -> path of the variant that has it
	names   map[string]string // variant name -> path
	presets map[string]*Preset
	remarks []func() // to be made where there is no mistake
}

// labelClaim is a label value that means one model.
type labelClaim struct{ path, model string }

func (v *validator) validate() {
	v.budgets, v.used = map[string]bool{}, map[string]bool{}
	v.labels, v.targets, v.names = map[string]labelClaim{}, map[string]string{}, map[string]string{}
	v.presets = map[string]*Preset{}
	v.sourceOfAnswers()
	if p := v.config.Prometheus; p != nil {
		v.httpClient("prometheus.http_config.", &p.HTTPConfig.HTTPClientConfig)
	}
	v.labelNames("labels", v.config.Labels)
	v.windows("defaults", v.config.Defaults)
	v.guards("defaults", v.config.Defaults.Guards)
	v.atLeastASecond("max_age", *v.config.MaxAge)
	v.atLeastASecond(rateWindowName, *v.config.RateWindow)
	if *v.config.RateWindow > longestRateWindow {
		v.Errorf(rateWindowName, nil, "%s is longer than %s", *v.config.RateWindow, longestRateWindow).Hint("rates are those of the present: four scrape intervals are enough")
	}
	v.scaleTargets()
	v.quantity("energy_price", v.config.EnergyPrice)
	for i, b := range v.config.Budgets {
		v.budget(strict.Index("budgets", i), b)
	}
	for _, name := range sortedKeys(v.config.Signals) {
		v.signal(strict.Join("signals", name), name, v.config.Signals[name])
	}
	for i := range v.config.Models {
		v.model(strict.Index("models", i), &v.config.Models[i])
	}
	v.sources()
	v.scrapes()
	if v.Err() == nil { // A mistake may hide the use of a setting.
		v.unused()
		v.unwitnessed()
		v.overridden()
		v.WarnToDos()
		for _, remark := range v.remarks {
			remark()
		}
	}
}

func (v *validator) sourceOfAnswers() {
	c := v.config
	switch {
	case c.Prometheus == nil && !c.ScrapeConfigs.Set:
		v.Errorf("", nil, "no data source: set prometheus.url or scrape_configs").
			Hint("with scrape_configs the exporter scrapes the targets itself")
		return
	case c.Prometheus == nil && c.FromRules:
		v.Errorf("recorded", v.Key("recorded"), "recorded is set, and the exporter scrapes itself: it evaluates no rules").
			Hint("set prometheus.url to a Prometheus that has the rules, or remove recorded")
		return
	case c.Prometheus == nil:
		return
	case c.ScrapeConfigs.Set || c.Global.Set:
		v.Errorf("prometheus", v.Key("prometheus"), "prometheus and scrape_configs are both set").
			Hint("keep prometheus, or global and scrape_configs: there is one data source")
	}
	v.address("prometheus.url", c.Prometheus.URL, "http://prometheus.monitoring:9090", "move them to prometheus.http_config, where they are kept secret")
	v.address("prometheus.external_url", c.Prometheus.ExternalURL, "https://prometheus.example.com", "remove them: a browser asks its user")
}

// address holds a base URL to be one. An empty one has been reported where it is required.
func (v *validator) address(path, address, example, cure string) {
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		v.Errorf(path, nil, "not a Prometheus URL").Hint("write it like %s", example)
	case u.User != nil:
		v.Errorf(path, nil, "credentials in the URL").Hint("%s", cure)
	}
}

func (v *validator) labelNames(path string, l LabelNames) {
	for key, name := range map[string]string{"namespace": l.Namespace, "model": l.Model, "variant": l.Variant} {
		if name != "" && v.Has(strict.Join(path, key)) && !isLabelName(name) {
			v.Errorf(strict.Join(path, key), nil, "%q is not a label name", name).Hint("letters, digits and underscores, not a digit first")
		}
	}
}

func (v *validator) scaleTargets() {
	targets := v.config.ScaleTargets
	if at := "scale_targets.labels.namespace"; v.Has(at) && !targets.Disabled && !isLabelName(targets.Labels.Namespace) {
		v.Errorf(at, nil, "%q is not a label name", targets.Labels.Namespace).Hint("letters, digits and underscores, not a digit first")
	}
	for key, e := range map[string]Expr{"current": targets.Current, "ready": targets.Ready, "rolling": targets.Rolling} {
		path := strict.Join("scale_targets", key)
		if v.Has(path) && v.vector(path, e) {
			v.mayCarry(path, e, targets.Labels.Namespace, matched)
			v.mayCarry(path, e, LabelTargetKind, matched)
			v.mayCarry(path, e, LabelTargetName, matched)
		}
	}
	for key, e := range map[string]Expr{"unschedulable": targets.Unplaced, "draining": targets.Draining} {
		path := strict.Join("scale_targets", key)
		if v.Has(path) && v.vector(path, e) {
			v.mayCarry(path, e, targets.Labels.Namespace, matched)
			v.mayCarry(path, e, "pod", matched)
		}
	}
}

// The labels by which replicas of scale targets are matched, besides the namespace label.
const (
	LabelTargetKind = "scale_target_kind"
	LabelTargetName = "scale_target_name"
)

func (v *validator) budget(path string, b Budget) {
	if b.Name != "" && v.budgets[b.Name] {
		v.Errorf(strict.Join(path, "name"), nil, "duplicate budget %q", b.Name).Hint("give each budget its own name")
	}
	v.budgets[b.Name] = true
	if b.Name == PowerUse && b.Unit != "" && b.Unit != "watts" {
		v.Errorf(strict.Join(path, "unit"), nil, "budget power has unit %q", b.Unit).Hint("the unit of power is watts")
	}
	for i, q := range b.Limit {
		at := strict.Join(path, "limit")
		if v.Has(strict.Index(at, i)) {
			at = strict.Index(at, i)
		}
		v.quantity(at, q)
	}
	v.quantity(strict.Join(path, "borrow"), b.Borrow)
}

var signalName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (v *validator) signal(path, name string, s Signal) {
	if !signalName.MatchString(name) {
		v.Errorf(path, v.Key(path), "%q is not a signal name", name).Hint("letters, digits and underscores, not a digit first")
	}
	if strict.IsNull(v.Node(path)) {
		return
	}
	v.labelNames(strict.Join(path, "labels"), s.Labels)
	// Ask the file whether an expression is set: a wrong one has been reported already.
	v.form(path, s)
	if s.OnMissing == OnMissingZero && !v.Means(strict.Join(path, "alive")) {
		v.Errorf(strict.Join(path, "on_missing"), nil, "on_missing: zero needs alive").
			Hint("set alive to an expression that is above zero while the source is up: only then does no result mean zero")
	}
	for key, e := range map[string]Expr{
		"demand": s.Demand, "usage": s.Usage, "queued": s.Queued, "alive": s.Alive, "sources": s.Sources, "silent": s.Silent, "frozen": s.Frozen,
		"latency": s.Latency, "input_tokens": s.InputTokens, "output_tokens": s.OutputTokens,
		"input_cv": s.InputCV, "output_cv": s.OutputCV,
		"observed_itl": s.ObservedITL, "observed_running": s.ObservedRunning,
		"observed_load": s.ObservedLoad, "observed_ttft_buckets": s.ObservedTTFT, "observed_itl_buckets": s.ObservedITLs,
		"observed_queue": s.ObservedQueue,
	} {
		v.vector(strict.Join(path, key), e)
	}
	v.quantity(strict.Join(path, "capacity"), s.Capacity)
	v.observed(path)
	if s.MaxAge != nil {
		v.atLeastASecond(strict.Join(path, "max_age"), *s.MaxAge)
	}
	v.identities(path, s)
}

// form checks that a signal has one of the three forms, and only the keys of that form.
func (v *validator) form(path string, s Signal) {
	var forms []string
	meant := false
	for _, key := range []string{"demand", "usage", "latency"} {
		meant = meant || v.Means(strict.Join(path, key))
		if v.Has(strict.Join(path, key)) {
			forms = append(forms, key)
		}
	}
	switch {
	case len(forms) > 1:
		v.Errorf(path, v.Key(path), "%s and %s are both set", forms[0], forms[1]).
			Hint("keep one: demand is absolute, per model; usage is a share of capacity, per variant; latency is a rate of requests")
	case !meant:
		v.Errorf(path, v.Key(path), "no expression: set demand, usage or latency").Hint("set one of them to a PromQL expression")
	case slices.Contains(forms, "latency"):
		v.latencyForm(path, s)
	}
}

// identities checks that a signal's results can be matched.
func (v *validator) identities(path string, s Signal) {
	if !v.config.Labels.valid() || !v.Sound(strict.Join(path, "labels")) {
		return
	}
	v.carriesIdentity(strict.Join(path, "demand"), s.Demand, v.modelLabels(s))
	v.carriesIdentity(strict.Join(path, "queued"), s.Queued, v.modelLabels(s))
	v.carriesIdentity(strict.Join(path, "latency"), s.Latency, v.modelLabels(s))
	v.carriesIdentity(strict.Join(path, "input_tokens"), s.InputTokens, v.modelLabels(s))
	v.carriesIdentity(strict.Join(path, "output_tokens"), s.OutputTokens, v.modelLabels(s))
	v.carriesIdentity(strict.Join(path, "input_cv"), s.InputCV, v.modelLabels(s))
	v.carriesIdentity(strict.Join(path, "output_cv"), s.OutputCV, v.modelLabels(s))
	v.carriesIdentity(strict.Join(path, "usage"), s.Usage, []string{s.Labels.Variant, labelPod})
	v.carriesIdentity(strict.Join(path, "observed_itl"), s.ObservedITL, []string{s.Labels.Variant, labelPod})
	v.carriesIdentity(strict.Join(path, "observed_running"), s.ObservedRunning, []string{s.Labels.Variant, labelPod})
	v.carriesIdentity(strict.Join(path, "observed_queue"), s.ObservedQueue, []string{s.Labels.Variant, labelPod})
	v.carriesIdentity(strict.Join(path, "observed_load"), s.ObservedLoad, []string{s.Labels.Variant, labelPod})
	for key, e := range map[string]Expr{"observed_ttft_buckets": s.ObservedTTFT, "observed_itl_buckets": s.ObservedITLs} {
		v.carriesIdentity(strict.Join(path, key), e, []string{s.Labels.Variant, labelPod})
	}
	if !s.Capacity.Query.IsZero() {
		v.carriesIdentity(strict.Join(path, "capacity"), s.Capacity.Query, []string{s.Labels.Variant, labelPod})
	}
	v.namespaced(path, s)
	v.witnesses(path, s)
}

// namespaced checks that a signal's results name a namespace: without it they could be those of any model of the same name.
func (v *validator) namespaced(path string, s Signal) {
	for key, e := range map[string]Expr{
		"demand": s.Demand, "usage": s.Usage, "queued": s.Queued, "latency": s.Latency,
		"input_tokens": s.InputTokens, "output_tokens": s.OutputTokens, "observed_itl": s.ObservedITL, "observed_running": s.ObservedRunning,
		"observed_load": s.ObservedLoad, "observed_ttft_buckets": s.ObservedTTFT, "observed_itl_buckets": s.ObservedITLs, "capacity": s.Capacity.Query,
	} {
		if at := strict.Join(path, key); v.Has(at) && v.Sound(at) && !e.IsZero() && e.AST().Type() == parser.ValueTypeVector {
			v.mayCarry(at, e, s.Labels.Namespace, matched)
		}
	}
}

// witnesses checks that those who tell a signal can be assigned to a namespace, and sources to a workload.
func (v *validator) witnesses(path string, s Signal) {
	const purpose = "which says whose source it is"
	for key, e := range map[string]Expr{"sources": s.Sources, "silent": s.Silent} {
		at := strict.Join(path, key)
		if e.IsZero() || e.AST().Type() != parser.ValueTypeVector || !v.Has(at) {
			continue
		}
		v.mayCarry(at, e, s.Labels.Namespace, purpose)
		if key == "sources" {
			v.mayCarry(at, e, labelPod, purpose)
		}
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

// quantity checks a quantity that is a PromQL expression.
func (v *validator) quantity(path string, q Quantity) {
	if q.Query.IsZero() {
		return
	}
	if v.Has(path + ".query") {
		path += ".query"
	}
	if v.vector(path, q.Query) {
		for _, l := range q.FromLabels {
			v.mayCarry(path, q.Query, l, "which from_labels reads")
		}
	}
}

// vector checks that an expression yields an instant vector.
func (v *validator) vector(path string, e Expr) bool {
	if e.IsZero() || e.AST().Type() == parser.ValueTypeVector {
		return !e.IsZero()
	}
	r := v.Errorf(path, nil, "expression yields a %s, but an instant vector is needed", e.AST().Type())
	switch e.AST().Type() {
	case parser.ValueTypeScalar:
		if literal, ok := e.AST().(*parser.NumberLiteral); ok && isFinite(literal.Val) {
			r.Hint("write a number without quotes, where a number is allowed")
		} else {
			r.Hint("wrap it as vector(...)")
		}
	case parser.ValueTypeMatrix:
		r.Hint("apply a function over the range, such as rate(...) or max_over_time(...)")
	default:
		r.Hint("use an expression that selects or computes series")
	}
	return false
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// unwitnessed remarks on own signals that add up sources, of which nothing can notice that one is missing, or only where its scrapes fail.
func (v *validator) unwitnessed() {
	said := map[string]bool{}
	for i := range v.config.Models {
		for _, s := range v.config.Models[i].ActiveSignals() {
			path := strict.Join("signals", s.configured())
			if said[path] || s.OfPreset() || !s.aggregates() || s.byPod() || !s.Silent.IsZero() || !v.config.CountedSources(&s.Signal).IsZero() {
				continue
			}
			said[path] = true
			wrong := "nothing witnesses the signal %s: that a source is missing from it would not be noticed"
			if !v.config.SilentSources(&s.Signal).IsZero() {
				wrong = "nothing counts who tells the signal %s: that a source is missing from it would be noticed only where its scrapes fail"
			}
			v.Warnf(path, v.Key(path), wrong, s.configured()).
				Hint("set sources: to an expression with one series for each pod that tells it, such as group by (namespace, model_name, pod) (METRIC)")
		}
	}
}

// unused warns about settings without effect.
func (v *validator) unused() {
	for _, name := range sortedKeys(v.config.Signals) {
		if path := strict.Join("signals", name); !v.used[path] {
			v.Warnf(path, v.Key(path), "no model uses the signal %s", name).
				Hint("give a variant a capacity for it, or remove it")
		}
	}
	for i, b := range v.config.Budgets {
		if path := strict.Index("budgets", i); !v.used["budget/"+b.Name] {
			v.Warnf(path, nil, "no variant uses the budget %s", b.Name).Hint("name it in a variant's uses, or remove it")
		}
	}
}
