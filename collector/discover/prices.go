package discover

import (
	"fmt"
	"regexp"
	"strconv"
)

// pricesOf is when the table of prices was written down.
const pricesOf = "2026-11"

// price is what a cloud asks for one accelerator for an hour, on demand and without a contract: an order of magnitude to begin with, never a
// bill. Others ask half or twice as much for the same.
type price struct {
	pattern *regexp.Regexp
	name    string
	dollars float64
	of      string // the machine whose list price, divided by its accelerators, this is; empty for a guess
}

// prices is the table. The first that matches counts. Amazon's are of us-east-1 (EC2, Linux), as the price lists that were published from
// August to November 2026 have them; the others are named. Rows without a machine are guesses: no list price was found.
func prices() []price {
	of := func(pattern, name string, dollars float64, machine string) price {
		return price{regexp.MustCompile(`(?i)(?:^|[^a-z0-9])` + pattern + `(?:$|[^a-z0-9])`), name, dollars, machine}
	}
	return []price{
		of(`gb200`, "GB200", 14, ""),
		of(`b200`, "B200", 14.2, "p6-b200.48xlarge"),        // 113.93 / 8
		of(`gh200`, "GH200", 2.3, "Lambda's GH200"),         // 2.29
		of(`h200`, "H200", 7.9, "p5en.48xlarge"),            // 63.30 / 8
		of(`h100`, "H100", 6.9, "p5.48xlarge"),              // 55.04 / 8
		of(`a100.*40gb?`, "A100-40GB", 2.7, "p4d.24xlarge"), // 21.96 / 8
		of(`a100`, "A100", 3.4, "p4de.24xlarge"),            // 27.45 / 8
		of(`l40s`, "L40S", 1.9, "g6e.xlarge"),               // 1.861
		of(`l40`, "L40", 1.5, ""),
		of(`l4`, "L4", 0.8, "g6.xlarge"),   // 0.8048
		of(`a10g`, "A10G", 1, "g5.xlarge"), // 1.006
		of(`a10`, "A10", 1.3, "Lambda's A10"),
		of(`t4`, "T4", 0.5, "g4dn.xlarge"),                      // 0.526
		of(`v100`, "V100", 3, "p3.2xlarge"),                     // 3.06
		of(`mi300x?`, "MI300X", 6, "Azure's ND96isr_MI300X_v5"), // 48 / 8
		of(`mi325x?`, "MI325X", 7, ""),
		of(`(?:v5e|v5-lite.*)`, "TPU v5e", 1.2, ""),
		of(`v6e`, "TPU v6e", 2.7, "Google's v6e, in the United States"),
		of(`gaudi3`, "Gaudi 3", 3, ""),
		of(`gaudi2?`, "Gaudi 2", 2, ""),
	}
}

// source says where the price comes from.
func (p *price) source() string {
	if p.of == "" {
		return "a guess in dollars: no list price was found"
	}
	return fmt.Sprintf("list price in dollars of %s, each accelerator (table of %s)", p.of, pricesOf)
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
					Text: number(p.dollars * devices), From: fmt.Sprintf("%s x %s, %s", number(devices), number(p.dollars), p.source()), ToDo: "what a replica costs you for an hour",
				}
			}
		}
	})
}
