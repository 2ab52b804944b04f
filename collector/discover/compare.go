package discover

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// changed is by how much a measured value must differ to be a change.
const changed = 0.2

// Compare lists what differs between a configuration and a fleet, which as a configuration is now, one line each: models, variants, and the
// values that init finds. Expressions stay out of it: they say themselves what is so now. So do guesses, where the configuration has a value.
func (f *Fleet) Compare(old, now *config.Config) []string {
	c := &comparison{found: map[string]*Variant{}}
	f.variants(func(m *Model, v *Variant) { c.found[m.Namespace.Text+"/"+v.Name.Text] = v })
	c.budgets(old.Budgets, now.Budgets)
	before, after := modelsOf(old), modelsOf(now)
	for _, key := range union(before, after) {
		switch a, b := before[key], after[key]; {
		case a == nil:
			c.add("+ model %s: presets %v, %s", key, b.Presets, many(len(b.Variants), "variant"))
		case b == nil:
			c.add("- model %s: no server has told of it", key)
		default:
			c.model(key, a, b)
		}
	}
	return c.lines
}

type comparison struct {
	lines []string
	found map[string]*Variant // by namespace and name
}

func (c *comparison) add(format string, args ...any) {
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

func modelsOf(c *config.Config) map[string]*config.Model {
	all := map[string]*config.Model{}
	for i := range c.Models {
		all[c.Models[i].Namespace+"/"+c.Models[i].Name] = &c.Models[i]
	}
	return all
}

func union[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

func (c *comparison) budgets(old, now []config.Budget) {
	limits := func(all []config.Budget) map[string]config.Quantity {
		by := map[string]config.Quantity{}
		for _, b := range all {
			if len(b.Limit) == 1 {
				by[b.Name] = b.Limit[0]
			}
		}
		return by
	}
	before, after := limits(old), limits(now)
	for _, name := range union(before, after) {
		a, b := before[name], after[name]
		switch {
		case !a.Set:
			c.add("+ budget %s: limit %s", name, number(b.Number))
		case b.Set:
			c.quantity("budget "+name+": limit", a, b, 0)
		}
	}
}

func (c *comparison) model(key string, old, now *config.Model) {
	if missing := slices.DeleteFunc(slices.Clone(now.Presets), func(p string) bool { return slices.Contains(old.Presets, p) }); len(missing) > 0 {
		c.add("~ model %s: presets lack %v", key, missing)
	}
	by := func(m *config.Model) map[string]*config.Variant {
		all := map[string]*config.Variant{}
		for i := range m.Variants {
			all[string(m.Variants[i].ScaleTarget.Kind)+" "+m.Variants[i].ScaleTarget.Name] = &m.Variants[i]
		}
		return all
	}
	before, after := by(old), by(now)
	for _, workload := range union(before, after) {
		switch a, b := before[workload], after[workload]; {
		case a == nil:
			c.add("+ variant %s/%s: %s, accelerator %q, replicas.max %s", now.Namespace, b.Name, workload, b.Accelerator, count(b.Replicas.Max))
		case b == nil:
			c.add("- variant %s/%s: %s has not run a server that tells", old.Namespace, a.Name, workload)
		default:
			name := old.Namespace + "/" + a.Name
			// What is generated of a model's own minimum is no change, and an expression is not compared.
			own, all, found := a.Replicas.Min, old.Replicas.Min, b.Replicas.Min.Least()
			if (own.IsNumber() || !own.Set) && all.IsNumber() && found > max(own.Least(), all.Least()) {
				c.add("~ variant %s: replicas.min: %d -> %d", name, own.Least(), found)
			}
			if found := c.found[now.Namespace+"/"+b.Name]; found != nil {
				c.variant(name, a, b, found)
			}
		}
	}
}

func count(n *int) string {
	if n == nil {
		return "none"
	}
	return strconv.Itoa(*n)
}

func (c *comparison) variant(name string, old, now *config.Variant, found *Variant) {
	at := "variant " + name + ": "
	if old.Accelerator != now.Accelerator && now.Accelerator != "" {
		c.add("~ %saccelerator: %q -> %q", at, old.Accelerator, now.Accelerator)
	}
	if count(old.Replicas.Max) != count(now.Replicas.Max) && (old.Replicas.Max == nil || !found.Max.Guess) {
		c.add("~ %sreplicas.max: %s -> %s", at, count(old.Replicas.Max), count(now.Replicas.Max))
	}
	for _, use := range slices.Sorted(maps.Keys(now.Uses)) {
		c.quantity(at+"uses."+use, old.Uses[use], now.Uses[use], 0)
	}
	for _, signal := range slices.Sorted(maps.Keys(now.Capacity)) {
		c.capacity(at+"capacity."+signal, old.Capacity[signal], now.Capacity[signal], found.capacityOf(signal))
	}
	if a, b := float64(old.Startup), float64(now.Startup); !found.Startup.Guess && math.Abs(a-b) > changed*max(a, b) {
		c.add("~ %sstartup: %s -> %s", at, old.Startup, now.Startup)
	}
}

// capacityOf is what was found of the capacity for a signal.
func (v *Variant) capacityOf(signal string) *Value {
	if signal == "concurrency" {
		return &v.Concurrency
	}
	return &v.Tokens
}

// capacity compares capacities. The most that was seen is none, unless it is more than what is believed: a replica may carry more than it was
// asked for. One that the file lacks is told, however it was found.
func (c *comparison) capacity(what string, old, now config.Quantity, found *Value) {
	switch {
	case !old.Set: // Whatever was found, the file has nothing in its place.
		c.quantity(what, old, now, 0)
	case found.Guess:
	case !found.Seen:
		c.quantity(what, old, now, changed)
	case old.IsNumber() && now.Number > (1+changed)*old.Number:
		c.add("~ %s: %s, and a replica was seen to do %s", what, number(old.Number), number(now.Number))
	}
}

// quantity compares two numbers, of which a share of the larger is no change.
func (c *comparison) quantity(what string, old, now config.Quantity, share float64) {
	switch {
	case !now.IsNumber() || old.Set && !old.IsNumber():
	case !old.Set:
		c.add("+ %s: %s", what, number(now.Number))
	case math.Abs(old.Number-now.Number) > share*max(old.Number, now.Number):
		c.add("~ %s: %s -> %s", what, number(old.Number), number(now.Number))
	}
}
