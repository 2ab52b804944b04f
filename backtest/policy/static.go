package policy

import "time"

// static is a fleet that is sized for the busiest minute and never changed. What the scenario starts with stays until it is ready.
type static struct {
	replicas map[string]int
	begin    begin
}

func newStatic(s Setup) Policy {
	demand := map[string]float64{}
	for i := range s.Models {
		id := s.Models[i].ID
		demand[id] = busiest(s.Future.Arrivals[id], s.Future.Tick)
	}
	return static{newPlanner(s, 0).plan(demand), newBegin(s)}
}

func (static) Name() string { return "static" }

func (static) Acts() bool { return true }

func (s static) Desired(o *Observation) map[string]int { return s.begin.keep(o.At, s.replicas) }

// begin is what a scenario starts with, for policies that order another fleet at once: nothing of it goes before the other can be ready.
type begin struct {
	until    time.Duration
	replicas map[string]int
}

func newBegin(s Setup) begin {
	b := begin{replicas: map[string]int{}}
	for i := range s.Variants {
		v := &s.Variants[i]
		b.replicas[v.ID] = v.Current
		b.until = max(b.until, v.Facts.Startup+2*s.Every)
	}
	return b
}

// keep adds what the scenario starts with to what is wanted.
func (b begin) keep(at time.Duration, wanted map[string]int) map[string]int {
	if at >= b.until {
		return wanted
	}
	kept := map[string]int{}
	for id, n := range wanted {
		kept[id] = max(n, b.replicas[id])
	}
	return kept
}

// busiest returns the largest mean over a minute.
func busiest(rates []float64, tick time.Duration) float64 {
	ticks := max(1, int(time.Minute/tick))
	most, sum := 0.0, 0.0
	for i, r := range rates {
		sum += r
		if i >= ticks {
			sum -= rates[i-ticks]
		}
		most = max(most, sum/float64(min(i+1, ticks)))
	}
	return most
}
