package match_test

import (
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
)

func TestOwners(t *testing.T) {
	c, found := config.Load("test.yml", `
prometheus: {url: http://prometheus.example}
signals: {load: {unit: requests, demand: demand}}
models:
  - {name: m, namespace: ns, variants: [{name: a, cost: 1, capacity: {load: 10}}, {name: b, pods: "x-.*", cost: 1, capacity: {load: 10}}]}
  - {name: m, namespace: other, variants: [{name: a, cost: 1, capacity: {load: 10}}]}
`)
	require.NotNil(t, c, "%v", found)
	owners := match.NewOwners(c)
	for name, tc := range map[string]struct {
		metric model.Metric
		want   string
	}{
		"by variant":            {model.Metric{"namespace": "other", "llm_d_ai_variant": "a"}, "other/a"},
		"by the name of a pod":  {model.Metric{"namespace": "ns", "pod": "a-7c9d8b6f5-x2x4z"}, "ns/a"},
		"by the variant's pods": {model.Metric{"namespace": "ns", "pod": "x-1"}, "ns/b"},
		"variant before pod":    {model.Metric{"namespace": "ns", "llm_d_ai_variant": "a", "pod": "x-1"}, "ns/a"},
		"without namespace":     {model.Metric{"llm_d_ai_variant": "b"}, ""},
		"of two":                {model.Metric{"llm_d_ai_variant": "a"}, ""},
		"of none":               {model.Metric{"namespace": "ns", "pod": "y-1"}, ""},
		"no labels":             {model.Metric{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, v, ok := owners.Of(tc.metric, c.Labels)
			got := ""
			if ok {
				got = m.Namespace + "/" + v.Name
			}
			assert.Equal(t, tc.want, got)
		})
	}
}
