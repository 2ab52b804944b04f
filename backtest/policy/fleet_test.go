package policy

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// model is the 70B model on four H100 of the documentation: 914 input and 155 output tokens, 7.53 requests/s a replica within 2 s.
func model() Model {
	return Model{ID: "llm/m", Facts: ModelFacts{TTFT: 2 * time.Second, InputTokens: 914, OutputTokens: 155}}
}

func variant(name string, current int) Variant {
	return Variant{
		ID: "llm/" + name, Model: "llm/m", Current: current, Ready: current,
		Facts: VariantFacts{Cost: 10, Max: -1, Rate: 7.53, MaxBatch: 116, Accelerators: 4, Pool: "h100", Startup: 2 * time.Minute},
	}
}

// watch returns an observation of one model, with as many equal pods as are ready.
func watch(at time.Duration, m Model, pod Pod, variants ...Variant) *Observation {
	for _, v := range variants {
		for range v.Ready {
			pod.Variant = v.ID
			m.Pods = append(m.Pods, pod)
		}
	}
	return &Observation{At: at, Models: []Model{m}, Variants: variants}
}

// fleet follows a policy at once, and starts nothing late.
type fleet struct {
	policy Policy
	v      Variant
	at     time.Duration
}

// step observes, lets the policy decide and follows it.
func (f *fleet) step(by time.Duration, queue, running float64) int {
	m := model()
	m.Queue = queue
	f.v.Ready = f.v.Current
	o := watch(f.at, m, Pod{Running: running / float64(max(1, f.v.Ready))}, f.v)
	if n, ok := f.policy.Desired(o)[f.v.ID]; ok {
		f.v.Current = n
	}
	f.at += by
	return f.v.Current
}

func TestNew(t *testing.T) {
	s := Setup{
		Every: 15 * time.Second, Models: []Model{model()}, Variants: []Variant{variant("a", 2)},
		Future: &Future{Tick: 5 * time.Second, Rates: map[string][]float64{"llm/m": {1}}, Arrivals: map[string][]float64{"llm/m": {1}}},
	}
	for _, name := range Names() {
		p, err := New(name, s)
		require.NoError(t, err)
		require.Equal(t, name, p.Name())
		for i := range 50 {
			o := watch(time.Duration(i)*15*time.Second, model(), Pod{Running: 3}, variant("a", 2))
			o.Models[0].Arrived = float64(15 * i)
			for id, n := range p.Desired(o) {
				require.Equal(t, "llm/a", id)
				require.True(t, n >= 0 && n < 100, "%s: %d", name, n)
			}
		}
	}
	_, err := New("random", s)
	require.EqualError(t, err, `unknown policy "random"; there are hpa-queue, keda-queue, knative, oracle, oracle-delayed, `+
		`oracle-noise, rate-last, static, wva-saturation, wva-tokens, variant_exporter`)
}

func TestCheapest(t *testing.T) {
	small, large, none := variant("small", 1), variant("large", 1), variant("none", 1)
	small.Facts.Cost, small.Facts.Rate = 1, 2
	large.Facts.Cost, large.Facts.Rate = 4, 10
	none.Facts.Cost, none.Facts.Rate = 0.1, 0
	decode := variant("decode", 1)
	decode.Facts.Role = "decode"
	all := groups(watch(0, model(), Pod{}, small, large, none, decode))
	require.Len(t, all, 2)
	require.Equal(t, "both", all[0].role)
	require.Equal(t, "llm/large", all[0].cheapest().ID, "0.4 a request and not 0.5")
	require.Len(t, all[0].pods(), 3)
	require.Equal(t, "decode", all[1].role)
	require.Equal(t, "llm/decode", all[1].cheapest().ID)
	require.Len(t, all[1].pods(), 1)
}

