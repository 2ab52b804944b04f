package faults

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"
)

// Scope says which queries a fault strikes.
type Scope string

// The scopes of a fault.
const (
	All      Scope = "all"      // every query
	One      Scope = "one"      // about one in eight, the same ones every time
	Flapping Scope = "flapping" // half of them, others every time
	Replicas Scope = "replicas" // those of kube-state-metrics' series
	Servers  Scope = "servers"  // those of the model servers' and gateways' series
)

// Strike is a fault of answers and when it happens.
type Strike struct {
	Fault    Fault
	Scope    Scope
	From, To time.Duration // since the start
	Key      uint64        // chooses the queries of One and Flapping
}

// String says it in a few words.
func (s Strike) String() string {
	return fmt.Sprintf("%s of %s from %s to %s", s.Fault, s.Scope, s.From, s.To)
}

// hits says whether the answer to an expression is struck at a time.
func (s Strike) hits(expr string, at time.Duration) bool {
	if at < s.From || at >= s.To {
		return false
	}
	switch s.Scope {
	case One:
		return s.draw(expr, 0)%8 == 0
	case Flapping:
		return s.draw(expr, at)%2 == 0
	case Replicas:
		return strings.Contains(expr, "kube_")
	case Servers:
		return strings.Contains(expr, "vllm:") || strings.Contains(expr, "llm_d_epp_")
	default:
		return true
	}
}

// draw is a number that depends on nothing but the strike, the expression and the time.
func (s Strike) draw(expr string, at time.Duration) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %s", s.Key, at, expr)
	return h.Sum64() >> 8
}

// Disturbance is something that goes wrong elsewhere than in an answer.
type Disturbance string

// The disturbances.
const (
	NoScrapes   Disturbance = "no scrapes"                // Prometheus reaches no target
	NoReplicas  Disturbance = "no kube-state-metrics"     // it cannot be scraped
	NoServers   Disturbance = "no model servers"          // no server and no gateway can be scraped
	NoPod       Disturbance = "a pod that is not scraped" // the first one, though it serves
	BadPod      Disturbance = "a pod that tells nonsense" // the first one: NaN
	Restart     Disturbance = "Prometheus restarts"       // refuses connections, scrapes nothing, and may lose a part of its history
	Skew        Disturbance = "clocks differ"             // the exporter's and Prometheus'
	NewExporter Disturbance = "the exporter restarts"     // it is not there for a while
)

// Trouble is a disturbance and when it happens.
type Trouble struct {
	Disturbance Disturbance
	From, To    time.Duration // since the start
	Marked      bool          // series that are not scraped are marked as stale, as Prometheus does and a remote storage may not
	Lost        time.Duration // of the history before a restart; negative: all
	Skew        time.Duration // by how much the exporter's clock is ahead
}

// Active says whether it happens at a time.
func (t Trouble) Active(at time.Duration) bool { return at >= t.From && at < t.To }

// String says it in a few words.
func (t Trouble) String() string {
	text := fmt.Sprintf("%s from %s to %s", t.Disturbance, t.From, t.To)
	switch t.Disturbance {
	case Skew:
		return fmt.Sprintf("%s by %s", text, t.Skew)
	case Restart:
		if t.Lost < 0 {
			return text + " and loses its history"
		}
		return fmt.Sprintf("%s and loses %s", text, t.Lost)
	case NewExporter:
		return text
	default:
		if !t.Marked {
			text += ", not marked as stale"
		}
		return text
	}
}

// Schedule is what goes wrong in one run.
type Schedule struct {
	Seed     uint64
	Strikes  []Strike
	Troubles []Trouble
}

// Options bound what a schedule is drawn from.
type Options struct {
	From, To time.Duration // everything happens between
	Step     time.Duration // everything begins and ends at a multiple of it
	Hour     bool          // there is a gap of an hour
}

// NewSchedule draws what goes wrong: faults of answers, disturbances, or both.
func NewSchedule(seed uint64, o Options) Schedule {
	rng := rand.New(rand.NewPCG(seed, 0))
	s := Schedule{Seed: seed}
	kinds := 1 + rng.IntN(3)
	if kinds&1 != 0 {
		for range 2 + rng.IntN(5) {
			s.Strikes = append(s.Strikes, drawStrike(rng, o))
		}
	}
	if kinds&2 != 0 {
		for range 1 + rng.IntN(3) {
			s.Troubles = append(s.Troubles, drawTrouble(rng, o))
		}
	}
	if o.Hour {
		all := []Disturbance{NoScrapes, NoReplicas, NoServers, NoPod, Restart}
		gap := Trouble{Disturbance: pick(rng, all), Marked: rng.IntN(2) == 0, From: o.From, To: o.From + time.Hour}
		s.Troubles = append(s.Troubles, gap)
	}
	return s
}

func drawStrike(rng *rand.Rand, o Options) Strike {
	s := Strike{
		Fault: pick(rng, OfAnswers()), Scope: pick(rng, []Scope{All, All, One, One, Flapping, Replicas, Servers}), Key: rng.Uint64(),
	}
	s.From, s.To = drawTimes(rng, o)
	return s
}

func drawTrouble(rng *rand.Rand, o Options) Trouble {
	all := []Disturbance{NoScrapes, NoReplicas, NoServers, NoPod, BadPod, Restart, Restart, Skew, NewExporter}
	t := Trouble{
		Disturbance: pick(rng, all), Marked: rng.IntN(3) > 0,
		Lost: pick(rng, []time.Duration{0, 2 * time.Minute, 5 * time.Minute, -1}),
		Skew: pick(rng, []time.Duration{-time.Minute, -20 * time.Second, 20 * time.Second, time.Minute}),
	}
	t.From, t.To = drawTimes(rng, o)
	return t
}

// drawTimes draws when something happens: for a step or two, or for much longer.
func drawTimes(rng *rand.Rand, o Options) (from, to time.Duration) {
	steps := int((o.To - o.From) / o.Step)
	first, length := rng.IntN(steps), 1+rng.IntN(2)
	if rng.IntN(2) == 0 {
		length = 1 + rng.IntN(steps)
	}
	return o.From + time.Duration(first)*o.Step, o.From + time.Duration(min(first+length, steps))*o.Step
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// Fault is what strikes the answer to an expression at a time.
func (s *Schedule) Fault(expr string, at time.Duration) Fault {
	for _, x := range s.Strikes {
		if x.hits(expr, at) {
			return x.Fault
		}
	}
	return None
}

// Trouble is the first disturbance of a kind at a time; nil where there is none.
func (s *Schedule) Trouble(d Disturbance, at time.Duration) *Trouble {
	for i := range s.Troubles {
		if t := &s.Troubles[i]; t.Disturbance == d && t.Active(at) {
			return t
		}
	}
	return nil
}

// String lists everything.
func (s Schedule) String() string {
	var parts []string
	for _, x := range s.Strikes {
		parts = append(parts, x.String())
	}
	for _, x := range s.Troubles {
		parts = append(parts, x.String())
	}
	return fmt.Sprintf("seed %d: %s", s.Seed, strings.Join(parts, "; "))
}
