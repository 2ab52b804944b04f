package fleet_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// at is a time in seconds since the start of a fleet.
func at(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

// server is a variant with room for 32 requests, 20 of which it serves within the targets of oneModel.
func server(name string, replicas int) fleet.Variant {
	return fleet.Variant{
		Name: name, Accelerator: "A", Cost: 2, Startup: 10 * time.Second, Blocks: 4000, BlockSize: 16, Replicas: replicas,
		Profile: fleet.Profile{Alpha: 10e-3, Beta: 50e-6, Gamma: 1e-6, MaxBatch: 32},
	}
}

// oneModel is a fleet of one model whose requests are all of 300 input and 60 output tokens.
func oneModel(load fleet.Load, variants ...fleet.Variant) fleet.Config {
	return fleet.Config{Models: []fleet.Model{{
		Name: "m", Namespace: "ns", Pool: "pool", Load: load, ReplicaQueue: 5, MinReplicas: 1, Variants: variants,
		Tokens: fleet.Tokens{Mean: fleet.Lengths{Input: 300, Output: 60}},
		SLO:    fleet.SLO{TTFT: 500 * time.Millisecond, ITL: 23 * time.Millisecond},
	}}}
}

func newFleet(t testing.TB, c fleet.Config) *fleet.Fleet {
	t.Helper()
	f, err := fleet.New(c, start, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// near fails a test unless got is within the fraction tolerance of want.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*want {
		t.Errorf("%s: got %.4f, want %.4f within %.1f %%", what, got, want, 100*tolerance)
	}
}

// TestSaturatedThroughput: a server with more work than it can do completes mu(max_batch) requests per second.
func TestSaturatedThroughput(t *testing.T) {
	t.Parallel()
	v, lengths := server("a", 1), fleet.Lengths{Input: 300, Output: 60}
	want := v.Profile.Rate(v.Profile.MaxBatch, lengths)
	f := newFleet(t, oneModel(fleet.Constant(2*want), v))
	f.Advance(at(30))
	before := f.Status()
	f.Advance(at(630))
	after := f.Status()

	near(t, "requests per second", float64(after.Models[0].Tally.Done-before.Models[0].Tally.Done)/600, want, 0.005)
	if p := after.Pods[0]; p.Running != 32 || p.Waiting != 5 {
		t.Errorf("saturated server: %d running and %d waiting, want 32 and 5, the rest in the gateway's queue", p.Running, p.Waiting)
	}
	tokens := after.Pods[0].Metrics.GenerationTokens - before.Pods[0].Metrics.GenerationTokens
	near(t, "output tokens per second", tokens/600, want*60, 0.005)
}

// TestStationary compares a server below saturation with queueing theory: Little's law, and the mean of the birth-death chain whose
// death rates are mu(n). The chain's mean is insensitive to the distribution of service times as long as nothing waits.
func TestStationary(t *testing.T) {
	t.Parallel()
	v, lengths := server("a", 1), fleet.Lengths{Input: 300, Output: 60}
	rate := 0.7 * v.Profile.Rate(v.Profile.MaxBatch, lengths)
	f := newFleet(t, oneModel(fleet.Constant(rate), v))

	const seconds, samples = 4000, 20000
	var inSystem float64
	for i := 1; i <= samples; i++ {
		f.Advance(at(float64(i) * seconds / samples))
		inSystem += float64(f.Status().Models[0].Demand()) / samples
	}
	s := f.Status()
	arrived := float64(s.Models[0].Tally.Arrived) / seconds
	near(t, "arrivals per second", arrived, rate, 0.02)
	response := s.Pods[0].Metrics.EndToEndLatency.Sum / float64(s.Pods[0].Metrics.EndToEndLatency.Count)
	near(t, "Little's law: in system against rate x response", inSystem, arrived*response, 0.01)

	p, total, mean := 1.0, 1.0, 0.0
	for n := 1; n <= 500; n++ {
		p *= arrived / v.Profile.Rate(n, lengths)
		total += p
		mean += float64(n) * p
	}
	near(t, "mean of the birth-death chain", inSystem, mean/total, 0.05)
}

// TestAccounts holds, for any fleet and whatever is done to it, what must be true of one at all times.
func TestAccounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := oneModel(fleet.Noisy(fleet.Constant(rapid.Float64Range(0, 40).Draw(t, "rate")), 0.5, time.Second, 1),
			server("a", rapid.IntRange(0, 3).Draw(t, "a")), server("b", rapid.IntRange(0, 2).Draw(t, "b")))
		c.Models[0].Tokens.Variation = rapid.Float64Range(0, 1).Draw(t, "variation")
		c.Models[0].Variants[1].Blocks = 100 // barely more than the longest request: the cache is what limits it
		f, err := fleet.New(c, start, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
		if err != nil {
			t.Fatal(err)
		}
		now := 0.0
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "scale") {
				if err := f.Scale(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "variant"), rapid.IntRange(0, 4).Draw(t, "replicas")); err != nil {
					t.Fatal(err)
				}
			}
			now += rapid.Float64Range(0, 8).Draw(t, "seconds")
			f.Advance(at(now))
			checkAccounts(t, f.Status())
		}
	})
}