func TestHPAProposals(t *testing.T) {
	for _, tc := range []struct {
		value, target float64
		current, want int
	}{
		{2, 1, 2, 2},
		{3, 1, 2, 3},
		{10.9, 1, 10, 10}, // within the tolerance
		{11, 1, 10, 10},
		{11.2, 1, 10, 12},
		{9, 1, 10, 10},
		{8.9, 1, 10, 9},
		{0, 1, 10, 0},
		{250, 250, 0, 1},
	} {
		require.Equal(t, tc.want, averageValue(tc.value, tc.target, tc.current), "%+v", tc)
	}
	for _, tc := range []struct {
		value, target        float64
		current, ready, want int
	}{
		{2, 1, 2, 2, 4}, // a gauge of replicas with Value runs away
		{500, 250, 2, 2, 4},
		{500, 250, 4, 2, 4}, // only what is ready is scaled
		{270, 250, 4, 2, 4}, // within the tolerance
		{100, 250, 10, 10, 4},
		{100, 250, 0, 0, 1},
	} {
		require.Equal(t, tc.want, totalValue(tc.value, tc.target, tc.current, tc.ready), "%+v", tc)
	}
}

func TestHPAWindows(t *testing.T) {
	h := hpa{down: 60 * time.Second}
	var got []int
	current := 4
	for i, proposed := range []int{30, 30, 30, 2, 2, 2, 2, 2, 2} {
		current = h.decide(time.Duration(i)*15*time.Second, current, proposed)
		got = append(got, current)
	}
	// At most twice as many a sync; going down waits until the last high proposal is a minute old.
	require.Equal(t, []int{8, 16, 30, 30, 30, 30, 2, 2, 2}, got)

	h = hpa{up: 60 * time.Second, down: 60 * time.Second}
	got, current = nil, 4
	for i, proposed := range []int{6, 7, 5, 8, 8, 8, 8} {
		current = h.decide(time.Duration(i)*15*time.Second, current, proposed)
		got = append(got, current)
	}
	// Going up waits for a minute, and then takes the least of it.
	require.Equal(t, []int{4, 4, 4, 4, 5, 5, 8}, got)
}

func TestHPAQueue(t *testing.T) {
	f := &fleet{policy: newHPAQueue(Setup{}), v: variant("a", 2)}
	require.Equal(t, 2, f.step(15*time.Second, 260, 400), "4 % above the target, and 200 a pod")
	require.Equal(t, 4, f.step(15*time.Second, 500, 400))
	require.Equal(t, 8, f.step(15*time.Second, 5000, 400), "100 percent in 15 s, though the metric says 80")
	require.Equal(t, 8, f.step(15*time.Second, 0, 1700), "7 by requests in flight, and the window")
	for range 18 {
		require.Equal(t, 8, f.step(15*time.Second, 0, 0))
	}
	require.Equal(t, 7, f.step(15*time.Second, 0, 0), "the proposal of 80 is 300 s old, that of 7 is not")
	require.Equal(t, 1, f.step(15*time.Second, 0, 0))

	f.v.Current, f.v.Facts.Max = 0, 3
	require.Equal(t, 1, f.step(15*time.Second, 0, 0), "no zero without its gate")
	f.step(15*time.Second, 9999, 0)
	require.Equal(t, 3, f.step(15*time.Second, 9999, 0), "the maximum")
}

func TestKEDAQueue(t *testing.T) {
	f := &fleet{policy: newKEDAQueue(Setup{}), v: variant("a", 2)}
	for range 20 {
		require.Equal(t, 2, f.step(15*time.Second, 10, 16), "the window for going up")
	}
	require.Equal(t, 4, f.step(15*time.Second, 10, 16), "10 by the queue, at most twice as many")
	require.Equal(t, 8, f.step(15*time.Second, 10, 160))
	require.Equal(t, 10, f.step(15*time.Second, 0, 160), "16 a replica")

	unbounded := &fleet{policy: newKEDAQueue(Setup{}), v: variant("a", 60)}
	for range 22 {
		unbounded.step(15*time.Second, 500, 160)
	}
	require.Equal(t, 100, unbounded.v.Current, "the default of maxReplicaCount")

	f.v.Facts.Min = 1
	for range 50 {
		f.step(15*time.Second, 0, 0)
	}
	require.Equal(t, 1, f.v.Current)
	f.v.Facts.Min = 0
	require.Equal(t, 0, f.step(15*time.Second, 0, 0), "idle for longer than the cooldown")
	require.Equal(t, 0, f.step(15*time.Second, 0, 0))
	require.Equal(t, 1, f.step(15*time.Second, 3, 0), "a request wakes one")
}

