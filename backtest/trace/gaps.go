package trace

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A silence between two requests is taken to be a hole in the recording when it is longer than a minute and than thirty times the usual
// distance of the hundred requests around it. Even at a burstiness of 6, such a silence is less likely than one in a hundred.
const (
	aroundGap   = 50
	gapFactor   = 30
	shortestGap = time.Minute
)

func requestGaps(all []Request) []Gap {
	var gaps []Gap
	for i := 1; i < len(all); i++ {
		silent := all[i].At - all[i-1].At
		if silent < shortestGap {
			continue
		}
		before, after := max(0, i-1-aroundGap), min(len(all)-1, i+aroundGap)
		others := after - before - 1
		if others < aroundGap {
			continue // too little around it to know what is usual
		}
		usual := (all[after].At - all[before].At - silent) / time.Duration(others)
		if silent > gapFactor*usual {
			why := fmt.Sprintf("no request, where one came every %s before and after", usual.Round(time.Millisecond))
			gaps = append(gaps, Gap{all[i-1].At, all[i].At, why})
		}
	}
	return gaps
}

// silentWindows notes windows in which not a single client was seen: services with dozens of clients do not lose all of them at once.
func (t *Trace) silentWindows() {
	const why = "no client at all"
	for i, w := range t.Windows {
		if w.Rate != 0 || w.Clients != 0 {
			continue
		}
		from := time.Duration(i) * t.Every
		if n := len(t.Gaps); n > 0 && t.Gaps[n-1].To == from && t.Gaps[n-1].Why == why {
			t.Gaps[n-1].To += t.Every
			continue
		}
		t.Gaps = append(t.Gaps, Gap{from, from + t.Every, why})
	}
	slices.SortStableFunc(t.Gaps, func(a, b Gap) int { return cmp.Compare(a.From, b.From) })
}
