package optimizer_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// A plan mixes variants where that is cheapest: here a large accelerator for
// most of the load and a small one for the rest.
func ExampleSolve() {
	p, err := optimizer.ParseProblem([]byte(`{"models":[{"name":"llama","demand":{"tokens":17000},"variants":[
		{"name":"b200","cost":5.50,"capacity":{"tokens":16100}},
		{"name":"h100","cost":2.95,"capacity":{"tokens":5100}},
		{"name":"l40s","cost":1.55,"capacity":{"tokens":1200}}]}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := optimizer.Solve(p, optimizer.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, %.2f per hour, next best %.2f\n", plan.Status, plan.Cost, *plan.RunnerUpCost)
	for _, v := range plan.Models[0].Variants {
		fmt.Println(v.Name, v.Replicas, v.Reason)
	}
	// Output:
	// optimal, 7.05 per hour, next best 8.45
	// b200 1 demand
	// h100 0 not_needed
	// l40s 1 demand
}

// A power budget trades cost for watts: the same demand costs more under a
// tighter budget, until it can no longer be met.
func ExampleSolve_power() {
	p := optimizer.Problem{
		Budgets: []optimizer.Budget{{Name: "power"}},
		Models: []optimizer.Model{{
			Name: "llama", Demand: map[string]float64{"tokens": 150_000},
			Variants: []optimizer.Variant{
				{Name: "l40s", Cost: 0.80, Capacity: map[string]float64{"tokens": 1500}, Uses: map[string]float64{"power": 350}},
				{Name: "h100", Cost: 2.95, Capacity: map[string]float64{"tokens": 5100}, Uses: map[string]float64{"power": 700}},
				{Name: "b200", Cost: 9.90, Capacity: map[string]float64{"tokens": 16100}, Uses: map[string]float64{"power": 1000}},
			},
		}},
	}
	for _, watts := range []float64{40_000, 30_000, 20_000, 9_000} {
		p.Budgets[0].Limit = watts
		plan, err := optimizer.Solve(p, optimizer.Options{})
		if err != nil {
			fmt.Println(err)
			return
		}
		n := plan.Models[0].Variants
		fmt.Printf("%2.0f kW: %.2f per hour, %d l40s, %d h100, %d b200, shortfall %.0f %%\n",
			watts/1000, plan.Cost, n[0].Replicas, n[1].Replicas, n[2].Replicas, 100*plan.Models[0].Shortfall)
	}
	// Output:
	// 40 kW: 80.00 per hour, 100 l40s, 0 h100, 0 b200, shortfall 0 %
	// 30 kW: 82.80 per hour, 69 l40s, 6 h100, 1 b200, shortfall 0 %
	// 20 kW: 87.40 per hour, 1 l40s, 26 h100, 1 b200, shortfall 0 %
	//  9 kW: 89.10 per hour, 0 l40s, 0 h100, 9 b200, shortfall 3 %
}

// The JSON of the solve command.
func ExampleParseProblem() {
	p, err := optimizer.ParseProblem([]byte(`{"budgets":[{"name":"h100","limit":16}],
		"models":[{"name":"m","priority":1,"min_replicas":0,"demand":{"concurrency":900},
		"variants":[{"name":"a","cost":4.1,"start_cost":0,"min":0,"max":8,"current":2,
		             "capacity":{"concurrency":256},"uses":{"h100":1}}]}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := optimizer.Solve(p, optimizer.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := json.Marshal(plan)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	// Output:
	// {"status":"optimal","shortfall_gap":0,"gap":0,"cost":16.4,"start_cost":0,"changed":2,"over_budget":[],"budgets":[{"name":"h100","used":4,"limit":16,"shadow_price":0}],"models":[{"name":"m","shortfall":0,"binding":"concurrency","variants":[{"name":"a","replicas":4,"reason":"demand"}]}]}
}

// A swap under a budget: the old replicas stay until the ready ones of both
// variants carry the demand, and the new ones start as the accelerators allow.
func ExampleGuard() {
	p := optimizer.Problem{
		Budgets: []optimizer.Budget{{Name: "gpu", Limit: 6}},
		Models: []optimizer.Model{{
			Name: "llama", Demand: map[string]float64{"requests": 40},
			Variants: []optimizer.Variant{
				{Name: "old", Cost: 3, Capacity: map[string]float64{"requests": 10}, Uses: map[string]float64{"gpu": 1}},
				{Name: "new", Cost: 1, Capacity: map[string]float64{"requests": 10}, Uses: map[string]float64{"gpu": 1}},
			},
		}},
	}
	variants := p.Models[0].Variants
	running := []int{4, 0}
	for range 3 {
		s := optimizer.State{Models: []optimizer.ModelState{{Knowledge: optimizer.KnownFully}}}
		for j := range variants {
			variants[j].Current = running[j]
			s.Models[0].Variants = append(s.Models[0].Variants, optimizer.VariantState{Current: new(running[j]), Ready: new(running[j])})
		}
		plan, err := optimizer.Solve(optimizer.Constrain(p, s), optimizer.Options{})
		if err != nil {
			fmt.Println(err)
			return
		}
		var said []string
		for j, v := range optimizer.Guard(p, plan, s, optimizer.Options{}).Models[0].Variants {
			running[j] = *v.Desired // and all of them become ready
			said = append(said, fmt.Sprint(variants[j].Name, " ", *v.Desired, " ", v.Reason))
		}
		fmt.Println(strings.Join(said, ", "))
	}
	// Output:
	// old 4 make_before_break, new 2 make_before_break
	// old 2 make_before_break, new 4 demand
	// old 0 not_needed, new 4 demand
}

// What the next best way of serving a model would have cost.
func ExampleRunnerUp() {
	p, err := optimizer.ParseProblem([]byte(`{"models":[{"name":"llama","demand":{"tokens":17000},"variants":[
		{"name":"b200","cost":5.50,"capacity":{"tokens":16100}},
		{"name":"h100","cost":2.95,"capacity":{"tokens":5100}},
		{"name":"l40s","cost":1.55,"capacity":{"tokens":1200}}]}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := optimizer.Solve(p, optimizer.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	other, dearer, _ := optimizer.RunnerUp(p, plan, 0)
	fmt.Printf("%.2f per hour dearer\n", dearer)
	for _, v := range other.Variants {
		fmt.Println(v.Name, v.Replicas, v.Reason)
	}
	// Output:
	// 1.40 per hour dearer
	// b200 1 demand
	// h100 1 demand
	// l40s 0 not_needed
}
