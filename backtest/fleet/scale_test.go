package fleet_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
)

// states are the states of a fleet's pods, in the order of their creation.
func states(f *fleet.Fleet) string {
	var all []string
	for _, p := range f.Status().Pods {
		all = append(all, string(p.State))
	}
	return strings.Join(all, " ")
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	f := newFleet(t, oneModel(fleet.Constant(20), server("a", 1)))
	for _, step := range []struct {
		at    float64
		scale int
		want  string
		why   string
	}{
		{5, 1, "ready", "as configured"},
		{5, 3, "ready starting starting", "new pods start"},
		{14.9, 3, "ready starting starting", "for ten seconds"},
		{15, 3, "ready ready ready", "then they are ready"},
		{20, 4, "ready ready ready starting", "one more"},
		{21, 2, "ready ready terminating", "one that is not ready goes first and at once, the newest ready one has work to finish"},
		{60, 2, "ready ready", "it has finished it"},
		{60, 2, "ready ready", "asking for what there is changes nothing"},
		{61, 0, "terminating terminating", "to zero"},
		{61.1, 1, "terminating terminating starting", "terminating pods do not come back"},
		{90, 1, "ready", "they are gone"},
	} {
		f.Advance(at(step.at))
		if err := f.Scale("a", step.scale); err != nil {
			t.Fatal(err)
		}
		if got := states(f); got != step.want {
			t.Errorf("at %v s, %d replicas: %s, want %s: %s", step.at, step.scale, got, step.want, step.why)
		}
	}
	if err := f.Scale("b", 1); err == nil || err.Error() != `scale "b": no such variant` {
		t.Errorf("a variant that is not there: %v", err)
	}
	if err := f.Scale("a", -1); err == nil || err.Error() != `scale "a": -1 replicas` {
		t.Errorf("less than no replicas: %v", err)
	}
}

// TestDraining: what a terminating pod has, it completes; it gets nothing new.
func TestDraining(t *testing.T) {
	t.Parallel()
	f := newFleet(t, oneModel(fleet.Constant(30), server("a", 1)))
	f.Advance(at(30))
	if err := f.Scale("a", 0); err != nil {
		t.Fatal(err)
	}
	before := f.Status()
	held := before.Pods[0].Running + before.Pods[0].Waiting
	if held < 32 {
		t.Fatalf("only %d requests in the pod, the test needs a full one", held)
	}
	last := held
	for i := 1; states(f) != ""; i++ {
		if i > 1000 {
			t.Fatalf("not drained after 100 s: %d requests left", last)
		}
		f.Advance(at(30 + float64(i)/10))
		if pods := f.Status().Pods; len(pods) > 0 {
			now := pods[0].Running + pods[0].Waiting
			if now > last {
				t.Fatalf("a terminating pod went from %d to %d requests", last, now)
			}
			last = now
		}
	}
	if done := f.Status().Models[0].Tally.Done - before.Models[0].Tally.Done; done != held {
		t.Errorf("%d requests completed while draining, want the %d that it had", done, held)
	}
}

// TestCost: every pod is paid for from its creation until it is gone.
func TestCost(t *testing.T) {
	t.Parallel()
	f := newFleet(t, oneModel(fleet.Constant(0), server("a", 1)))
	f.Advance(at(1800))
	if err := f.Scale("a", 3); err != nil {
		t.Fatal(err)
	}
	f.Advance(at(3600))
	got := f.Status().Cost
	// 2 per replica and hour: one for an hour, two more, ten seconds of it starting, for half an hour. No demand needs the
	// minimum of one replica.
	want := fleet.Cost{PerHour: 6, Total: 4, LargestPerHour: 2, LargestTotal: 2}
	near(t, "cost so far", got.Total, want.Total, 1e-9)
	near(t, "cost so far on the largest", got.LargestTotal, want.LargestTotal, 1e-9)
	if got.PerHour != want.PerHour || got.LargestPerHour != want.LargestPerHour {
		t.Errorf("cost per hour %v and %v, want %v and %v", got.PerHour, got.LargestPerHour, want.PerHour, want.LargestPerHour)
	}
}

