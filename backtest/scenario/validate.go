package scenario

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/backtest/trace"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// maxLength bounds the virtual time of a scenario.
const maxLength = 366 * 24 * time.Hour

type validator struct {
	*strict.Decoder
	scenario *Scenario
	dir      string
	models   []string
	variants []string // names
}

func (v *validator) validate() {
	s := v.scenario
	if v.Has("duration") && s.Duration <= 0 {
		v.Errorf("duration", nil, "no time is scored").Hint("write a time such as 24h")
	}
	if s.Length() > maxLength {
		v.Errorf("duration", nil, "duration and warmup are longer than a year").Hint("shorten them")
	}
	v.checkModels()
	v.checkVariants()
	for i := range s.Load {
		v.stream(strict.Index("load", i), &s.Load[i])
	}
	for i := range s.Events {
		v.event(strict.Index("events", i), &s.Events[i])
	}
	v.rules("autoscaler.scale_up", &s.Autoscaler.ScaleUp)
	v.rules("autoscaler.scale_down", &s.Autoscaler.ScaleDown)
	if v.Has("autoscaler.activation") && s.Autoscaler.Kind != KEDA {
		v.Errorf("autoscaler.activation", v.Key("autoscaler.activation"), "activation does nothing for %s", s.Autoscaler.Kind).Hint("it belongs to keda")
	}
	v.expectations()
}

func (v *validator) rules(at string, r *ScaleRules) {
	for i, p := range r.Policies {
		path := strict.Index(strict.Join(at, "policies"), i)
		if n := count(v.Has(strict.Join(path, "percent")), v.Has(strict.Join(path, "replicas"))); n != 1 {
			v.Errorf(path, nil, "%d of percent and replicas", n).Hint("set one of them")
		}
		if p.Per <= 0 && v.Has(strict.Join(path, "per")) {
			v.Errorf(strict.Join(path, "per"), nil, "no time").Hint("write a time such as 15s")
		}
	}
}

func (v *validator) checkModels() {
	for i := range v.scenario.Models {
		m := &v.scenario.Models[i]
		at := strict.Join(strict.Index("models", i), "model")
		if m.Model == "" {
			continue
		}
		namespace, name, ok := strings.Cut(m.Model, "/")
		switch {
		case !ok || namespace == "" || name == "":
			v.Errorf(at, nil, "%q has no namespace", m.Model).Hint("write namespace/name, such as llm/%s", m.Model)
		case slices.Contains(v.models, m.Model):
			v.Errorf(at, nil, "a second model %q", m.Model).Hint("keep one of them; a model may have several loads and variants")
		}
		v.models = append(v.models, m.Model)
	}
}

func (v *validator) checkVariants() {
	served := map[string]bool{}
	ids := map[string]bool{}
	for i := range v.scenario.Variants {
		x := &v.scenario.Variants[i]
		at := strict.Index("variants", i)
		served[x.Model] = true
		v.variants = append(v.variants, x.Name)
		if ids[x.ID()] {
			v.Errorf(strict.Join(at, "name"), nil, "a second variant %q", x.ID()).Hint("give it another name")
		}
		ids[x.ID()] = true
		if v.Has(strict.Join(at, "model")) && !slices.Contains(v.models, x.Model) {
			v.Unknown(strict.Join(at, "model"), v.Node(strict.Join(at, "model")), "model", x.Model, v.models)
		}
		if _, ok := v.scenario.Pools[x.Pool]; !ok && x.Pool != "" {
			v.Unknown(strict.Join(at, "pool"), v.Node(strict.Join(at, "pool")), "pool", x.Pool, slices.Collect(maps.Keys(v.scenario.Pools)))
		}
		if *x.TellingPods > *x.PodsPerReplica {
			v.Errorf(strict.Join(at, "telling_pods"), nil, "%d of %d pods tell", *x.TellingPods, *x.PodsPerReplica).Hint("at most pods_per_replica")
		}
		if v.Has(strict.Join(at, "profile.alpha")) && x.Profile.Alpha <= 0 {
			v.Errorf(strict.Join(at, "profile.alpha"), nil, "an iteration cannot take 0 s").Hint("set the measured time, such as 12ms")
		}
	}
	for i, m := range v.models {
		if !served[m] {
			v.Errorf(strict.Index("models", i), nil, "no variant serves %s", m).Hint("add one under variants")
		}
	}
	v.firstReplicas()
}

// firstReplicas reports more replicas at the start than a pool has room for: they are ready then.
func (v *validator) firstReplicas() {
	used := map[string]int{}
	for i := range v.scenario.Variants {
		x := &v.scenario.Variants[i]
		used[x.Pool] += x.Replicas * *x.Accelerators
		if size, ok := v.scenario.Pools[x.Pool]; ok && used[x.Pool] > size {
			v.Errorf(strict.Join(strict.Index("variants", i), "replicas"), nil, "the replicas at the start need %d accelerators of pool %s, which has %d",
				used[x.Pool], x.Pool, size).Hint("start with fewer, or enlarge the pool")
		}
	}
}