func TestKnative(t *testing.T) {
	// 0.7 x 116 = 81.2 a pod.
	f := &fleet{policy: newKnative(Setup{}), v: variant("a", 2)}
	require.Equal(t, 2, f.step(2*time.Second, 0, 160))
	require.Equal(t, 2, f.step(60*time.Second, 0, 164), "the average is 162, not more than two pods hold")
	require.Equal(t, 3, f.step(15*time.Second, 0, 3*81), "what is a minute old has left the average")
	require.Equal(t, 10, f.step(15*time.Second, 0, 800), "panic: the last 6 s want 10, more than twice 3")
	require.Equal(t, 10, f.step(15*time.Second, 0, 100), "no less in panic")
	f.step(15*time.Second, 0, 100)
	f.step(15*time.Second, 0, 100)
	f.step(15*time.Second, 0, 100)
	require.Equal(t, 10, f.v.Current)
	require.Equal(t, 5, f.step(15*time.Second, 0, 100), "a minute after the panic: two are wanted, at most half at once")
	require.Equal(t, 2, f.step(15*time.Second, 0, 100))

	idle := &fleet{policy: newKnative(Setup{}), v: variant("a", 1)}
	require.Equal(t, 1, idle.step(15*time.Second, 0, 0))
	require.Equal(t, 1, idle.step(15*time.Second, 0, 0))
	require.Equal(t, 0, idle.step(15*time.Second, 0, 0), "30 s of grace")
	require.Equal(t, 1, idle.step(15*time.Second, 1, 0))

	f.v.Facts.MaxBatch = 0
	require.NotContains(t, f.policy.Desired(watch(f.at, model(), Pod{}, f.v)), "llm/a", "no target without a batch")
}

func TestRateLast(t *testing.T) {
	p := newRateLast(Setup{})
	at := func(minute int, arrived, rate float64) int {
		m := model()
		m.Arrived, m.Rate = arrived, rate
		return p.Desired(watch(time.Duration(minute)*time.Minute, m, Pod{}, variant("a", 2)))["llm/a"]
	}
	require.Equal(t, 10, at(0, 0, 60), "60 / (0.8 x 7.53) = 9.96, the last minute before there is more")
	require.Equal(t, 11, at(3, 180*61, 500), "61 over the last three minutes")
	require.Equal(t, 0, at(6, 180*61, 500))
	require.Equal(t, 3*time.Minute, p.(Periodic).Every())

	v := variant("a", 2)
	v.Facts.Capacity = map[string]float64{"rate": 5}
	m := model()
	m.Rate = 60
	require.Equal(t, 15, newRateLast(Setup{}).Desired(watch(0, m, Pod{}, v))["llm/a"], "what is believed, right or wrong")
}

func TestStatic(t *testing.T) {
	rates := make([]float64, 1000)
	for i := range rates {
		rates[i] = 20
	}
	for i := range 12 {
		rates[500+i] = 70
	}
	rates[900] = 400 // a noisy moment, 51.7 over the minute
	s := Setup{
		Models: []Model{model()}, Variants: []Variant{variant("a", 2)},
		Future: &Future{Tick: 5 * time.Second, Arrivals: map[string][]float64{"llm/m": rates}},
	}
	require.Equal(t, map[string]int{"llm/a": 10}, newStatic(s).Desired(&Observation{}), "70 / 7.53 = 9.3")
	s.Variants[0].Current = 12
	p := newStatic(s)
	require.Equal(t, map[string]int{"llm/a": 12}, p.Desired(&Observation{}), "until others could be ready")
	require.Equal(t, map[string]int{"llm/a": 10}, p.Desired(&Observation{At: 2 * time.Minute}))
}

func ExampleNames() {
	fmt.Println(Names())
	// Output: [hpa-queue keda-queue knative oracle oracle-delayed oracle-noise rate-last static wva-saturation wva-tokens]
}
