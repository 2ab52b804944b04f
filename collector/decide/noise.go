package decide

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/match"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// With headroom: auto, demand is planned by its trend and noise, and the multiple of the noise is measured on the last day. Both
// are read at fixed times, so two exporters, or one that was restarted, decide the same.
const (
	noiseWindow  = 10               // steps that trend and deviation are taken from
	noiseDay     = 24 * time.Hour   // that the multiple is measured on, whenever that is done
	noiseRefresh = 10 * time.Minute // how often the day is measured again
	noiseSettled = 2 * time.Minute  // after which samples are complete
	noiseReady   = time.Minute      // from ready to noticed, in addition to the startup
	noiseShare   = 0.97             // of forecasts that must be high enough
	noiseCap     = 2                // times the recent demand, at the most: a step in demand is not noise
)

// noiseOf is how far ahead a signal's demand is foreseen, in steps of its day.
func noiseOf(s *signal, step time.Duration) forecast.Noise {
	ahead := s.Lead + noiseReady
	return forecast.Noise{Window: noiseWindow, Lead: int((ahead + step - 1) / step), Quantile: noiseShare}
}

// withHeadroom is what to plan for: the expected demand plus the configured share, or as much as trend and noise ask for.
func (d *decider) withHeadroom(s *signal, now, expected float64) (planned float64, missing match.Missing) {
	fixed := expected * (1 + s.model.Headroom.Ratio)
	day := s.read.Absolute.Day
	if !day.Missing.OK() || len(day.Values) <= noiseWindow {
		return fixed, day.Missing
	}
	// What is held over the scale-down window is the plan: each moment of it counts with the noise of its own time.
	planned = d.byNoise(s, day.History, 0, now)
	window := &s.read.Absolute.Window
	for i, then := range window.Values {
		if ago := window.Ago(i); ago < time.Duration(*s.model.ScaleDownWindow) && !math.IsNaN(then) {
			if held := d.byNoise(s, day.History, ago, then); !math.IsNaN(held) && !(held <= planned) {
				planned = held
			}
		}
	}
	if math.IsNaN(planned) {
		return fixed, match.Missing{} // too little history
	}
	recent := forecast.Most(day.Values[len(day.Values)-noiseWindow:])
	return max(expected, min(planned, noiseCap*max(expected, recent))), match.Missing{}
}

// byNoise is what trend and noise asked for some time ago, when the demand was what it was then; NaN with too little history.
func (d *decider) byNoise(s *signal, day forecast.History, ago time.Duration, then float64) float64 {
	end := len(day.Until(ago).Values)
	multiple := d.Memory.multiple(s, noiseOf(s, day.Step), day, d.read.At, ago)
	if end < noiseWindow || math.IsNaN(multiple) {
		return math.NaN()
	}
	// That moment stands for the last step, which it is at most one step later than.
	recent := append(slices.Clone(day.Values[end-noiseWindow:end-1]), then)
	ahead, deviation, known := noiseOf(s, day.Step).Ahead(recent)
	if !known {
		return math.NaN()
	}
	return ahead + multiple*deviation
}
