package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSaturation(t *testing.T) {
	cheap, dear := variant("cheap", 2), variant("dear", 2)
	cheap.Facts.Cost = 5
	for _, tc := range []struct {
		name        string
		pod         Pod
		cheap, dear int
		starting    int
		want        map[string]int
	}{
		{"in the band", Pod{KV: 0.6, Waiting: 1}, 2, 2, 0, map[string]int{"llm/cheap": 2, "llm/dear": 2}},
		{"cache is short", Pod{KV: 0.71}, 2, 2, 0, map[string]int{"llm/cheap": 3, "llm/dear": 2}},
		{"queue is short", Pod{KV: 0.1, Waiting: 2.1}, 2, 2, 0, map[string]int{"llm/cheap": 3, "llm/dear": 2}},
		{"all saturated by cache", Pod{KV: 0.80}, 2, 2, 0, map[string]int{"llm/cheap": 3, "llm/dear": 2}},
		{"all saturated by queue", Pod{Waiting: 5}, 2, 2, 0, map[string]int{"llm/cheap": 3, "llm/dear": 2}},
		{"one is starting", Pod{KV: 0.79}, 2, 2, 1, map[string]int{"llm/cheap": 2, "llm/dear": 2}},
		{"without one: 0.5 x 4/3 = 0.667", Pod{KV: 0.5}, 2, 2, 0, map[string]int{"llm/cheap": 2, "llm/dear": 1}},
		{"without one: 0.6 x 4/3 = 0.8", Pod{KV: 0.6}, 2, 2, 0, map[string]int{"llm/cheap": 2, "llm/dear": 2}},
		{"without one: 1.6 x 4/3 = 2.1 wait", Pod{Waiting: 1.6}, 2, 2, 0, map[string]int{"llm/cheap": 2, "llm/dear": 2}},
		{"the dear one keeps one", Pod{}, 2, 1, 0, map[string]int{"llm/cheap": 1, "llm/dear": 1}},
		{"two are needed to do without one", Pod{}, 1, 0, 0, map[string]int{"llm/cheap": 1, "llm/dear": 0}},
		{"nothing is seen", Pod{}, 0, 0, 2, map[string]int{"llm/cheap": 0, "llm/dear": 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cheap.Current, cheap.Ready = tc.cheap, tc.cheap
			dear.Current, dear.Ready = max(tc.dear, tc.starting), tc.dear
			if tc.starting == 1 {
				dear.Ready = tc.dear - 1
			}
			require.Equal(t, tc.want, saturation(groups(watch(0, model(), tc.pod, cheap, dear))[0]))
		})
	}

	cheap.Current, cheap.Ready, cheap.Facts.Max = 2, 2, 2
	dear.Current, dear.Ready = 2, 2
	require.Equal(t, 3, saturation(groups(watch(0, model(), Pod{KV: 0.9}, cheap, dear))[0])["llm/dear"], "the cheap one is at its maximum")
}

// TestSaturationBehindAGateway holds that a queue at the gateway is seen as far as the gateway passes it on.
func TestSaturationBehindAGateway(t *testing.T) {
	m := model()
	for queue, want := range map[float64]int{0: 3, 7: 4, 9: 5, 1000: 5} {
		m.Queue = queue
		require.Equal(t, want, saturation(groups(watch(0, m, Pod{KV: 0.1}, variant("a", 4)))[0])["llm/a"], queue)
	}
}

func TestDerivedCapacity(t *testing.T) {
	// N = min(8192 x 155 / 1069, 116) = 116 requests, 116 x (914 + 77.5) tokens.
	require.InDelta(t, 115014, derived(116, model().Facts), 1e-9)
	// N = 8192 x 10 / 2010 = 40.76 with long prompts, 40.76 x 2005.
	require.InDelta(t, 81716.2, derived(256, ModelFacts{InputTokens: 2000, OutputTokens: 10}), 0.1)
}

func TestTokens(t *testing.T) {
	// 100,000 tokens of cache: k1 = 80,000 is less than k2 = 115,014.
	v := variant("a", 4)
	v.Facts.KVTokens = 100_000
	for _, tc := range []struct {
		name  string
		pod   Pod
		queue float64
		start int
		want  int
	}{
		{"in the band", Pod{KV: 0.6}, 0, 0, 4},
		{"at the threshold: 272,000 / 0.85 = 320,000", Pod{KV: 0.68}, 0, 0, 4},
		{"above it: 300,000 / 0.85 - 320,000 = 32,941", Pod{KV: 0.75}, 0, 0, 5},
		{"what starts counts", Pod{KV: 0.75}, 0, 1, 5},
		{"a queue at the gateway: 16 x 1069 more", Pod{KV: 0.68}, 16, 0, 5},
		{"a long one: saturated replicas hold 75,000, 406,900 / 0.85 - 300,000 = 178,705", Pod{KV: 0.75}, 100, 0, 7},
		{"queues at the servers: 4 x 4 x 1069", Pod{KV: 0.75, Waiting: 4}, 0, 0, 5},
		{"less: 320,000 - 160,000 / 0.7 = 91,428", Pod{KV: 0.40}, 0, 0, 3},
		{"much less", Pod{KV: 0.01}, 0, 0, 1},
		{"nothing", Pod{}, 0, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := model()
			m.Queue = tc.queue
			v.Ready, v.Current = 4, 4+tc.start
			require.Equal(t, tc.want, tokens{}.decide(groups(watch(0, m, tc.pod, v))[0])["llm/a"])
		})
	}
}

