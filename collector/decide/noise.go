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
	noise := noiseOf(s, day.Step)
	multiple := d.Memory.multiple(s, noise, day.History, d.read.At)
	if math.IsNaN(multiple) {
		return fixed, match.Missing{} // too little history
	}
	// The present stands for the last step, which it is at most one step later than.
	recent := append(slices.Clone(day.Values[len(day.Values)-noiseWindow:len(day.Values)-1]), now)
	ahead, deviation, known := noise.Ahead(recent)
	if !known {
		return fixed, match.Missing{}
	}
	return max(expected, ahead+multiple*deviation), match.Missing{}
}
