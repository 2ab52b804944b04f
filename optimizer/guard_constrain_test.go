package optimizer_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

func TestConstrain(t *testing.T) {
	four, one := 4, 1
	p := optimizer.Problem{Models: []optimizer.Model{{
		Name: "m", MinReplicas: 1, Demand: map[string]float64{"s": 10},
		Variants: []optimizer.Variant{{Name: "a", Min: 1, Max: &four}, {Name: "b"}},
	}}}
	before, err := json.Marshal(p)
	require.NoError(t, err)
	unknown := having(seen(7, 7), func(s *optimizer.VariantState) { s.Unknown = true })
	for _, test := range []struct {
		name  string
		state optimizer.ModelState
		want  string
	}{
		{"everything is known", known(seen(2, 2), seen(3, 3)), "1..4 0..nil, 1 replicas, 1 signals"},
		{"a variant is not known", known(unknown, seen(3, 3)), "7..7 0..nil, 1 replicas, 1 signals"},
		{
			"nor what runs of it", known(optimizer.VariantState{Unknown: true}, optimizer.VariantState{}),
			"1..1 0..nil, 1 replicas, 1 signals",
		},
		{"nothing is known", optimizer.ModelState{Variants: []optimizer.VariantState{seen(2, 2), {}}}, "2..2 0..0, 0 replicas, 0 signals"},
		{"the state is left out", optimizer.ModelState{}, "1..1 0..0, 0 replicas, 0 signals"},
		{
			"a part is known",
			optimizer.ModelState{Knowledge: optimizer.KnownPartly, Variants: []optimizer.VariantState{seen(9, 9), seen(3, 3)}},
			"4..4 3..nil, 1 replicas, 1 signals",
		},
		{
			"stuck below the minimum, and at one",
			known(optimizer.VariantState{Stuck: new(int)}, optimizer.VariantState{Stuck: &one}), "1..1 0..1, 1 replicas, 1 signals",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := optimizer.Constrain(p, optimizer.State{Models: []optimizer.ModelState{test.state}}).Models[0]
			var bounds []string
			for _, v := range m.Variants {
				most := "nil"
				if v.Max != nil {
					most = strconv.Itoa(*v.Max)
				}
				bounds = append(bounds, fmt.Sprintf("%d..%s", v.Min, most))
			}
			got := fmt.Sprintf("%s, %d replicas, %d signals", strings.Join(bounds, " "), m.MinReplicas, len(m.Demand))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if after, err := json.Marshal(p); err != nil || !slices.Equal(before, after) {
				t.Errorf("the problem was changed: %s %v", after, err)
			}
		})
	}
}
