package explain_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

func TestBestSingle(t *testing.T) {
	variant := func(name string, cost, capacity float64) optimizer.Variant {
		return optimizer.Variant{Name: name, Cost: cost, Capacity: map[string]float64{"c": capacity}, Uses: map[string]float64{}}
	}
	for name, tc := range map[string]struct {
		model optimizer.Model
		want  *explain.Single
	}{
		"the cheaper of two, although both together cost less": {
			optimizer.Model{Demand: map[string]float64{"c": 110}, Variants: []optimizer.Variant{variant("large", 4, 100), variant("small", 1, 20)}},
			&explain.Single{Variants: []explain.Replicas{{Variant: "small", Replicas: 6}}, Cost: 6},
		},
		"the other, where its maximum is too low": {
			optimizer.Model{Demand: map[string]float64{"c": 110}, Variants: []optimizer.Variant{
				variant("large", 4, 100), {Name: "small", Cost: 1, Capacity: map[string]float64{"c": 20}, Max: new(5), Uses: map[string]float64{}},
			}},
			&explain.Single{Variants: []explain.Replicas{{Variant: "large", Replicas: 2}}, Cost: 8},
		},
		"no more than is needed": {
			optimizer.Model{Demand: map[string]float64{"c": 100}, Variants: []optimizer.Variant{variant("large", 4, 100)}},
			&explain.Single{Variants: []explain.Replicas{{Variant: "large", Replicas: 1}}, Cost: 4},
		},
		"the minimum of the model": {
			optimizer.Model{MinReplicas: 2, Demand: map[string]float64{}, Variants: []optimizer.Variant{variant("large", 4, 100)}},
			&explain.Single{Variants: []explain.Replicas{{Variant: "large", Replicas: 2}}, Cost: 8},
		},
		"none that serves every signal": {
			optimizer.Model{Demand: map[string]float64{"c": 10, "d": 10}, Variants: []optimizer.Variant{variant("large", 4, 100)}},
			nil,
		},
		"a pair": {
			optimizer.Model{MinReplicas: 1, Demand: map[string]float64{"in": 100, "out": 300}, Variants: []optimizer.Variant{
				{Name: "p", Role: optimizer.RolePrefill, Cost: 2, Capacity: map[string]float64{"in": 60}, Uses: map[string]float64{}},
				{Name: "d", Role: optimizer.RoleDecode, Cost: 3, Capacity: map[string]float64{"out": 100}, Uses: map[string]float64{}},
				{Name: "d2", Role: optimizer.RoleDecode, Cost: 3, Capacity: map[string]float64{"out": 90}, Uses: map[string]float64{}},
			}},
			&explain.Single{Variants: []explain.Replicas{{Variant: "p", Replicas: 2}, {Variant: "d", Replicas: 3}}, Cost: 13},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.model.Name = "llm/m"
			s := planned(t, optimizer.Problem{Models: []optimizer.Model{tc.model}})
			got := explain.BestSingle(s, 0)
			require.Equal(t, tc.want == nil, got == nil, "%v", got)
			assert.Equal(t, tc.want, got)
		})
	}
}
