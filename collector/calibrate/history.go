package calibrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// maxSteps is how many points Prometheus returns of a series at most.
const maxSteps = 11000

// History is a question for what was seen of the replicas of a configuration's variants.
type History struct {
	Config *config.Config
	// Expressions are asked of all replicas. Where they are empty, those of a model are asked what its presets say.
	Expressions Expressions
	// Change, if any, says what to ask instead of what a preset says.
	Change func(Expressions) Expressions
	// ReplicaLabel tells replicas apart, such as pod.
	ReplicaLabel string
	From, To     time.Time
	// Step is the span of one observation. It should hold several scrapes and many requests.
	Step time.Duration
	// MaxBatch is for variants whose configuration has no profile.
	MaxBatch int
	// MaxBatchTokens is likewise, 0 without a bound.
	MaxBatchTokens int
	// KVTokens is likewise.
	KVTokens int
}

// Gather asks for the history of all variants. There is a subject for each variant of the configuration, in its order, also where
// nothing was seen of it.
func Gather(ctx context.Context, from promapi.RangeQuerier, h History) ([]Subject, error) {
	span, err := h.span()
	if err != nil {
		return nil, err
	}
	g := h.gathering()
	asked, err := h.asked()
	if err != nil {
		return nil, err
	}
	for _, a := range asked {
		for _, q := range a.queries {
			answer, err := from.QueryRange(ctx, q.expr, span)
			if err != nil {
				return nil, fmt.Errorf("ask for %s: %w", q.name, err)
			}
			for _, s := range answer {
				if err := g.add(a.models, q, s); err != nil {
					return nil, err
				}
			}
		}
	}
	return g.subjects(span), nil
}

// asked are questions about the replicas of some models.
type asked struct {
	expressions Expressions
	models      []*config.Model
	queries     []query
}

// asked are the questions, each once for all models that it is for.
func (h *History) asked() ([]asked, error) {
	var all []asked
	for i := range h.Config.Models {
		m := &h.Config.Models[i]
		e, err := h.expressions(m)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(all, func(a asked) bool { return a.expressions == e })
		if at < 0 {
			queries, err := h.queries(e)
			if err != nil {
				return nil, err
			}
			at = len(all)
			all = append(all, asked{expressions: e, queries: queries})
		}
		all[at].models = append(all[at].models, m)
	}
	return all, nil
}

// span is the range to ask for: each step looks back over itself, so that the first ends one step after From. It lies on whole
// steps of the clock: the same question asked again a minute later is about the same steps, and no time is rounded on the way.
func (h *History) span() (v1.Range, error) {
	switch {
	case h.Step < time.Second || h.Step%time.Second != 0:
		return v1.Range{}, fmt.Errorf("a step of %v: want whole seconds", h.Step)
	case h.To.Sub(h.From) < h.Step*calibration.MinObservations:
		return v1.Range{}, fmt.Errorf("%v from %s to %s is less than %d steps of %v", h.To.Sub(h.From),
			h.From.UTC().Format(time.RFC3339), h.To.UTC().Format(time.RFC3339), calibration.MinObservations, h.Step)
	case h.To.Sub(h.From) > h.Step*maxSteps:
		return v1.Range{}, fmt.Errorf("%v in steps of %v are more than the %d points that Prometheus returns of a series: make the step at least %v",
			h.To.Sub(h.From), h.Step, maxSteps, (h.To.Sub(h.From)/maxSteps).Round(time.Second)+time.Second)
	}
	return v1.Range{Start: h.From.Truncate(h.Step).Add(h.Step), End: h.To.Truncate(h.Step), Step: h.Step}, nil
}

func (h *History) gathering() *gathering {
	g := &gathering{History: h, owners: match.NewOwners(h.Config), variants: map[*config.Variant]*seenVariant{}}
	for i := range h.Config.Models {
		m := &h.Config.Models[i]
		for j := range m.Variants {
			v := &seenVariant{model: m, variant: &m.Variants[j], replicas: map[string]*seenReplica{}}
			g.variants[v.variant] = v
			g.order = append(g.order, v)
		}
	}
	return g
}

// gathering collects answers.
type gathering struct {
	*History
	owners   *match.Owners
	variants map[*config.Variant]*seenVariant
	order    []*seenVariant
}

type seenVariant struct {
	model    *config.Model
	variant  *config.Variant
	replicas map[string]*seenReplica
}

// seenReplica holds, for each series, its values by time.
type seenReplica [allSeries]map[model.Time]float64

// errNoReplica is for series that cannot be told apart by replica.
var errNoReplica = errors.New("series without it are sums over replicas, which say nothing of one")

// add files one series. Series of what is no variant, or one of other models, are left out.
func (g *gathering) add(of []*config.Model, q query, s *model.SampleStream) error {
	owner, variant, ok := g.owners.Of(s.Metric, g.Config.Labels)
	if !ok || !slices.Contains(of, owner) {
		return nil
	}
	name := string(s.Metric[model.LabelName(g.ReplicaLabel)])
	if name == "" {
		return fmt.Errorf("%s of %s has no label %s: %w", q.name, variant.Name, g.ReplicaLabel, errNoReplica)
	}
	v := g.variants[variant]
	replica := v.replicas[name]
	if replica == nil {
		replica = &seenReplica{}
		v.replicas[name] = replica
	}
	if replica[q.series] != nil {
		return fmt.Errorf("%s: two series for %s %s of %s", q.name, g.ReplicaLabel, name, variant.Name)
	}
	values := make(map[model.Time]float64, len(s.Values))
	for _, p := range s.Values {
		values[p.Timestamp] = float64(p.Value)
	}
	replica[q.series] = values
	return nil
}

func (g *gathering) subjects(span v1.Range) []Subject {
	subjects := make([]Subject, 0, len(g.order))
	for _, v := range g.order {
		s := Subject{
			Namespace: v.model.Namespace, Model: v.model.Name, Variant: v.variant.Name,
			Dropped: map[string]int{}, MaxBatch: g.MaxBatch, MaxBatchTokens: g.MaxBatchTokens, KVTokens: g.KVTokens, SLO: slo(v.model.SLO),
		}
		s.MaxQueue = latency.DefaultMaxQueue(s.MaxBatch)
		if name, _ := v.model.Calibration(); name != "" && name != defaultPreset {
			s.asked = "those of the preset " + name
		}
		if p := v.variant.Profile; p != nil {
			s.MaxBatch, s.MaxQueue, s.MaxBatchTokens, s.KVTokens = p.MaxBatch, latency.DefaultMaxQueue(p.MaxBatch), p.MaxBatchTokens, p.KVTokens
			if p.MaxQueue != nil {
				s.MaxQueue = *p.MaxQueue
			}
		}
		v.observe(&s, span)
		subjects = append(subjects, s)
	}
	return subjects
}

func slo(s *config.SLO) *latency.SLO {
	if s == nil {
		return nil
	}
	targets := &latency.SLO{TTFT: float64(s.TTFT), ITL: float64(s.ITL)}
	if s.Quantile != nil {
		targets.Quantile = *s.Quantile
	}
	return targets
}
