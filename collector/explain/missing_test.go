package explain_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

func TestLack(t *testing.T) {
	for missing, want := range map[string]string{
		"concurrency: concurrency.demand: connection": "Prometheus cannot be reached, so concurrency.demand is not known",
		"llm/a.cost: timeout":                         "Prometheus did not answer llm/a.cost in time",
		"concurrency: no result":                      "concurrency has no result",
		"no result":                                   "rate has no result",
		"llm/a.cost: duplicate: 2 series, where one is needed: aggregate them": "llm/a.cost has more than one series for the same thing: 2 series, where one is needed: aggregate them",
		"concurrency: 2 of 3 ready replicas of a tell it":                      "concurrency: 2 of 3 ready replicas of a tell it",
		"model has no usable signal":                                           "model has no usable signal",
		"":                                                                     "",
	} {
		assert.Equal(t, want, explain.Lack("rate", missing), missing)
	}
	for _, reason := range promapi.Reasons() {
		said := explain.Lack("", "x: "+string(reason))
		assert.NotContains(t, said, ": "+string(reason), "every reason is said")
		assert.Contains(t, said, "x")
	}
}
