package calibrate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// Floor is what a replica was seen to carry within its targets. It carries at least that; of more, nothing is known.
type Floor struct {
	Concurrency float64         `json:"concurrency"`
	Rate        float64         `json:"rate,omitempty"` // requests per second; 0 where it was not seen
	Lengths     latency.Lengths `json:"lengths"`
	// ITL and TTFT are what was seen, in seconds: means, or the quantiles of the targets.
	ITL  float64 `json:"itl"`
	TTFT float64 `json:"ttft"`
}

// floor is the highest load that kept the targets, below the lowest that missed one.
func (s *Subject) floor() (*Floor, error) {
	if s.SLO == nil {
		return nil, errors.New("with targets (--slo.itl, --slo.ttft) it is said which of the loads that were seen kept them")
	}
	rising := slices.SortedFunc(slices.Values(s.Observations), func(a, b calibration.Observation) int { return cmp.Compare(a.Concurrency, b.Concurrency) })
	var best *Floor
	missed := error(nil)
	for i := range rising {
		o := &rising[i]
		itl, ttft, err := shown(o, *s.SLO)
		if err != nil {
			return nil, err
		}
		if late(itl, s.SLO.ITL) || late(ttft, s.SLO.TTFT) {
			missed = fmt.Errorf("the lowest load that was seen, %s requests in service, missed %s: it took %sms between tokens and %sms to the first one",
				number(o.Concurrency, 4), targets(*s.SLO), milliseconds(itl), milliseconds(ttft))
			break
		}
		best = &Floor{Concurrency: o.Concurrency, Rate: o.Rate(), Lengths: o.Lengths, ITL: itl, TTFT: ttft}
	}
	if best == nil {
		return nil, missed
	}
	return best, nil
}

func late(seen, target float64) bool { return target > 0 && seen > target }

// shown are the times of an observation that targets are held against. Of quantiles, the lowest that is not below that of the targets
// counts: what 99 % keep, 95 % keep.
func shown(o *calibration.Observation, slo latency.SLO) (itl, ttft float64, err error) {
	itl, ttft = o.ITL, o.TTFT
	if slo.Quantile > 0 {
		itl, ttft = 0, 0
		for _, q := range slices.Backward(o.Quantiles) {
			if q.Share < slo.Quantile {
				break
			}
			itl, ttft = cmp.Or(q.ITL, itl), cmp.Or(q.TTFT, ttft)
		}
	}
	for _, x := range []struct {
		what         string
		target, seen float64
	}{{"between tokens", slo.ITL, itl}, {"to the first token", slo.TTFT, ttft}} {
		switch {
		case x.target == 0 || x.seen > 0:
		case slo.Quantile == 0:
			return 0, 0, fmt.Errorf("the file does not tell the time %s", x.what)
		default:
			return 0, 0, fmt.Errorf("the file does not tell which time %s %g %% keep. vLLM's benchmark tells it with --percentile-metrics=ttft,itl --metric-percentiles=%g; "+
				"the quantiles between tokens of guidellm and genai-perf are of means of requests. Without --slo.quantile, means are held against the targets", x.what, 100*slo.Quantile, 100*slo.Quantile)
		}
	}
	return itl, ttft, nil
}
