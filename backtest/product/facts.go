package product

import (
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Bounds are the replicas that the autoscalers of a configuration may set, by variant ID.
func Bounds(c *config.Config) map[string]sim.Bounds {
	bounds := map[string]sim.Bounds{}
	for i := range c.Models {
		m := &c.Models[i]
		for j := range m.Variants {
			v := &m.Variants[j]
			b := sim.Bounds{Min: v.Replicas.Min.Least(), Max: -1}
			if v.Replicas.Max != nil {
				b.Max = *v.Replicas.Max
			}
			bounds[m.Namespace+"/"+v.Name] = b
		}
	}
	return bounds
}

// Capacities are the plain numbers that a configuration gives for the capacity of a replica, by variant ID and signal.
func Capacities(c *config.Config) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	for i := range c.Models {
		m := &c.Models[i]
		for j := range m.Variants {
			v := &m.Variants[j]
			plain := map[string]float64{}
			for name, q := range v.Capacity {
				if q.Set && q.Query.IsZero() {
					plain[name] = q.Number
				}
			}
			all[m.Namespace+"/"+v.Name] = plain
		}
	}
	return all
}

// Budgets are the limits of a configuration that are plain numbers, with what is lent.
func Budgets(c *config.Config) []sim.Budget {
	var budgets []sim.Budget
	for i := range c.Budgets {
		b := &c.Budgets[i]
		x := sim.Budget{Uses: map[string]float64{}}
		known := false
		for _, limit := range b.Limit {
			if limit.Set && limit.Query.IsZero() && (!known || limit.Number < x.Limit) {
				x.Limit, known = limit.Number, true
			}
		}
		if !known {
			continue
		}
		if b.Borrow.Set && b.Borrow.Query.IsZero() {
			x.Limit += b.Borrow.Number
		}
		for j := range c.Models {
			m := &c.Models[j]
			for k := range m.Variants {
				v := &m.Variants[k]
				if use, ok := v.Uses[b.Name]; ok && use.Query.IsZero() {
					x.Uses[m.Namespace+"/"+v.Name] = use.Number
				}
			}
		}
		budgets = append(budgets, x)
	}
	return budgets
}
