package explain_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// TestKeptUntil says what stays during a swap, for which replicas, and until when.
func TestKeptUntil(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(fresh *collector.Variant)
		want string
	}{
		"they start": {
			func(v *collector.Variant) { v.Current, v.Starting = new(3), []collector.Start{{Replicas: 3, In: 250}} },
			"2 stay until 3 of new are ready, expected in 4m10s",
		},
		"one after the other": {
			func(v *collector.Variant) {
				v.Current, v.Ready, v.Starting = new(3), new(1), []collector.Start{{Replicas: 1, In: 30}, {Replicas: 1, In: 90}, {Replicas: 1, In: 900}}
			},
			"2 stay until 3 of new are ready, expected in 1m30s",
		},
		"ordered by this decision": {
			func(v *collector.Variant) { v.Startup = 3900 },
			"2 stay until 3 of new are ready, expected in 1h5m",
		},
		"some are late": {
			func(v *collector.Variant) { v.Startup, v.Current, v.Overdue = 120, new(3), 1 },
			"2 stay until 3 of new are ready",
		},
		"a limit on change lets fewer be ordered": {
			func(v *collector.Variant) { v.Startup, v.Desired = 120, new(2) },
			"2 stay until 3 of new are ready",
		},
		"the time of a start is not known": {func(*collector.Variant) {}, "2 stay until 3 of new are ready"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := planned(t, optimizer.Problem{Models: []optimizer.Model{{
				Name: "llm/chat", Demand: map[string]float64{"concurrency": 300}, Variants: []optimizer.Variant{variant("old", 3, 150, 2), variant("new", 1, 100, 0)},
			}}})
			old, fresh := &s.Models[0].Variants[0], &s.Models[0].Variants[1]
			require.Equal(t, []int{0, 3}, []int{*old.Planned, *fresh.Planned})
			old.Guards = []optimizer.Effect{{Guard: optimizer.ReasonMakeBeforeBreak, From: new(0), To: new(2)}}
			old.Desired, old.Reason = new(2), optimizer.ReasonMakeBeforeBreak
			tc.edit(fresh)
			assert.Equal(t, tc.want, explain.New(s).Models[0].Variants[0].Because)
		})
	}
}

// TestKeptForDemand says for which demand more stays than is planned for.
func TestKeptForDemand(t *testing.T) {
	for name, tc := range map[string]struct {
		planned float64
		returns *collector.Returns
		want    string
	}{
		"only the window holds more": {
			450, nil, "concurrency needs them, for all of the 400 requests planned for; 450 was planned for within the window, which keeps replicas and starts none",
		},
		"nothing stays": {400, nil, "concurrency needs them, for all of the 400 requests planned for"},
		"it comes back": {
			230, &collector.Returns{Level: 400, Times: 24, Gap: 720, Stay: 840},
			"concurrency needs them, for all of the 400 requests planned for; 230 would do, but 400 came back 24 times during the last day, after 12m on average: " +
				"replicas for it stay for another 14m",
		},
		"it was there a moment ago": {
			230, &collector.Returns{Level: 400, Stay: 90},
			"concurrency needs them, for all of the 400 requests planned for; 230 would do, but what was started for more a moment ago stays for another 1m30s",
		},
		"capacities move": {
			396, nil, "concurrency needs them, for all of the 400 requests planned for; 396 would do, but capacities are measured, and vary by as much",
		},
		"what comes back is within what is planned": {
			400, &collector.Returns{Level: 420, Times: 2, Gap: 60, Stay: 60}, "concurrency needs them, for all of the 400 requests planned for",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := planned(t, optimizer.Problem{Models: []optimizer.Model{{
				Name: "llm/chat", Demand: map[string]float64{"concurrency": 400}, Variants: []optimizer.Variant{variant("a", 3, 100, 4)},
			}}})
			s.Models[0].Signals[0].Planned, s.Models[0].Signals[0].Returns = &tc.planned, tc.returns
			assert.Equal(t, tc.want, explain.New(s).Models[0].Variants[0].Because)
		})
	}
}

// TestKeptForTheMinute says that what was planned for at the last full minute stays until the next.
func TestKeptForTheMinute(t *testing.T) {
	s := planned(t, optimizer.Problem{Models: []optimizer.Model{{
		Name: "llm/chat", Demand: map[string]float64{"concurrency": 400}, Variants: []optimizer.Variant{variant("a", 3, 100, 4)},
	}}})
	s.Models[0].Signals[0].Planned, s.Models[0].Signals[0].Minute = new(230.0), new(400.0)
	assert.Equal(t, "concurrency needs them, for all of the 400 requests planned for; 230 would do, but 400 was planned for at the last full minute, "+
		"and replicas stay for it until the next", explain.New(s).Models[0].Variants[0].Because)
}

