package trace

import (
	"fmt"
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
			gaps = append(gaps, Gap{all[i-1].At, all[i].At,
				fmt.Sprintf("no request, where one came every %s before and after", usual.Round(time.Millisecond))})
		}
	}
	return gaps
}

// windowGaps returns where windows are missing, and where not a single client was seen: services with dozens of clients do not lose
// all of them at once.
func windowGaps(all []Window) []Gap {
	var gaps []Gap
	add := func(from, to time.Duration, why string) {
		if n := len(gaps); n > 0 && gaps[n-1].To == from && gaps[n-1].Why == why {
			gaps[n-1].To = to
			return
		}
		gaps = append(gaps, Gap{from, to, why})
	}
	for i, w := range all {
		if i > 0 {
			if end := all[i-1].Start + all[i-1].Length; w.Start > end {
				add(end, w.Start, "windows are missing")
			}
		}
		if w.Rate == 0 && w.Clients == 0 {
			add(w.Start, w.Start+w.Length, "no client at all")
		}
	}
	return gaps
}
