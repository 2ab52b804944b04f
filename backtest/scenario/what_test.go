package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

func TestWhat(t *testing.T) {
	expr, err := config.ParseExpr("price_old")
	require.NoError(t, err)
	two, four := 2.0, 4
	for want, e := range map[string]Event{
		"Prometheus is down":                         {Prometheus: Down},
		"the store loses 50 % of the series":         {Store: &Store{Lose: 0.5}},
		"replicas of old are not ready":              {Unready: &Pods{Variant: "old"}},
		"servers of old restart":                     {Crash: &Pods{Variant: "old"}},
		"the pool h100 has 4 accelerators":           {Pool: "h100", Accelerators: &four},
		"the series price_old are set to 2":          {Series: expr, Set: &two},
		"the series price_old are multiplied by 2":   {Series: expr, Scale: &two},
		"the series price_old are absent":            {Series: expr, Absent: true},
		"a roll-out of x":                            {Rollout: "x"},
		"a roll-out of x, which never becomes ready": {Rollout: "x", Broken: true},
		"the autoscaler of x stops":                  {AutoscalerStops: "x"},
		"pods of x cannot be scraped":                {ScrapeFails: &Pods{Variant: "x"}},
		"pods of x are scraped 2 times":              {Scraped: &Copies{Variant: "x", Times: 2}},
		"servers of x take 2 times as long":          {Slow: &Slow{Variant: "x", By: 2}},
	} {
		require.Equal(t, want, e.What())
	}
	require.Empty(t, (&Event{}).What())
}
