package discover

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/calibrate"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

const (
	observation = 5 * time.Minute // of one observation of a replica
	mostBatch   = 256             // requests in service: vLLM's usual --max-num-seqs
)

// calibrate finds the capacities of servers from how their latency rose with their load, as the command calibrate does, where their
// preset says what to ask. Where history does not tell, what was seen stays.
func (f *Fleet) calibrate(a *asker, from promapi.RangeQuerier) error {
	c, presets := f.preliminary()
	if c == nil || f.young() {
		return nil
	}
	end := f.At.Truncate(observation)
	subjects, err := calibrate.Gather(a.ctx, from, calibrate.History{
		Config: c, ReplicaLabel: "pod", From: end.Add(-f.History), To: end, Step: observation, MaxBatch: mostBatch,
	})
	if err != nil {
		return fmt.Errorf("ask for the latency of replicas: %w", err)
	}
	a.asked += calibrate.Queries * presets
	results := map[place]calibrate.Result{}
	for _, s := range subjects {
		s.SLO = &f.SLO
		results[place{s.Namespace, s.Variant}] = calibrate.Fit(s)
	}
	f.variants(func(m *Model, v *Variant) {
		if r, ok := results[place{m.Namespace.Text, v.Name.Text}]; ok {
			v.setCalibrated(f, m, r)
		}
	})
	return nil
}

// preliminary is the configuration without what calibration finds, of the models that it can be made for, and how many presets they
// have; nil without any.
func (f *Fleet) preliminary() (c *config.Config, presets int) {
	only := *f
	only.Models = nil
	says := map[string]bool{} // whether a preset says what the latency of its server is
	for _, m := range f.Models {
		said, seen := says[m.server.preset]
		if !seen {
			c, err := config.PresetCalibration(m.server.preset)
			said = err == nil && !c.IsZero()
			says[m.server.preset] = said
			if said {
				presets++
			}
		}
		if said {
			only.Models = append(only.Models, m)
		}
	}
	if presets == 0 {
		return nil, 0
	}
	c, _ = config.Load("init", only.String())
	return c, presets
}

// sayWhyNot says of a capacity that was only seen why history does not tell more.
func (v *Variant) sayWhyNot(m *Model, r calibrate.Result) {
	why := "no rate is sure to be within the targets"
	switch {
	case r.Error != "":
		why = strings.TrimSuffix(strings.TrimPrefix(r.Error, "cannot fit a profile: "), calibrate.UnlessExpr)
	case r.Capacity != nil && r.Capacity.Reason != "":
		why = r.Capacity.Reason
	}
	said := &v.Concurrency
	if m.rate() {
		said = &v.Tokens
	}
	said.From += ". The latency seen does not tell more: " + why
}

// setCalibrated replaces what was seen by what a replica carries within the targets, at the low end of what is sure.
func (v *Variant) setCalibrated(f *Fleet, m *Model, r calibrate.Result) {
	c := r.Capacity
	if r.Error != "" || c == nil || c.Reason != "" || c.Rate.Low <= 0 {
		v.sayWhyNot(m, r)
		return
	}
	tokens, inService := math.Floor(c.Rate.Low*c.Lengths.Output), math.Floor(c.Concurrency.Low)
	if tokens < 1 || inService < 1 {
		return
	}
	sure := fmt.Sprintf("%.3g requests/s of %.0f + %.0f tokens (%.3g to %.3g at 95 %%), for a mean TTFT of %gs and ITL of %gms, fitted to %d observations in %s",
		c.Rate.Value, c.Lengths.Input, c.Lengths.Output, c.Rate.Low, c.Rate.High, f.SLO.TTFT, 1000*f.SLO.ITL, len(r.Observations), f.span())
	toDo := "are these your targets? Else give --slo.ttft and --slo.itl"
	switch {
	case len(r.Warnings) > 0:
		toDo = "does a benchmark confirm it? calibrate warns: " + r.Warnings[0]
	case c.Extrapolated:
		toDo = "no load as high was seen: measure it"
	}
	v.Concurrency = Value{Text: number(inService), From: "requests in service at the low end of " + sure, ToDo: toDo}
	if m.rate() {
		v.Tokens = Value{Text: number(tokens), From: "low end of " + sure, ToDo: toDo}
		v.Concurrency = Value{Text: number(inService), From: "requests in service at that rate"}
	}
}
