package collector_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/variant-exporter/variant-exporter/collector"
)

// mixed has a large and a small size of replicas.
const mixed = `
defaults: {headroom: 0, scale_down_window: 1m, provision_timeout: 30m}
signals: {load: {unit: requests, demand: demand}}
models: [{name: m, namespace: ns, variants: [
  {name: large, cost: 2.5, startup: 2m, capacity: {load: 10}},
  {name: small, cost: 1, startup: 2m, capacity: {load: 2}}]}]`

// TestNewReplicasStay: replicas that have only just become ready are not given up because a little less is needed.
func TestNewReplicasStay(t *testing.T) {
	want := func(small string) string {
		return `
			variant_desired_replicas{variant="large"} 1
			variant_desired_replicas{variant="small"} ` + small
	}
	runCases(t, map[string]decisionCase{
		"some are new":         {config: mixed, answers: newSmall("12", "10m15s", "10m"), want: want("3")},
		"they are new no more": {config: mixed, answers: newSmall("12", "20m15s", "20m"), want: want("1")},
		// A variant that is given up is seen to go before another one may be given up in its stead.
		"they are new until a full minute": {config: mixed, answers: newSmall("12", "14m", "13m45s"), ago: 45 * time.Second, want: want("3")},
		"it is there":                      {config: mixed, answers: newSmall("12", "14m", "13m45s"), want: want("1")},
		"their demand has gone":            {config: mixed, answers: newSmall("11", "10m15s", "10m"), want: want("1")},
	})
}

// newSmall is a model of which small replicas have become ready eight minutes ago, and were ordered before.
func newSmall(now, before, ordered string) canned {
	return canned{
		"demand": load(now), "past demand": joined(load("14.8 @40m..8m15s"), load(now+" @8m..0s")),
		"current": runs("large", "1", "small", "3"), "ready": runs("large", "1", "small", "3"),
		"past current": joined(runs("large", "1"), runsOf("small", "0", "40m.."+before), runsOf("small", "3", ordered+"..0s")),
		"past ready":   joined(runs("large", "1"), runsOf("small", "0", "40m..8m15s"), runsOf("small", "3", "8m..0s")),
	}
}

// TestNewReplicasStayFor: it is said which replicas stay because they are new, until when, and of no others.
func TestNewReplicasStayFor(t *testing.T) {
	for name, tc := range map[string]struct {
		answers canned
		want    *collector.Stays
	}{
		"some are new":          {newSmall("12", "10m15s", "10m"), &collector.Stays{Replicas: 3, For: 180}},
		"they are almost not":   {newSmall("12", "12m45s", "12m30s"), &collector.Stays{Replicas: 3, For: 60}},
		"they are new no more":  {newSmall("12", "20m15s", "20m"), nil},
		"their demand has gone": {newSmall("11", "10m15s", "10m"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			variants := evaluateWith(t, complete(mixed), newCanned(t, tc.answers)).Models[0].Variants
			assert.Nil(t, variants[0].Stays)
			assert.Equal(t, tc.want, variants[1].Stays)
		})
	}
}

// TestOrdersOnTheirWay: while demand rises, what the last evaluations ordered is not seen yet. The mix that is best now does not cancel it.
func TestOrdersOnTheirWay(t *testing.T) {
	at := func(lately string) canned {
		return canned{
			"demand": load("19"), "past demand": joined(load("10 @40m..45s"), load(lately+" @30s..15s"), load("19 @0s..0s")),
			"current": runs("large", "1", "small", "0"), "ready": runs("large", "1", "small", "0"),
			"past current": runs("large", "1", "small", "0"), "past ready": runs("large", "1", "small", "0"),
		}
	}
	want := func(small string) string {
		return `
			variant_desired_replicas{variant="large"} 2
			variant_desired_replicas{variant="small"} ` + small
	}
	runCases(t, map[string]decisionCase{
		"one was ordered":  {config: mixed, answers: at("11"), want: want("1")},
		"none was ordered": {config: mixed, answers: at("10"), want: want("0")},
	})
}

// TestMixOfTheMinute: what replicas are kept for falls at a full minute, and another mix is chosen that costs less. The next look sees a little more demand
// and does not take the order back.
func TestMixOfTheMinute(t *testing.T) {
	const before = 45 * time.Second // fleetAt is a full minute
	at := func(now string) canned {
		fleet := runs("large", "2", "small", "0")
		return canned{
			"demand": load(now), "past demand": joined(load("19.5 @2h..4m"), load("12 @3m45s..1m"), load(now+" @45s..45s")),
			"current": fleet, "ready": fleet, "past current": fleet, "past ready": fleet,
		}
	}
	want := func(small string) string {
		return `
			variant_desired_replicas{variant="large"} 2
			variant_desired_replicas{variant="small"} ` + small
	}
	runCases(t, map[string]decisionCase{
		"a mix that costs less":       {config: mixed, answers: at("12"), ago: before, want: want("1")},
		"it is ordered still":         {config: mixed, answers: at("14.5"), ago: before, want: want("3")},
		"and more where it is needed": {config: mixed, answers: at("20.5"), ago: before, want: want("1")},
	})
}
