package optimizer_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

// fleet describes a random fleet of realistic numbers.
type fleet struct {
	models, variants, signals int
	// accelerators and power are the shares of what the plan without budgets
	// uses that there are of five accelerators and of watts; 0 leaves the
	// fleet without budgets. The sixth accelerator is not limited.
	accelerators, power float64
	seed                uint64
}

// accelerators are the types that the variants of a fleet run on: what one
// costs per hour, what it carries relative to the others, and its watts.
var accelerators = []struct {
	name                  string
	cost, capacity, watts float64
}{
	{"b200", 5.50, 16.1, 1000},
	{"h100", 2.95, 5.1, 700},
	{"a100", 1.80, 2.6, 400},
	{"l40s", 1.55, 1.2, 350},
	{"mi300x", 2.40, 4.6, 750},
	{"g2", 0.85, 0.62, 150},
}

// problem builds the fleet. Equal descriptions give equal fleets.
func (f fleet) problem() optimizer.Problem {
	random := rand.New(rand.NewPCG(f.seed, 1))
	var p optimizer.Problem
	for i := range f.models {
		p.Models = append(p.Models, f.model(random, i))
	}
	if f.accelerators > 0 {
		f.addBudgets(&p)
	}
	return p
}

func (f fleet) model(random *rand.Rand, i int) optimizer.Model {
	m := optimizer.Model{Name: fmt.Sprintf("model-%05d", i), Priority: 1 + random.IntN(3), Demand: map[string]float64{}}
	size := math.Exp(random.NormFloat64())
	for s := range f.signals {
		m.Demand[fmt.Sprintf("signal-%d", s)] = math.Round(20*size*(0.7+0.6*random.Float64())*1000) / 1000
	}
	first := random.IntN(len(accelerators))
	for j := range f.variants {
		a := accelerators[(first+j)%len(accelerators)]
		count := float64(int(1) << random.IntN(3))
		v := optimizer.Variant{
			Name: fmt.Sprintf("%s-x%g-%d", a.name, count, j), Cost: a.cost * count,
			StartCost: math.Round(a.cost*count*5) / 100,
			Capacity:  map[string]float64{}, Uses: map[string]float64{},
		}
		for s := range f.signals {
			scale := math.Pow(count, 1.05) * (0.7 + 0.6*random.Float64())
			v.Capacity[fmt.Sprintf("signal-%d", s)] = math.Round(a.capacity*scale*1000) / 1000
		}
		v.Current = random.IntN(4)
		if f.accelerators > 0 {
			v.Uses[a.name] = count
			v.Uses["power"] = count * a.watts
		}
		m.Variants = append(m.Variants, v)
	}
	return m
}

// addBudgets limits the accelerators and the power.
func (f fleet) addBudgets(p *optimizer.Problem) {
	for _, a := range accelerators {
		p.Budgets = append(p.Budgets, optimizer.Budget{Name: a.name, Limit: 1e12})
	}
	p.Budgets = append(p.Budgets, optimizer.Budget{Name: "power", Limit: 1e15})
	plan, err := optimizer.Solve(*p, optimizer.Options{})
	if err != nil {
		panic(err)
	}
	for b := range p.Budgets {
		switch p.Budgets[b].Name {
		case accelerators[len(accelerators)-1].name:
		case "power":
			p.Budgets[b].Limit = math.Ceil(plan.Budgets[b].Used * f.power)
		default:
			p.Budgets[b].Limit = math.Ceil(plan.Budgets[b].Used * f.accelerators)
		}
	}
}