func TestPodNames(t *testing.T) {
	t.Parallel()
	f := newFleet(t, oneModel(fleet.Constant(0), server("a-b", 5)))
	pattern := regexp.MustCompile(`^a-b-([bcdfghjklmnpqrstvwxz2456789]{10})-[bcdfghjklmnpqrstvwxz2456789]{5}$`)
	names, hashes := map[string]bool{}, map[string]bool{}
	for _, p := range f.Status().Pods {
		match := pattern.FindStringSubmatch(p.Name)
		if match == nil {
			t.Fatalf("pod name %q is not one that a Deployment's pod has", p.Name)
		}
		names[p.Name], hashes[match[1]] = true, true
	}
	if len(names) != 5 || len(hashes) != 1 {
		t.Errorf("5 pods have %d names and %d template hashes, want 5 and 1", len(names), len(hashes))
	}
}

func TestAttainment(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		tally fleet.Tally
		want  float64
	}{
		{fleet.Tally{}, 1},
		{fleet.Tally{Arrived: 5}, 1},
		{fleet.Tally{FirstTokens: 8, WithinTTFT: 6}, 0.75},
		{fleet.Tally{FirstTokens: 8, WithinTTFT: 6, Overdue: 4}, 0.5},
		{fleet.Tally{Overdue: 1}, 0},
	} {
		if got := tc.tally.Attainment(); got != tc.want {
			t.Errorf("%+v: %v, want %v", tc.tally, got, tc.want)
		}
	}
	f := newFleet(t, oneModel(fleet.Constant(10), server("a", 0)))
	f.Advance(at(10))
	tally := f.Status().Models[0].Tally // nothing serves: all but those of the last half second are too late
	if tally.Overdue < 80 || tally.Overdue >= tally.Arrived || tally.Attainment() != 0 {
		t.Errorf("nothing serves: %+v", tally)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := func() fleet.Config { return oneModel(fleet.Constant(1), server("a", 1)) }
	for want, spoil := range map[string]func(c *fleet.Config){
		`model "m": a second inference pool "ns/pool"` + "\n" + `variant "a": a second one of this name`: func(c *fleet.Config) {
			c.Models = append(c.Models, c.Models[0])
		},
		`model "": name, namespace and inference pool are needed`: func(c *fleet.Config) { c.Models[0].Name = "" },
		`model "m": a load is needed`:                             func(c *fleet.Config) { c.Models[0].Load = nil },
		`model "m": requests need at least one input and one output token`: func(c *fleet.Config) {
			c.Models[0].Tokens.Mean.Output, c.Models[0].SLO = 0, fleet.SLO{}
		},
		`model "m": variation, replica queue and minimum of replicas must not be negative`: func(c *fleet.Config) { c.Models[0].ReplicaQueue = -1 },
		`variant "": a name is needed`: func(c *fleet.Config) { c.Models[0].Variants[0].Name = "" },
		`variant "a": a profile needs alpha > 0, beta and gamma >= 0 and a max batch of at least 1`: func(c *fleet.Config) {
			c.Models[0].Variants[0].Profile.Alpha = 0
		},
		`variant "a": cost and startup must not be negative`: func(c *fleet.Config) { c.Models[0].Variants[0].Cost = -1 },
		`variant "a": replicas, min and max must not be negative, nor max below min`: func(c *fleet.Config) {
			c.Models[0].Variants[0].Min, c.Models[0].Variants[0].Max = 2, 1
		},
		`variant "a": a block of the key-value cache holds at least one token`: func(c *fleet.Config) { c.Models[0].Variants[0].BlockSize = 0 },
		`variant "a": the longest request takes 23 blocks of key-value cache, there are 22`: func(c *fleet.Config) {
			c.Models[0].Variants[0].Blocks = 22
		},
		`variant "a": not even one request meets the targets of 500ms to the first token and 1ms between tokens`: func(c *fleet.Config) {
			c.Models[0].SLO.ITL = time.Millisecond
		},
	} {
		c := good()
		spoil(&c)
		_, err := fleet.New(c, start, rand.New(rand.NewPCG(1, 2)))
		if err == nil {
			t.Errorf("no error, want %q", want)
		} else if diff := cmp.Diff("fleet configuration: "+want, err.Error()); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
	}
}
