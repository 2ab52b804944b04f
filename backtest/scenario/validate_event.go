package scenario

import (
	"maps"
	"slices"
	"strings"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

func (v *validator) event(at string, e *Event) {
	if e.At > v.scenario.Duration {
		v.Errorf(strict.Join(at, "at"), nil, "the event is after the end").Hint("at most %s, the duration", v.scenario.Duration)
	}
	var given []string
	var all []string
	for _, k := range e.kinds() {
		all = append(all, k.key)
		if k.given {
			given = append(given, k.key)
			if !k.lasts && e.For > 0 {
				v.Errorf(strict.Join(at, "for"), v.Key(strict.Join(at, "for")), "%s happens at once", k.key).Hint("remove for")
			}
		}
	}
	switch len(given) {
	case 0:
		v.Errorf(at, nil, "nothing happens").Hint("set one of %s", strings.Join(all, ", "))
		return
	case 1:
	default:
		v.Errorf(at, nil, "%s happen at once", strings.Join(given, " and ")).Hint("write an event for each")
		return
	}
	if name, path := e.variant(); path != "" && !slices.Contains(v.variants, name) {
		v.Unknown(strict.Join(at, path), nil, "variant", name, v.variants)
	}
	v.eventKeys(at, e, given[0])
}

// eventKeys checks the keys that belong to a kind of event only.
func (v *validator) eventKeys(at string, e *Event, kind string) {
	for key, of := range map[string]string{
		"accelerators": "pool", "evict": "pool", "notice": "pool", "set": "series", "scale": "series", "absent": "series",
		"surge": "rollout", "unavailable": "rollout", "broken": "rollout", "at_most": "autoscaler_stops",
	} {
		if v.Has(strict.Join(at, key)) && of != kind {
			v.Errorf(strict.Join(at, key), v.Key(strict.Join(at, key)), "%s does nothing for %s", key, kind).Hint("it belongs to %s", of)
		}
	}
	switch kind {
	case "pool":
		if _, ok := v.scenario.Pools[e.Pool]; !ok {
			v.Unknown(strict.Join(at, "pool"), v.Node(strict.Join(at, "pool")), "pool", e.Pool, slices.Collect(maps.Keys(v.scenario.Pools)))
		}
		if e.Accelerators == nil {
			v.Errorf(at, nil, "accelerators is missing").Hint("%s", "set it to the new size of the pool")
		}
	case "series":
		if _, err := Matchers(e.Series); err != nil {
			v.Errorf(strict.Join(at, "series"), nil, "%v", err).Hint("write a selector such as 'price{pool=\"spot\"}'")
		}
		if n := count(e.Set != nil, e.Scale != nil, e.Absent); n != 1 {
			v.Errorf(at, nil, "%d of set, scale and absent", n).Hint("set one of them")
		}
	}
}

func count(given ...bool) (n int) {
	for _, g := range given {
		if g {
			n++
		}
	}
	return n
}