func TestTokensLearn(t *testing.T) {
	v := variant("a", 1)
	v.Facts.KVTokens = 1_000_000
	l := tokens{}
	capacity := func(pods ...Pod) float64 { return l.capacity(&v, pods, model().Facts) }
	require.InDelta(t, 115014, capacity(Pod{KV: 0.05}), 1e-9, "derived")
	require.InDelta(t, 50000, capacity(Pod{KV: 0.05, Waiting: 5}), 1e-9, "observed while requests wait")
	require.InDelta(t, 50000, capacity(Pod{KV: 0.01}), 1e-9, "remembered")
	require.InDelta(t, 65000, capacity(Pod{KV: 0.07, Waiting: 9}, Pod{KV: 0.01}), 1e-9, "the middle of 70,000 and of the mean of what was seen, 60,000")
	require.InDelta(t, 60000, capacity(), 1e-9, "none is ready")
	for range 20 {
		capacity(Pod{KV: 0.2, Waiting: 9})
	}
	require.InDelta(t, 200000, capacity(Pod{}), 1e-9, "ten are remembered")
	longer := model().Facts
	longer.OutputTokens = 500
	require.InDelta(t, 116*(914+250), l.capacity(&v, []Pod{{}}, longer), 1e-9, "other lengths, other memory")
}

func TestGreedy(t *testing.T) {
	a, b, c := variant("a", 1), variant("b", 1), variant("c", 0)
	a.Facts.Cost, b.Facts.Cost, c.Facts.Cost = 10, 4, 1
	b.Facts.Max = 3
	all := func() []supply { return []supply{{&a, 100}, {&b, 50}, {&c, 5}} }
	// 0.08 a token for b, then 0.1 for a; c costs 0.2.
	require.Equal(t, map[string]int{"llm/a": 1, "llm/b": 2, "llm/c": 0}, scaleUp(all(), 30))
	require.Equal(t, map[string]int{"llm/a": 2, "llm/b": 3, "llm/c": 0}, scaleUp(all(), 101), "one token more costs a large one: rounding up")
	// The most expensive goes first, and what is left is rounded down.
	require.Equal(t, map[string]int{"llm/a": 0, "llm/b": 1, "llm/c": 0}, scaleDown(all(), 149))
	c.Current = 2
	require.Equal(t, map[string]int{"llm/a": 0, "llm/b": 0, "llm/c": 1}, scaleDown(all(), 1000), "the last keeps one")
	a.Facts.Min = 1
	require.Equal(t, map[string]int{"llm/a": 1, "llm/b": 0, "llm/c": 0}, scaleDown(all(), 1000), "another has one")
}

func TestWVAFollowed(t *testing.T) {
	// The analyzer wants one more at once, the HPA of the guide waits for two minutes.
	f := &fleet{policy: newWVA("x", func(group) map[string]int { return map[string]int{"llm/a": 5} }), v: variant("a", 2)}
	for range 8 {
		require.Equal(t, 2, f.step(15*time.Second, 1, 10))
	}
	require.Equal(t, 4, f.step(15*time.Second, 1, 10), "twice as many at most")
	require.Equal(t, 5, f.step(15*time.Second, 1, 10))

	v := variant("a", 20)
	f = &fleet{policy: newWVA("x", func(group) map[string]int { return map[string]int{"llm/a": 22} }), v: v}
	for range 40 {
		require.Equal(t, 20, f.step(15*time.Second, 1, 10), "10 percent are within the HPA's tolerance")
	}
}

func TestWVASleeps(t *testing.T) {
	f := &fleet{policy: newTokens(Setup{}), v: variant("a", 1)}
	for range 40 {
		require.Equal(t, 1, f.step(15*time.Second, 0, 0))
	}
	require.Equal(t, 0, f.step(15*time.Second, 0, 0), "nothing came in ten minutes")
	require.Equal(t, 0, f.step(15*time.Second, 0, 0))
	require.Equal(t, 1, f.step(15*time.Second, 1, 0), "a request waits")

	f = &fleet{policy: newTokens(Setup{}), v: variant("a", 1)}
	f.v.Facts.Min = 1
	for range 60 {
		require.Equal(t, 1, f.step(15*time.Second, 0, 0))
	}

	m := model()
	m.Queue = 1
	woken := newTokens(Setup{}).Desired(watch(0, m, Pod{}, variant("a", 0), variant("b", 0)))
	require.Equal(t, map[string]int{"llm/a": 1, "llm/b": 1}, woken, "all sleepers start")
}
