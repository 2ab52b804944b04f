package decide

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStanding(t *testing.T) {
	t.Parallel()
	looks := func(stood bool, loads ...float64) []queueLook {
		var all []queueLook
		for _, load := range loads {
			l := queueLook{load: load, stood: stood}
			if stood {
				l.waited = 10 * load
			}
			all = append(all, l)
		}
		return all
	}
	for name, tc := range map[string]struct {
		looks []queueLook
		from  float64 // 0: no evidence
		seen  int
	}{
		"none":                      {},
		"no queue":                  {looks: looks(false, 0.9, 0.8, 0.95)},
		"two are no proof":          {looks: looks(true, 0.9, 0.8)},
		"the third says from where": {looks: looks(true, 0.9, 0.7, 0.8), from: 0.9, seen: 3},
		"less load says nothing":    {looks: append(looks(true, 0.8, 0.85, 0.9, 0.9), looks(false, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)...), from: 0.9, seen: 4},
		"carried more often at as much": {
			looks: append(looks(true, 0.8, 0.8, 0.8), looks(false, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86)...),
		},
		"carried now and then at as much": {
			looks: append(looks(true, 0.8, 0.8, 0.8, 0.8), looks(false, 0.81, 0.82, 0.83, 0.84)...), from: 0.8, seen: 4,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, ok := standing(slices.Clone(tc.looks))
			assert.Equal(t, tc.from > 0, ok)
			if ok {
				assert.InDelta(t, tc.from, found.from, 0)
				assert.Equal(t, tc.seen, found.looks)
				assert.Positive(t, found.waited)
			}
		})
	}
}

// TestForget: what stays because it is new is dropped, however many replicas were given up meanwhile. It is dropped once.
func TestForget(t *testing.T) {
	for _, v := range []variant{{stays: 2, unseen: -2}, {stays: 1}, {unseen: 1}} {
		d := &decider{models: []*model{{variants: []*variant{&v}}}}
		assert.True(t, d.forget(), "%+v", v)
		assert.False(t, d.forget(), "%+v", v)
	}
	d := &decider{models: []*model{{variants: []*variant{{unseen: -1}}}}}
	assert.False(t, d.forget(), "nothing stays")
}
