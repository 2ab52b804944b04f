package server

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// scrapeTimeoutHeader is how Prometheus tells a target how many seconds it will wait.
const scrapeTimeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// deadlines turns what a scrape allows into what its evaluation may take.
type deadlines struct {
	offset time.Duration // left for rendering and sending the answer
	limit  time.Duration // the longest evaluation, and the one of a client that does not say how long it will wait
}

// budget is the time that an evaluation may take for a scrape with these headers: the scrape's timeout less the offset, and
// never more than the limit. Of a timeout too short for the offset half is left, so that the answer can still tell what went wrong.
// A header that is no positive number counts as none.
func (d deadlines) budget(h http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(h.Get(scrapeTimeoutHeader), 64)
	if err != nil || math.IsNaN(seconds) || seconds <= 0 || seconds >= math.MaxInt64/float64(time.Second) {
		return d.limit
	}
	timeout := time.Duration(seconds * float64(time.Second))
	return max(1, min(timeout-min(d.offset, timeout/2), d.limit))
}