// TestKeptBecauseNew says which replicas stay because they load or have just become ready, and for how long.
func TestKeptBecauseNew(t *testing.T) {
	for name, tc := range map[string]struct {
		demand float64
		stays  *collector.Stays
		want   string
	}{
		"nothing stays":      {400, nil, "concurrency needs them, for all of the 400 requests planned for"},
		"some are new":       {250, &collector.Stays{Replicas: 4, For: 185}, "4 stay for another 3m5s, unless the demand falls for good: some of them are new, and to lower the variant would remove these first"},
		"they are needed":    {350, &collector.Stays{Replicas: 4, For: 185}, "concurrency needs them, for all of the 350 requests planned for"},
		"it is the only one": {0, &collector.Stays{Replicas: 1, For: 60}, "the other 3 are not needed, and 1 stays for another 1m, unless the demand falls for good: it is new"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			least := func(v *optimizer.Variant) {
				if tc.stays != nil {
					v.Min = tc.stays.Replicas
				}
			}
			s := planned(t, optimizer.Problem{Models: []optimizer.Model{{
				Name: "llm/chat", Demand: map[string]float64{"concurrency": tc.demand}, Variants: []optimizer.Variant{variant("a", 3, 100, 4, least)},
			}}})
			v := &s.Models[0].Variants[0]
			v.Stays, v.Reason = tc.stays, optimizer.ReasonDemand
			s.Models[0].Signals[0].Supply = new(100 * float64(*v.Planned))
			assert.Equal(t, tc.want, explain.New(s).Models[0].Variants[0].Because)
		})
	}
}

// TestLoweredAndKept: of a variant that is lowered it is not said that its replicas stay, but which do, and that the rest is not needed.
func TestLoweredAndKept(t *testing.T) {
	for name, tc := range map[string]struct {
		planned, demand float64
		stays           *collector.Stays
		want            string
	}{
		"some are new": {
			250, 250, &collector.Stays{Replicas: 4, For: 185},
			"a: 4 replicas instead of 6, because the other 2 are not needed, and 4 stay for another 3m5s, unless the demand falls for good: some of them are new, and to lower the variant would remove these first.",
		},
		"the window holds more": {
			450, 400, nil,
			"a: 4 replicas instead of 6, because concurrency needs them, for all of the 400 requests planned for; 450 was planned for within the window, which starts none.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := variant("a", 3, 100, 6)
			if tc.stays != nil {
				a.Min = tc.stays.Replicas
			}
			s := planned(t, optimizer.Problem{Models: []optimizer.Model{{
				Name: "llm/chat", Demand: map[string]float64{"concurrency": tc.demand}, Variants: []optimizer.Variant{a},
			}}})
			v := &s.Models[0].Variants[0]
			v.Stays, v.Reason = tc.stays, optimizer.ReasonDemand
			s.Models[0].Signals[0].Planned, s.Models[0].Signals[0].Supply = &tc.planned, new(100*float64(*v.Planned))
			assert.Equal(t, tc.want, explain.New(s).Models[0].Variants[0].Sentence())
		})
	}
}

// TestCheaperMix says what would be cheaper to run, and why it is not planned.
func TestCheaperMix(t *testing.T) {
	mix := func(start, life float64) *explain.Explanation {
		fresh := variant("new", 0.9, 100, 0)
		fresh.StartCost = start
		old := variant("old", 1, 100, 4)
		s := planned(t, optimizer.Problem{
			Budgets: []optimizer.Budget{{Name: "h100", Limit: 6}},
			Models: []optimizer.Model{
				{Name: "llm/chat", Demand: map[string]float64{"concurrency": 400}, Variants: []optimizer.Variant{old, fresh}},
				{Name: "llm/code", Demand: map[string]float64{"concurrency": 100}, Variants: []optimizer.Variant{variant("code", 1, 100, 1, uses("h100", 5))}},
			},
		})
		s.Models[0].Life = life
		s.Models[0].Variants[1].Startup = start * life / fresh.Cost // spread over the life, it is the cost of a start
		return whole(t, s)
	}
	dear := mix(0.55, 1800)
	require.NotNil(t, dear.Models[0].Cheaper)
	assert.InDelta(t, 0.4, dear.Models[0].Cheaper.Saves, 1e-9)
	assert.InDelta(t, 1.1, dear.Models[0].Cheaper.Reach, 1e-9)
	assert.Contains(t, dear.Models[0].Costs(),
		"The cheaper mix, 4 new, would save 0.40 per hour and cost 1.10 to reach: not within the 30m for which a plan is expected to live.")
	assert.Nil(t, mix(0.05, 36000).Models[0].Cheaper, "it is what is planned")
	assert.Nil(t, dear.Models[1].Cheaper, "there is one variant")
}

// TestMinimumsThatAreAsked says what an expression makes of a minimum.
func TestMinimumsThatAreAsked(t *testing.T) {
	because := func(edit func(*optimizer.Model, *optimizer.Variant), asked func(*collector.Model)) string {
		m := optimizer.Model{Name: "llm/chat", Demand: map[string]float64{"concurrency": 1}, Variants: []optimizer.Variant{variant("a", 1, 100, 1)}}
		edit(&m, &m.Variants[0])
		s := planned(t, optimizer.Problem{Models: []optimizer.Model{m}})
		asked(&s.Models[0])
		return explain.New(s).Models[0].Variants[0].Because
	}
	model := func(m *optimizer.Model, _ *optimizer.Variant) { m.MinReplicas = 4 }
	own := func(_ *optimizer.Model, v *optimizer.Variant) { v.Min, v.Max = 3, new(3) }
	assert.Equal(t, "the model's minimum is 4 over all variants", because(model, func(*collector.Model) {}))
	assert.Equal(t, "the model's minimum is 4 over all variants now, by its expression", because(model, func(m *collector.Model) { m.Minimum = new(4) }))
	assert.Equal(t, "its own minimum is 3 now, by its expression", because(own, func(m *collector.Model) { m.Variants[0].Minimum = new(3) }))
	assert.Equal(t, "the expression of its own minimum asks for 9, and its maximum is 3", because(own, func(m *collector.Model) { m.Variants[0].Minimum = new(9) }))
}
