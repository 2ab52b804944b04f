package optimizer_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

func TestParseProblem(t *testing.T) {
	most := 8
	got, err := optimizer.ParseProblem([]byte(`{
		"budgets": [{"name": "h100", "limit": 16}],
		"models": [{"name": "m", "priority": -1, "min_replicas": 2, "demand": {"concurrency": 900}, "variants": [
			{"name": "a", "cost": 4.1, "start_cost": 0.5, "min": 1, "max": 8, "current": 2,
			 "capacity": {"concurrency": 256}, "uses": {"h100": 1}},
			{"name": "b", "max": null}
		]}]}`))
	require.NoError(t, err)
	want := optimizer.Problem{
		Budgets: []optimizer.Budget{{Name: "h100", Limit: 16}},
		Models: []optimizer.Model{{
			Name: "m", Priority: -1, MinReplicas: 2, Demand: map[string]float64{"concurrency": 900},
			Variants: []optimizer.Variant{
				{
					Name: "a", Cost: 4.1, StartCost: 0.5, Min: 1, Max: &most, Current: 2,
					Capacity: map[string]float64{"concurrency": 256}, Uses: map[string]float64{"h100": 1},
				},
				{Name: "b"},
			},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// in wraps the fields of a variant in a problem with the budget b.
func in(variant string) string {
	return `{"budgets":[{"name":"b","limit":1}],"models":[{"name":"m","demand":{"s":1},"variants":[{"name":"x"},{` + variant + `}]}]}`
}

func TestParseProblemNamesTheField(t *testing.T) {
	for _, test := range []struct{ name, json, path, reason string }{
		{"unknown field", `{"modles":[]}`, "modles", "unknown field"},
		{"unknown field of a variant", in(`"name":"v","price":1`), "models[0].variants[1].price", "unknown field"},
		{"field twice", in(`"name":"v","cost":1,"cost":2`), "models[0].variants[1].cost", "duplicate key"},
		{"key twice", in(`"name":"v","capacity":{"s":1,"s":2}`), "models[0].variants[1].capacity.s", "duplicate key"},
		{"text for a number", in(`"name":"v","cost":"1"`), "models[0].variants[1].cost", "must be a number"},
		{"negative", in(`"name":"v","cost":-1`), "models[0].variants[1].cost", "-1 is negative"},
		{"out of range", in(`"name":"v","cost":1e999`), "models[0].variants[1].cost", "is out of range"},
		{"absurd", in(`"name":"v","start_cost":1e30`), "models[0].variants[1].start_cost", "1e+30 is above 1e+18"},
		{"fraction", in(`"name":"v","min":1.5`), "models[0].variants[1].min", "1.5 is not a whole number up to 2147483647"},
		{"fraction of max", in(`"name":"v","max":0.5`), "models[0].variants[1].max", "0.5 is not a whole number up to 2147483647"},
		{"text for max", in(`"name":"v","max":"8"`), "models[0].variants[1].max", "must be a number"},
		{"negative count", in(`"name":"v","current":-1`), "models[0].variants[1].current", "-1 is not between 0 and 2147483647"},
		{"max below min", in(`"name":"v","min":3,"max":2`), "models[0].variants[1].max", "2 is below min 3"},
		{"no name", in(`"cost":1`), "models[0].variants[1].name", "must not be empty"},
		{"name twice", in(`"name":"x"`), "models[0].variants[1].name", `duplicate name "x"`},
		{"unknown budget", in(`"name":"v","uses":{"c":1}`), "models[0].variants[1].uses.c", "no budget has this name"},
		{"negative use", in(`"name":"v","uses":{"b":-1}`), "models[0].variants[1].uses.b", "-1 is negative"},
		{"null", in(`"name":"v","cost":null`), "models[0].variants[1].cost", "must be a number"},
		{"list for an object", in(`"name":"v","uses":[]`), "models[0].variants[1].uses", "must be an object"},
		{"object for a list", `{"models":{}}`, "models", "must be a list"},
		{"number for a name", `{"budgets":[{"name":1}]}`, "budgets[0].name", "must be a string"},
		{"negative limit", `{"budgets":[{"name":"b","limit":-2}]}`, "budgets[0].limit", "-2 is negative"},
		{"budget twice", `{"budgets":[{"name":"b"},{"name":"b"}]}`, "budgets[1].name", `duplicate name "b"`},
		{"model twice", `{"models":[{"name":"m"},{"name":"m"}]}`, "models[1].name", `duplicate name "m"`},
		{"negative demand", `{"models":[{"name":"m","demand":{"s":-3}}]}`, "models[0].demand.s", "-3 is negative"},
		{"negative minimum", `{"models":[{"name":"m","min_replicas":-3}]}`, "models[0].min_replicas", "-3 is not between 0 and 2147483647"},
		{"not an object", `[]`, "", "must be an object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := optimizer.ParseProblem([]byte(test.json))
			var field *optimizer.FieldError
			require.ErrorAs(t, err, &field)
			assert.Equal(t, test.path, field.Path)
			assert.Equal(t, test.reason, field.Reason)
		})
	}
}

func TestParseProblemRefusesBrokenText(t *testing.T) {
	for _, text := range []string{``, `{`, `{"models":[{"name":"m"`, `{"models":[{]}`, `{} {}`, `{"budgets":[{"name":"b","limit":NaN}]}`} {
		_, err := optimizer.ParseProblem([]byte(text))
		assert.Error(t, err, "%q is accepted", text)
	}
}