func (v *validator) stream(at string, l *Stream) {
	if l.Model != "" && !slices.Contains(v.models, l.Model) {
		v.Unknown(strict.Join(at, "model"), v.Node(strict.Join(at, "model")), "model", l.Model, v.models)
	}
	switch {
	case l.Trace == "" && l.Shape == "":
		v.Errorf(at, nil, "neither trace nor shape").Hint("set one of them")
		return
	case l.Trace != "" && l.Shape != "":
		v.Errorf(strict.Join(at, "shape"), v.Key(strict.Join(at, "shape")), "trace and shape are both set").Hint("keep one; a model may have several loads")
		return
	case l.Trace != "":
		v.trace(at, l)
		return
	}
	for _, key := range []string{"input_tokens", "output_tokens"} {
		if !v.Has(strict.Join(at, key)) {
			v.Errorf(at, nil, "%s is missing", key).Hint("a shape needs the lengths of its requests: 580, or {mean: 580, cv: 1}")
		}
	}
	v.shape(at, l)
}

// keysOf are the keys that a shape takes, the required ones first; the rest after the empty one.
func keysOf(s Shape) []string {
	switch s {
	case Constant:
		return []string{"rate", ""}
	case Steps:
		return []string{"points", ""}
	case Ramp:
		return []string{"from", "to", "length", "", "first"}
	case Diurnal:
		return []string{"mean", "", "amplitude", "peak"}
	case Spikes, OnOff:
		return []string{"rate", "every", "length", "", "first"}
	}
	return []string{""}
}

func (v *validator) shape(at string, l *Stream) {
	allowed := keysOf(l.Shape)
	required := allowed[:slices.Index(allowed, "")]
	for _, key := range required {
		if !v.Has(strict.Join(at, key)) && v.Sound(strict.Join(at, "shape")) {
			v.Errorf(at, nil, "%s is missing", key).Hint("%s needs %s", l.Shape, strings.Join(required, ", "))
		}
	}
	for _, key := range []string{"rate", "points", "from", "to", "mean", "amplitude", "peak", "first", "every", "length", "scale"} {
		if v.Has(strict.Join(at, key)) && !slices.Contains(allowed, key) && v.Sound(strict.Join(at, "shape")) {
			v.Errorf(strict.Join(at, key), v.Key(strict.Join(at, key)), "%s does nothing for %s", key, l.Shape).Hint("remove it")
		}
	}
	if l.Every > 0 && l.Length > l.Every {
		v.Errorf(strict.Join(at, "length"), nil, "length is longer than every").Hint("a spike ends before the next begins")
	}
	if l.Amplitude > l.Mean {
		v.Errorf(strict.Join(at, "amplitude"), nil, "amplitude is above the mean: the rate would be below 0").Hint("at most %v", l.Mean)
	}
	for key := range l.Points {
		if _, err := parseDuration(key); err != nil {
			v.Errorf(strict.Join(strict.Join(at, "points"), key), v.Key(strict.Join(strict.Join(at, "points"), key)), "%q is not a time", key).
				Hint("write it like 0s, 90m or 2h")
		}
	}
}

// trace reads the trace of a load. What is wrong in it is reported where the scenario names it, with its own place.
func (v *validator) trace(at string, l *Stream) {
	path := strict.Join(at, "trace")
	name := l.Trace
	if !filepath.IsAbs(name) {
		name = filepath.Join(v.dir, name)
	}
	t, err := trace.Open(name)
	if err == nil {
		err = t.Covers(v.scenario.Length())
	}
	if err != nil {
		v.Errorf(path, nil, "%v", err).Hint("a trace that is broken or too short would look like a quiet time")
		return
	}
	if t.CutOff {
		v.Warnf(path, nil, "the last line of %s has no end: the file may have been cut off", name).Hint("the trace is long enough; end it with a line break")
	}
	v.scenario.Traces[l.Trace] = t
	for _, key := range slices.Concat(keysOf(Steps), keysOf(Ramp), keysOf(Diurnal), keysOf(Spikes)) {
		if key != "" && v.Has(strict.Join(at, key)) {
			v.Errorf(strict.Join(at, key), v.Key(strict.Join(at, key)), "%s does nothing for a trace", key).Hint("remove it; scale changes the rate")
		}
	}
}

func (v *validator) expectations() {
	e := &v.scenario.Expect
	for name, b := range e.Named() {
		v.bounds(strict.Join("expect", name), b)
	}
	for i := range e.Desired {
		x := &e.Desired[i]
		at := strict.Index("expect.desired", i)
		v.bounds(at, &x.Bounds)
		if x.Variant != "" && !slices.Contains(v.variants, x.Variant) {
			v.Unknown(strict.Join(at, "variant"), v.Node(strict.Join(at, "variant")), "variant", x.Variant, v.variants)
		}
		if x.At > v.scenario.Duration {
			v.Errorf(strict.Join(at, "at"), nil, "the expectation is after the end").Hint("at most %s, the duration", v.scenario.Duration)
		}
	}
}

func (v *validator) bounds(at string, b *Bounds) {
	switch {
	case b == nil:
	case b.Min == nil && b.Max == nil:
		v.Errorf(at, nil, "neither min nor max").Hint("set at least one of them")
	case b.Min != nil && b.Max != nil && *b.Min > *b.Max:
		v.Errorf(at, nil, "min %v is above max %v", *b.Min, *b.Max).Hint("nothing could hold")
	}
}

func parseDuration(text string) (time.Duration, error) {
	d, err := model.ParseDuration(text)
	return time.Duration(d), err
}

var errNotSelector = errors.New("not a selector")

// asTime is a time of the file.
func asTime(d config.Duration) time.Duration { return time.Duration(d) }
