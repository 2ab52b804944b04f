package backtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/product"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
)

type spy struct {
	*product.Product
	n int
}

func (s *spy) Desired(o *policy.Observation) map[string]int {
	d := s.Product.Desired(o)
	s.n++
	if s.n%40 == 0 && s.n < 2000 {
		b, _ := json.Marshal(s.Last().Decision)
		fmt.Println(o.At, string(b))
	}
	return d
}

func TestZZ(t *testing.T) {
	dir := "/work/shared/cases/backtest/"
	name := os.Getenv("ZZ")
	s, f, err := scenario.LoadFile(dir + name + ".yml")
	fmt.Println(f, err)
	s.Duration, s.Warmup = s.Duration/13/24*6, 0
	c, f2, err := product.LoadConfig(dir + name + ".conf.yml")
	fmt.Println(f2, err)
	arr := s.Arrive(1)
	p, _ := product.New(context.Background(), c)
	o := sim.Options{Scenario: s, Arrivals: arr, Seed: 1, Bounds: product.Bounds(c), Store: p.Store, Wanted: p.Wanted, Policy: &spy{Product: p}}
	o.Setup = sim.SetupOf(o)
	t0 := time.Now()
	r, err := sim.Run(context.Background(), o)
	fmt.Printf("%+v %v %v\n", r.Score, err, time.Since(t0))
}
