package diagnose

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/match"
)

const (
	// samplesPerRange is how many scrapes a range must hold: with fewer, one missed scrape leaves a rate without an answer.
	samplesPerRange = 4
	// lookedAt is the time in which samples are counted. It makes up for a missed scrape or two.
	lookedAt  = 10 * time.Minute
	tolerated = 0.9
)

// SeldomScraped says that a signal measures rates over fewer than four scrapes of its sources, and what to do; empty where it does not.
func (d *Diagnosis) SeldomScraped(m, signal int) string {
	s := d.program.Models[m].Signals[signal]
	var all []config.Expr
	for _, e := range []config.Expr{s.Demand, s.ActiveSignal.Usage, s.ActiveSignal.Queued, s.Latency} {
		if !e.IsZero() {
			all = append(all, e)
		}
	}
	shortest, selectors := shortestRange(all...)
	interval := d.scrapedEvery(selectors)
	least := samplesPerRange * interval
	if shortest == 0 || float64(shortest) >= tolerated*float64(least) {
		return ""
	}
	what, where := fmt.Sprintf("a range of %s", config.Duration(shortest)), "make the range"
	if shortest == time.Duration(*d.program.Config.RateWindow) {
		what, where = fmt.Sprintf("rate_window, %s", config.Duration(shortest)), "set rate_window to"
	}
	return fmt.Sprintf("its sources are scraped about every %s, and it measures rates over %s: one missed scrape leaves a rate without an answer. "+
		"Scrape more often, or %s at least %s", config.Duration(interval), what, where, config.Duration(least))
}

// shortestRange is the shortest time over which expressions look back, and the selectors that do so; 0 where none does.
func shortestRange(all ...config.Expr) (shortest time.Duration, selectors []string) {
	for _, e := range all {
		parser.Inspect(e.AST(), func(n parser.Node, _ []parser.Node) error {
			if r, ok := n.(*parser.MatrixSelector); ok {
				switch {
				case shortest == 0 || r.Range < shortest:
					shortest, selectors = r.Range, []string{r.VectorSelector.String()}
				case r.Range == shortest:
					selectors = append(selectors, r.VectorSelector.String())
				}
			}
			return nil
		})
	}
	return shortest, selectors
}

// rateless says that what an input measures rates of is too young or too old for that; empty where it is neither, or measures none.
func (d *Diagnosis) rateless(i *match.Input) string {
	e, err := config.ParseExpr(i.Query)
	if err != nil {
		return ""
	}
	shortest, selectors := shortestRange(e)
	switch {
	case shortest == 0:
		return ""
	case i.Age != nil && *i.Age > shortest.Seconds()/2:
		return fmt.Sprintf("it measures rates over %s, and the newest of these samples is %.0fs old: are they still scraped?", config.Duration(shortest), *i.Age)
	}
	before := make([]string, len(selectors))
	for i, s := range selectors {
		before[i] = fmt.Sprintf("%s offset %s", s, config.Duration(shortest))
	}
	// Series that are not there at all are not young.
	if found, ok := d.ask(fmt.Sprintf("count(%s) unless count(%s)", strings.Join(selectors, " or "), strings.Join(before, " or "))); !ok || len(found) == 0 {
		return ""
	}
	return fmt.Sprintf("it measures rates over %s, and these series began less than that ago: ask again in a minute or two", config.Duration(shortest))
}

// scrapedEvery is how often most series of some selectors have samples; 0 where that cannot be told. Those that are younger than the time
// looked at say nothing.
func (d *Diagnosis) scrapedEvery(selectors []string) time.Duration {
	if len(selectors) == 0 {
		return 0
	}
	span := config.Duration(lookedAt).String()
	parts := make([]string, len(selectors))
	for i, s := range selectors {
		parts[i] = fmt.Sprintf("(count_over_time(%s[%s]) and %s offset %s)", s, span, s, span)
	}
	found, ok := d.ask("quantile(0.5, " + strings.Join(parts, " or ") + ")")
	if !ok || len(found) != 1 || !(found[0].Value > 0) {
		return 0
	}
	return time.Duration(float64(lookedAt) / float64(found[0].Value)).Round(time.Second)
}
