package config

import (
	"strings"
	"time"
)

// windows checks the spans of time that queries are built with. Shorter than a second they would make no valid query.
func (v *validator) windows(path string, t Tuning) {
	for _, w := range []struct {
		key   string
		value *Duration
		zero  bool // means without
	}{
		{"scale_down_window", t.ScaleDownWindow, true},
		{"scale_up_window", t.ScaleUpWindow, true},
		{"idle_after", t.IdleAfter, false},
		{"forecast.lookback", t.Forecast.Lookback, false},
	} {
		at := join(path, w.key)
		if !v.has(at) || !v.sound(at) || w.value == nil || *w.value >= Duration(time.Second) || w.zero && *w.value == 0 {
			continue
		}
		r := v.errorf(at, nil, "%s is too short", w.value)
		if w.zero {
			r.hint("0s for none, or at least 1s")
		} else {
			r.hint("at least 1s")
		}
	}
}

// sources checks that models whose missing demand may mean none can be told apart by the sources of their signals: the gateway of
// one model must not vouch for that of another.
func (v *validator) sources() {
	type place struct{ namespace, signal string }
	users := map[place][]int{}
	for i := range v.config.Models {
		m := &v.config.Models[i]
		for _, s := range m.active {
			if s.OnMissing == OnMissingZero && !labelsOf(s.Alive.AST()).has(s.Labels.Model) {
				at := place{m.Namespace, s.Key()}
				users[at] = append(users[at], i)
			}
		}
	}
	for at, models := range users {
		if len(models) < 2 {
			continue
		}
		for _, i := range models {
			if m := &v.config.Models[i]; len(m.Match) == 0 {
				path := index("models", i)
				v.errorf(path, nil, "nothing tells whose source of %s is up: %d models of namespace %s have it", at.signal, len(models), at.namespace).
					hint("give each a label of its own to be known by, such as match: {inference_pool: %s}", poolName(m.Name))
			}
		}
	}
}

// poolName makes an example of a name of a pool.
func poolName(model string) string {
	_, name, found := strings.Cut(model, "/")
	if !found {
		name = model
	}
	return strings.ToLower(name) + "-pool"
}