func checkAccounts(t *rapid.T, s fleet.Status) {
	m := s.Models[0]
	if m.Tally.Arrived != m.Demand()+m.Tally.Done {
		t.Fatalf("%d arrived, but %d are in the system and %d done", m.Tally.Arrived, m.Demand(), m.Tally.Done)
	}
	if share := m.Tally.Attainment(); share < 0 || share > 1 {
		t.Fatalf("a share of %v within the target", share)
	}
	for _, v := range s.Variants {
		if v.Current != v.Desired || v.Ready > v.Current {
			t.Fatalf("%s: %d desired, %d current, %d ready", v.Name, v.Desired, v.Current, v.Ready)
		}
	}
	perHour := 0.0
	for _, p := range s.Pods {
		perHour += 2
		if p.KVCacheUsage < 0 || p.KVCacheUsage > 1 || p.Running > 32 || p.Waiting > 5 {
			t.Fatalf("%s: %d running, %d waiting, cache use %v", p.Name, p.Running, p.Waiting, p.KVCacheUsage)
		}
		if p.State == fleet.PodStarting && p.Running+p.Waiting > 0 {
			t.Fatalf("%s serves before it is ready", p.Name)
		}
		if got := p.Metrics.RequestGenerationTokens.Sum; got > p.Metrics.GenerationTokens {
			t.Fatalf("%s: its completed requests have %v output tokens, it counts %v in all", p.Name, got, p.Metrics.GenerationTokens)
		}
	}
	largest := 2 * math.Max(1, math.Ceil(float64(m.Demand())/float64(s.Variants[0].Capacity)))
	if s.Cost.PerHour != perHour || s.Cost.LargestPerHour != largest {
		t.Fatalf("cost per hour %v and on the largest %v, want %v and %v", s.Cost.PerHour, s.Cost.LargestPerHour, perHour, largest)
	}
}

// TestDeterminism: the seed decides what happens, and neither the number of steps nor looking on does.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	c := fleet.Demo()
	for i := range c.Models {
		c.Models[i].Tokens.Variation = 0 // requests alike: many things fall together
	}
	run := func(seed uint64, steps int) fleet.Status {
		f, err := fleet.New(c, start, rand.New(rand.NewPCG(seed, 0)))
		if err != nil {
			t.Fatal(err)
		}
		for half := range 2 {
			for i := range steps {
				f.Advance(at(30 * (float64(half) + float64(i+1)/float64(steps))))
				_ = f.Status()
			}
			if err := f.Scale("llama-8b-h100", 1-half); err != nil {
				t.Fatal(err)
			}
		}
		return f.Status()
	}
	once := run(1, 1)
	rounding := cmp.FilterPath(func(p cmp.Path) bool { return p.Index(1).String() == ".Cost" }, cmpopts.EquateApprox(1e-9, 0))
	if diff := cmp.Diff(once, run(1, 997), rounding); diff != "" {
		t.Errorf("in 1 and in 997 steps (-1 +997):\n%s", diff)
	}
	if other := run(2, 1); cmp.Equal(once.Models[0].Tally, other.Models[0].Tally) {
		t.Errorf("two seeds gave the same run: %+v", other.Models[0].Tally)
	}
	f := newFleet(t, fleet.Demo())
	f.Advance(at(5))
	f.Advance(at(1))
	if got := f.Status().Elapsed; got != 5*time.Second {
		t.Errorf("advanced to a time that has passed: the clock shows %v, want 5s", got)
	}
}

// TestDispatch: load is spread by capacity, and the gateway holds what nobody can take.
func TestDispatch(t *testing.T) {
	t.Parallel()
	small, large := server("small", 1), server("large", 1)
	large.Profile = fleet.Profile{Alpha: 5e-3, Beta: 12e-6, Gamma: 0.4e-6, MaxBatch: 128}
	c := oneModel(fleet.Constant(40), small, large)
	f := newFleet(t, c)
	capacity := map[string]float64{}
	for _, v := range f.Status().Variants {
		capacity[v.Name] = float64(v.Capacity)
	}
	load, samples := map[string]float64{}, 400
	for i := range samples {
		f.Advance(at(20 + float64(i)))
		for _, p := range f.Status().Pods {
			load[p.Variant] += float64(p.Running+p.Waiting) / float64(samples)
		}
	}
	near(t, "load against capacity", load["large"]/load["small"], capacity["large"]/capacity["small"], 0.1)

	empty := newFleet(t, oneModel(fleet.Constant(40), server("a", 0)))
	empty.Advance(at(10))
	if m := empty.Status().Models[0]; m.Queued != m.Tally.Arrived || m.Queued < 300 {
		t.Errorf("no replica: %d of %d requests are held by the gateway", m.Queued, m.Tally.Arrived)
	}
}

// TestLargestOnly: the twin gets the same requests, so that the two can be compared.
func TestLargestOnly(t *testing.T) {
	t.Parallel()
	c := fleet.Demo()
	f, twin := newFleet(t, c), newFleet(t, c.LargestOnly())
	f.Advance(at(60))
	twin.Advance(at(60))
	a, b := f.Status(), twin.Status()
	for i := range a.Models {
		if a.Models[i].Tally.Arrived != b.Models[i].Tally.Arrived {
			t.Errorf("%s: %d requests, the twin %d", a.Models[i].Name, a.Models[i].Tally.Arrived, b.Models[i].Tally.Arrived)
		}
	}
	var names []string
	for _, v := range b.Variants {
		names = append(names, v.Name)
	}
	if diff := cmp.Diff([]string{"llama-8b-h100", "llama-70b-h100x4"}, names); diff != "" {
		t.Errorf("variants of the twin (-want +got):\n%s", diff)
	}
}
