package sim

import (
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/report"
)

// step is the time between two points of a course.
const step = time.Minute

// course keeps what the fleet did, minute by minute, from the end of the warm-up on.
type course struct {
	report.Timeline
	points  int
	arrived []float64 // by model, up to the last point
}

func newCourse(s *Sim) *course {
	c := &course{Timeline: report.Timeline{Step: step}, arrived: make([]float64, len(s.models))}
	for _, m := range s.models {
		c.Models = append(c.Models, report.ModelCourse{ID: m.Model.Model, TargetTTFT: m.ttft, TargetITL: m.itl})
	}
	for _, v := range s.variants {
		c.Variants = append(c.Variants, report.VariantCourse{ID: v.ID()})
	}
	return c
}

// elapse ends a minute when its time has come.
func (c *course) elapse(s *Sim) {
	if s.now-s.warmup < float64(c.points+1)*step.Seconds() {
		return
	}
	c.points++
	for i, m := range s.models {
		b, x := m.books, &c.Models[i]
		x.Rate = append(x.Rate, (b.arrived-c.arrived[i])/step.Seconds())
		c.arrived[i] = b.arrived
		x.Carried = append(x.Carried, s.carried(m))
		x.TTFT50 = append(x.TTFT50, b.lately.ttft.quantile(0.5))
		x.TTFT95 = append(x.TTFT95, b.lately.ttft.quantile(0.95))
		x.ITL95 = append(x.ITL95, b.lately.itl.quantile(0.95))
		b.lately.ttft.reset()
		b.lately.itl.reset()
	}
	cost := 0.0
	for i, v := range s.variants {
		n := s.census(v)
		cost += v.Cost * float64(n.ready+n.starting+n.pending+n.draining)
		x := &c.Variants[i]
		x.Desired = append(x.Desired, float64(v.spec))
		x.Ready = append(x.Ready, float64(n.ready))
		x.Starting = append(x.Starting, float64(n.starting))
		x.Pending = append(x.Pending, float64(n.pending))
		x.Draining = append(x.Draining, float64(n.draining))
	}
	c.Cost = append(c.Cost, cost)
}

// census counts the pods of a variant by state. Those that fail their probes count as starting.
type census struct{ ready, starting, pending, draining int }

func (s *Sim) census(v *variant) (n census) {
	for _, p := range s.pods {
		switch {
		case p.v != v:
		case p.serves(s.now):
			n.ready++
		case p.state == pending:
			n.pending++
		case p.state == draining:
			n.draining++
		default:
			n.starting++
		}
	}
	return n
}

// attained fills in the shares within targets, which are known at the end only.
func (c *course) attained(s *Sim) {
	for i, m := range s.models {
		for _, x := range m.books.minutes[:min(c.points, len(m.books.minutes))] {
			share := 1.0
			if x.arrived > 0 {
				share = min(1, x.good/x.arrived)
			}
			c.Models[i].Attained = append(c.Models[i].Attained, share)
		}
	}
}
