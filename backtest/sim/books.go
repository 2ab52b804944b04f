package sim

import "math"

// books are what became of the requests of a model. Requests that arrived during the warm-up are not in them.
type books struct {
	warmup  float64
	totals  // since the end of the warm-up
	minutes []minute
	skipped []bool    // minutes that are left out; nil: none
	ttft    histogram // of requests
	itl     histogram // of tokens
	// Of the minute that runs.
	lately struct{ ttft, itl histogram }
}

// totals count requests.
type totals struct {
	arrived, good float64
	begun, served float64
	refused       float64 // no server was there, or its queue was full
	impatient     float64
	failed        float64 // lost with the server that had them
	unbegun       float64 // still waiting at the end
}

// minute is what is known of the requests that arrived in one minute.
type minute struct{ arrived, good float64 }

func (b *books) counts(at float64) bool {
	return at >= b.warmup && (b.skipped == nil || !b.skipped[min(int((at-b.warmup)/60), len(b.skipped)-1)])
}

// skip leaves a stretch of time out.
func (b *books) skip(from, to float64) {
	if b.skipped == nil {
		b.skipped = make([]bool, len(b.minutes))
	}
	for i := range b.skipped {
		if begin := b.warmup + 60*float64(i); begin < to && begin+60 > from {
			b.skipped[i] = true
		}
	}
}

func (b *books) minute(at float64) *minute {
	i := int((at - b.warmup) / 60)
	return &b.minutes[min(max(i, 0), len(b.minutes)-1)]
}

func (b *books) arrive(at, n float64) {
	if b.counts(at) {
		b.arrived += n
		b.minute(at).arrived += n
	}
}

// begin books first tokens.
func (b *books) begin(arrived, n, ttft float64) {
	if b.counts(arrived) {
		b.begun += n
		b.ttft.add(ttft, n)
		b.lately.ttft.add(ttft, n)
	}
}

// well books requests that are within all targets.
func (b *books) well(arrived, n float64) {
	if b.counts(arrived) {
		b.good += n
		b.minute(arrived).good += n
	}
}

// tokens books the times between tokens.
func (b *books) tokens(at, itl, n float64) {
	if b.counts(at) && n > 0 {
		b.itl.add(itl, n)
		b.lately.itl.add(itl, n)
	}
}

func (b *books) serve(at, n float64) {
	if b.counts(at) {
		b.served += n
	}
}

func (b *books) refuse(arrived, n float64) {
	if b.counts(arrived) {
		b.refused += n
	}
}

func (b *books) giveUp(arrived, n float64) {
	if b.counts(arrived) {
		b.impatient += n
	}
}

// lost books requests that a server took with it. What had been judged is judged no longer.
func (b *books) lost(at, n float64, judged bool) {
	if !b.counts(at) || n <= 0 {
		return
	}
	b.failed += n
	if judged {
		less := min(n, b.good)
		b.good -= less
		m := b.minute(at)
		m.good = max(0, m.good-less)
	}
}

// never books requests that still wait at the end.
func (b *books) never(arrived, n float64) {
	if b.counts(arrived) {
		b.unbegun += n
	}
}

// under is 1 for a request that counts and is under way at the end.
func (b *books) under(arrived float64) float64 {
	if b.counts(arrived) {
		return 1
	}
	return 0
}

// histogram counts durations in buckets that are 2 % wide.
type histogram struct {
	counts []float64
	total  float64
	sum    float64
}

const (
	shortestTime = 1e-4
	bucketGrowth = 1.02
)

func (h *histogram) add(x, n float64) {
	i := 0
	if x > shortestTime {
		i = 1 + int(math.Log(x/shortestTime)/math.Log(bucketGrowth))
	}
	for len(h.counts) <= i {
		h.counts = append(h.counts, 0)
	}
	h.counts[i] += n
	h.total += n
	h.sum += x * n
}

// quantile is NaN where nothing was counted.
func (h *histogram) quantile(q float64) float64 {
	if h.total == 0 {
		return math.NaN()
	}
	sum := 0.0
	for i, n := range h.counts {
		if sum += n; sum >= q*h.total {
			return shortestTime * math.Pow(bucketGrowth, float64(i)-0.5)
		}
	}
	return shortestTime * math.Pow(bucketGrowth, float64(len(h.counts)))
}

// reset forgets what was counted.
func (h *histogram) reset() {
	clear(h.counts)
	h.total, h.sum = 0, 0
}

func (h *histogram) merge(o *histogram) {
	for len(h.counts) < len(o.counts) {
		h.counts = append(h.counts, 0)
	}
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.sum += o.sum
}
