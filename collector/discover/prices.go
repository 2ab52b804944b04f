package discover

import (
	"fmt"
	"regexp"
	"strconv"
)

// pricesOf is when the table of prices was written down.
const pricesOf = "2026-11"

// price is what clouds ask for one accelerator for an hour, on demand and without a contract: an order of magnitude to begin with, never a
// bill. Each is rounded from the price of a machine, divided by its accelerators.
type price struct {
	pattern *regexp.Regexp
	name    string
	dollars float64
}

// prices is the table. The first that matches counts.
func prices() []price {
	of := func(pattern, name string, dollars float64) price {
		return price{regexp.MustCompile(`(?i)(?:^|[^a-z0-9])` + pattern + `(?:$|[^a-z0-9])`), name, dollars}
	}
	return []price{
		of(`gb200`, "GB200", 14), of(`b200`, "B200", 14), of(`gh200`, "GH200", 5), of(`h200`, "H200", 7.9), of(`h100`, "H100", 4),
		of(`a100.*40gb?`, "A100-40GB", 2.7), of(`a100`, "A100", 3.4), of(`l40s`, "L40S", 1.9), of(`l40`, "L40", 1.5), of(`l4`, "L4", 0.8),
		of(`a10g`, "A10G", 1), of(`a10`, "A10", 1), of(`t4`, "T4", 0.5), of(`v100`, "V100", 3), of(`mi300x?`, "MI300X", 6), of(`mi325x?`, "MI325X", 7),
		of(`(?:v5e|v5-lite.*)`, "TPU v5e", 1.2), of(`v6e`, "TPU v6e", 2.7), of(`gaudi3`, "Gaudi 3", 3), of(`gaudi2?`, "Gaudi 2", 2),
	}
}

// shortName is what people call an accelerator; the name itself where it is not in the table.
func shortName(name string) string {
	for _, p := range prices() {
		if p.pattern.MatchString(name) {
			return p.name
		}
	}
	return name
}

// lookAtPrices asks whether OpenCost tells prices.
func (f *Fleet) lookAtPrices(a *asker, _ *workloads) error {
	answer, err := a.ask("prices by OpenCost", "count(node_gpu_hourly_cost > 0)")
	f.OpenCost = len(answer) > 0
	return err
}

// price gives every variant a cost.
func (f *Fleet) price() {
	f.variants(func(_ *Model, v *Variant) {
		devices, err := strconv.ParseFloat(v.Uses.Text, 64)
		if err != nil {
			devices = 1
		}
		v.Cost = Value{Text: "1", From: "no price is known", ToDo: "what a replica costs for an hour; while all cost 1, the cheapest plan has the fewest replicas"}
		for _, p := range prices() {
			if p.name == v.Accelerator.Text {
				v.Cost = Value{
					Text: number(p.dollars * devices), From: fmt.Sprintf("%s x %s, about what clouds list in dollars (table of %s)", number(devices), number(p.dollars), pricesOf),
					ToDo: "what a replica costs you for an hour",
				}
			}
		}
	})
}
