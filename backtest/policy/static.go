package policy

import "time"

// static is a fleet that is sized for the busiest minute and never changed.
type static map[string]int

func newStatic(s Setup) Policy {
	demand := map[string]float64{}
	for i := range s.Models {
		id := s.Models[i].ID
		demand[id] = busiest(s.Future.Arrivals[id], s.Future.Tick)
	}
	return static(newPlanner(s, 0).plan(demand))
}

func (static) Name() string { return "static" }

func (static) Acts() bool { return true }

func (s static) Desired(*Observation) map[string]int { return s }

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
