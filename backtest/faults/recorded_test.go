package faults_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/variant-exporter/variant-exporter/internal/long"
	"github.com/variant-exporter/variant-exporter/internal/recorded"
)

const (
	recordedShare = 0.2 // of what was asked then, which is what this fleet is large enough for
	recordedSlot  = 15 * time.Second
)

// recordedLoad is the rate at which requests arrived in a recorded run, from its first one on.
func recordedLoad(t *testing.T, name string) map[time.Duration]float64 {
	t.Helper()
	run := recorded.Staircase(t, name)
	rates := map[time.Duration]float64{}
	for _, q := range run.Requests {
		slot := time.Duration((q.Arrival-run.Requests[0].Arrival)/recordedSlot.Seconds()) * recordedSlot
		for at := slot; at >= 0; at -= recordedSlot {
			if _, there := rates[at]; there {
				break
			}
			rates[at] = 0 // no request came in it so far
		}
		rates[slot] += recordedShare / recordedSlot.Seconds()
		if _, there := rates[slot+recordedSlot]; !there {
			rates[slot+recordedSlot] = 0
		}
	}
	return rates
}

// TestRecordedLoad runs schedules under the load of recorded runs.
func TestRecordedLoad(t *testing.T) {
	long.Test(t)
	const schedules = uint64(10)
	for _, name := range recorded.Staircases() {
		load := recordedLoad(t, name)
		sc := *scenarios(t)[0]
		sc.fleet = func(seed uint64) fleetOf {
			f := twoModels(seed)
			f[0].rates = load
			return f
		}
		for seed := uint64(1); seed <= schedules; seed++ {
			t.Run(fmt.Sprintf("%s/seed=%d", name, seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { newRun(t, &sc, seed).run() })
			})
		}
	}
}
