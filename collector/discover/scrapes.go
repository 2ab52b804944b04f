package discover

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
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
	var err error
	if f.Known, err = since(a, strings.Join(running, " or ")); f.young() {
		lacking := ""
		if f.Known < unscraped {
			lacking = ", and not all of them may have been scraped yet"
		}
		f.note("TODO: the servers' series go back only %s%s. That tells next to nothing of what a replica carries, how long it takes to start, and how many "+
			"there may be: these values are guesses. Run init again when there are some hours with load", shown(f.Known), lacking)
	}
	return err
}

// since is how long some series have been there, within the history; 0 where that is not known. Of a Prometheus that has just started it is
// looked every 15 s, else every ten minutes.
func since(a *asker, series string) (time.Duration, error) {
	answer, err := a.ask("the age of the history", fmt.Sprintf(`time() - min(min_over_time(timestamp(%[1]s)[$history:10m]) or label_replace(min_over_time(timestamp(%[1]s)[20m:15s]), "lately", "1", "", "") or timestamp(%[1]s))`, series))
	if err != nil || len(answer) != 1 {
		return 0, err
	}
	return max(time.Second, time.Duration(float64(answer[0].Value)*float64(time.Second))), nil
}

const (
	// tellsNothing is the history that says nothing of capacities: from less, no profile can be fitted.
	tellsNothing = calibration.MinObservations * observation
	// unscraped is how long a Prometheus may run before it has scraped every target.
	unscraped = 2 * time.Minute
)

// young reports whether the servers have not been there for long enough to say anything of their loads.
func (f *Fleet) young() bool { return f.Known > 0 && f.Known < tellsNothing }

// notScraped says that what is not there may just not have been scraped yet, and what to do; empty where all targets have been. Sure reports
// that something has been scraped at all.
func notScraped(a *asker) (why string, sure bool, err error) {
	before := shown(unscraped)
	if answer, err := a.ask("what was scraped "+before+" ago", "count(up offset "+before+")"); err != nil || len(answer) > 0 {
		return "", true, err
	}
	if answer, err := a.ask("what has been scraped", "count(up)"); err != nil || len(answer) == 0 {
		return "it has no series up either: if this Prometheus has just started, run init again in a few minutes", false, err
	}
	return "this Prometheus scraped nothing " + before + " ago, and may not have scraped all of its targets yet: run init again in a few minutes", true, nil
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

// span writes how far back is looked, as people give it, or how much history there is.
func (f *Fleet) span() string {
	if f.short() {
		return shown(f.Known) + " of history"
	}
	return days(f.History)
}

// shown writes an age as people would say it.
func shown(d time.Duration) string {
	for _, unit := range []time.Duration{time.Hour, time.Minute} {
		if d >= 3*unit/2 {
			return days(d.Round(unit))
		}
	}
	return days(d.Round(time.Second))
}

func days(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return model.Duration(d).String()
}

// short reports whether the servers' series do not go back as far as was looked.
func (f *Fleet) short() bool { return f.Known > 0 && f.Known <= f.History*9/10 }

// shorter says so; empty where they do.
func (f *Fleet) shorter() string {
	if !f.short() {
		return ""
	}
	return fmt.Sprintf(" (the servers' series go back only %s)", shown(f.Known))
}
