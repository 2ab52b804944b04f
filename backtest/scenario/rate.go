package scenario

import (
	"math"
	"slices"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/trace"
)

// moment is what a load intends at one time.
type moment struct {
	rate          float64 // requests per second
	burstiness    float64
	input, output float64 // mean tokens
}

// The most burstiness that is simulated: beyond it a slot is empty or a flood, which says more of the recording than of the load.
const mostBurstiness = 64

// at is what a stream intends at a time, counted from the end of the warm-up.
func (l *Stream) at(t time.Duration) moment {
	m := moment{burstiness: max(1, l.Burstiness), input: l.InputTokens.Mean, output: l.OutputTokens.Mean}
	switch l.Shape {
	case Constant:
		m.rate = l.Rate
	case Steps:
		m.rate = l.step(t)
	case Ramp:
		done := float64(t-l.first()) / float64(l.Length)
		m.rate = l.From + (l.To-l.From)*min(1, max(0, done))
	case Diurnal:
		m.rate = l.Mean + l.Amplitude*math.Cos(2*math.Pi*(t-asTime(l.Peak)).Hours()/24)
	case Spikes, OnOff:
		into := (t - l.first()) % asTime(l.Every)
		if into < 0 {
			into += asTime(l.Every)
		}
		if into < asTime(l.Length) {
			m.rate = l.Rate
		}
	}
	return m
}

func (l *Stream) first() time.Duration {
	if l.First == nil {
		return 0
	}
	return asTime(*l.First)
}

// step is the rate of the last point at or before a time, or of the first point.
func (l *Stream) step(t time.Duration) float64 {
	type point struct {
		at   time.Duration
		rate float64
	}
	var points []point
	for key, rate := range l.Points {
		at, err := parseDuration(key)
		if err == nil { // others have been reported
			points = append(points, point{at, rate})
		}
	}
	slices.SortFunc(points, func(a, b point) int { return int(a.at - b.at) })
	rate := 0.0
	for i, p := range points {
		if i == 0 || p.at <= t {
			rate = p.rate
		}
	}
	return rate
}

// Changes are the times, from the end of the warm-up, at which the load of a stream steps up.
func (l *Stream) Changes(until time.Duration) []time.Duration {
	var steps []time.Duration
	switch l.Shape {
	case Steps:
		for key := range l.Points {
			if at, err := parseDuration(key); err == nil && at > 0 && at < until && l.step(at) > l.step(at-time.Second) {
				steps = append(steps, at)
			}
		}
	case Spikes, OnOff:
		for at := l.first(); at < until; at += asTime(l.Every) {
			steps = append(steps, at)
		}
	case Constant, Ramp, Diurnal:
	}
	slices.Sort(steps)
	return steps
}

// recorded is what a trace of windows says at a time after its start: rates and burstiness run in straight lines from the middle of
// one window to that of the next.
func (l *Stream) recorded(t *trace.Trace, at time.Duration) moment {
	x := at.Seconds()/t.Every.Seconds() - 0.5
	i := int(math.Floor(x))
	share := x - float64(i)
	last := len(t.Windows) - 1
	a, b := t.Windows[min(max(i, 0), last)], t.Windows[min(max(i+1, 0), last)]
	between := func(a, b float64) float64 { return a + share*(b-a) }
	w := t.Windows[min(int(at/t.Every), last)]
	m := moment{
		rate:       *l.Scale * between(a.Rate, b.Rate),
		burstiness: between(bounded(a.Burstiness), bounded(b.Burstiness)),
		input:      w.Input, output: w.Output,
	}
	if l.Burstiness > 0 {
		m.burstiness = l.Burstiness
	}
	if l.InputTokens.Mean > 0 {
		m.input = l.InputTokens.Mean
	}
	if l.OutputTokens.Mean > 0 {
		m.output = l.OutputTokens.Mean
	}
	return m
}

func bounded(burstiness float64) float64 { return min(max(burstiness, 1), mostBurstiness) }

// Times multiplies the load of a stream.
func (l *Stream) Times(f float64) {
	if l.Trace != "" {
		scale := *l.Scale * f
		l.Scale = &scale
		return
	}
	l.Rate, l.From, l.To, l.Mean, l.Amplitude = l.Rate*f, l.From*f, l.To*f, l.Mean*f, l.Amplitude*f
	for at := range l.Points {
		l.Points[at] *= f
	}
}
