package replay

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/optimizer/forecast"
)

// TestFollower plays decisions of one variant at steps of a minute, and looks at what runs before each of them.
func TestFollower(t *testing.T) {
	const hold = -1
	for name, tc := range map[string]struct {
		startup        time.Duration
		current, ready int
		decided        []int
		counts, before []int // before each decision: asked for, ready
		after          []int // ready once it is in force
	}{
		"ready at once without a startup": {
			0, 2, 2, []int{5, 1}, []int{2, 5}, []int{2, 5}, []int{5, 1},
		},
		"ready after two steps": {
			2 * time.Minute, 2, 2, []int{5, 5, 5, 5}, []int{2, 5, 5, 5}, []int{2, 2, 5, 5}, []int{2, 2, 5, 5},
		},
		"a part of a step counts whole": {
			90 * time.Second, 2, 2, []int{5, 5, 5, 5}, []int{2, 5, 5, 5}, []int{2, 2, 5, 5}, []int{2, 2, 5, 5},
		},
		"what goes takes its readiness along": {
			2 * time.Minute, 4, 4, []int{1, 4, 4, 4, 4}, []int{4, 1, 4, 4, 4}, []int{4, 1, 1, 4, 4}, []int{1, 1, 1, 4, 4},
		},
		"what was starting at the beginning has just been asked for": {
			2 * time.Minute, 4, 1, []int{hold, hold, hold}, []int{4, 4, 4}, []int{1, 1, 4}, []int{1, 1, 4},
		},
		"without a decision everything stays": {
			time.Minute, 3, 3, []int{hold, 2, hold}, []int{3, 3, 2}, []int{3, 3, 2}, []int{3, 2, 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, snapshot := oneVariant(tc.startup)
			v := &snapshot.Models[0].Variants[0]
			v.Current, v.Ready = &tc.current, &tc.ready
			f.start(snapshot)
			for i, decided := range tc.decided {
				runs := f.Replicas("llm", "a")
				current, ready := *runs.Current.N, *runs.Ready.N
				assert.Equal(t, tc.counts[i], current, "asked for before decision %d", i)
				assert.Equal(t, tc.before[i], ready, "ready before decision %d", i)
				v.Desired = nil
				if decided != hold {
					v.Desired = &decided
				}
				f.follow(snapshot)
				assert.Equal(t, tc.after[i], f.order[0].ready(true), "ready after decision %d", i)
			}
		})
	}
}

// TestFollowerOver looks back over times that are and are not whole steps.
func TestFollowerOver(t *testing.T) {
	f, snapshot := oneVariant(0)
	v := &snapshot.Models[0].Variants[0]
	begin := 3
	v.Current = &begin
	f.start(snapshot)
	for _, n := range []int{1, 5, 2, 4} {
		v.Desired = &n
		f.follow(snapshot)
	}
	for window, want := range map[time.Duration][2]float64{
		time.Second: {4, 4}, time.Minute: {4, 4}, 61 * time.Second: {2, 4}, 2 * time.Minute: {2, 4},
		3 * time.Minute: {2, 5}, 4 * time.Minute: {1, 5}, time.Hour: {1, 5},
	} {
		past := f.Replicas("llm", "a").Limits.Over(window)
		assert.Equal(t, want, [2]float64{forecast.Least(past), forecast.Most(past)}, "%v", window)
	}
}

// TestFollowerBeginsLate begins with the first that is known of a variant, and runs nothing before.
func TestFollowerBeginsLate(t *testing.T) {
	f, snapshot := oneVariant(time.Minute)
	v := &snapshot.Models[0].Variants[0]
	f.start(snapshot)
	desired := 7
	v.Desired = &desired
	f.follow(snapshot)
	runs := f.Replicas("llm", "a")
	require.Zero(t, *runs.Current.N+*runs.Ready.N)
	begin, other := 3, 9
	v.Current = &begin
	f.start(snapshot)
	v.Current = &other
	f.start(snapshot)
	runs = f.Replicas("llm", "a")
	require.Equal(t, [2]int{3, 3}, [2]int{*runs.Current.N, *runs.Ready.N})
}

func oneVariant(startup time.Duration) (*follower, *collector.Snapshot) {
	hour := config.Duration(time.Hour)
	c := &config.Config{Models: []config.Model{{
		Name: "m", Namespace: "llm", Tuning: config.Tuning{Guards: config.Guards{ProvisionCooldown: &hour}},
		Variants: []config.Variant{{Name: "a", Startup: config.Duration(startup), ProvisionTimeout: &hour}},
	}}}
	snapshot := &collector.Snapshot{}
	snapshot.Models = []collector.Model{{Variants: make([]collector.Variant, 1)}}
	return newFollower(c, time.Minute), snapshot
}
