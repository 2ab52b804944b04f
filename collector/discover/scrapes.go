package discover

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// countedFor is the time in which samples are counted to tell how often servers are scraped.
const countedFor = 10 * time.Minute

// lookAtScrapes asks how often the servers are scraped, and how far back their series go.
func (f *Fleet) lookAtScrapes(a *asker, _ *workloads) error {
	var running []string
	for _, s := range known() {
		if !slices.ContainsFunc(f.Models, func(m *Model) bool { return m.server.preset == s.preset }) {
			continue
		}
		interval, err := scrapedEvery(a, s)
		if err != nil {
			return err
		}
		f.Interval = max(f.Interval, interval)
		for _, name := range s.running {
			running = append(running, name+s.matchers)
		}
	}
	answer, err := a.ask("the age of the history", fmt.Sprintf("time() - min(min_over_time(timestamp(%s)[$history:10m]))", strings.Join(running, " or ")))
	if err == nil && len(answer) == 1 {
		f.Known = time.Duration(float64(answer[0].Value) * float64(time.Second))
	}
	return err
}

// scrapedEvery is how often most servers of a kind are scraped; 0 where none has been there for long enough to tell.
func scrapedEvery(a *asker, s *server) (time.Duration, error) {
	span := model.Duration(countedFor).String()
	parts := make([]string, len(s.running))
	for i, name := range s.running {
		parts[i] = fmt.Sprintf("(count_over_time(%s%s[%s]) and %s%s offset %s)", name, s.matchers, span, name, s.matchers, span)
	}
	answer, err := a.ask("how often servers of the preset "+s.preset+" are scraped", "quantile(0.5, "+strings.Join(parts, " or ")+")")
	if err != nil || len(answer) != 1 || !(answer[0].Value > 0) {
		return 0, err
	}
	return usual(time.Duration(float64(countedFor) / float64(answer[0].Value))), nil
}

// usual is the interval that people set which is next to a measured one: a sample more or less in the time counted makes no other.
func usual(interval time.Duration) time.Duration {
	for _, step := range []time.Duration{15 * time.Second, 5 * time.Second} {
		if interval > 2*step+step/2 {
			return interval.Round(step)
		}
	}
	return interval.Round(time.Second)
}

// rateWindow is the window that the interval of scrapes asks for; without text where the default will do.
func (f *Fleet) rateWindow() Value {
	window := config.RateWindowFor(f.Interval)
	if window <= config.DefaultRateWindow() {
		return Value{}
	}
	return Value{
		Text: window.String(), From: fmt.Sprintf("the servers are scraped about every %s: with less, one missed scrape leaves a rate without an answer", config.Duration(f.Interval)),
	}
}

// span writes the time looked back, as people give it.
func (f *Fleet) span() string { return days(f.History) }

func days(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return model.Duration(d).String()
}

// shorter says that the servers' series do not go back as far as was looked; empty where they do.
func (f *Fleet) shorter() string {
	if f.Known <= 0 || f.Known > f.History*9/10 {
		return ""
	}
	return fmt.Sprintf(" (the servers' series go back only %s)", days(cmp.Or(f.Known.Round(time.Hour), f.Known.Round(time.Minute))))
}
