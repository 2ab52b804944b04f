package replay

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// Alternative is what a configuration with other settings would have cost and missed over the same history.
type Alternative struct {
	// Settings are what differs, for all models; empty for the configuration as it is.
	Settings string  `json:"settings"`
	Followed Account `json:"followed"`
	Chosen   bool    `json:"chosen"`
}

// Proposal is what alternatives to a configuration have come to, the configuration first.
type Proposal struct {
	Alternatives []Alternative `json:"alternatives"`
	Why          string        `json:"why"` // the chosen one was chosen
}

// What a choice rests on. Differences below them are within what a replay can tell.
const (
	gain        = 0.01 // of the cost
	moreMinutes = 0.1  // short, as a share of the fewest
	fewMinutes  = 5    // short, that do not matter
	moreChanges = 1.5  // times those of the configuration, and a change for every hour besides
)

// alternatives are settings around a configuration: shorter and longer windows, less and more headroom, other methods.
func alternatives(c *config.Config) []alternative {
	m := &c.Models[0]
	var all []alternative
	down := max(time.Duration(*m.ScaleDownWindow), time.Minute)
	for _, window := range []time.Duration{down / 2, 2 * down} {
		d := config.Duration(window.Truncate(time.Second))
		all = append(all, alternative{"scale_down_window: " + d.String(), func(t *config.Tuning) { t.ScaleDownWindow = &d }})
	}
	for _, step := range []float64{-0.1, 0.1} {
		h := config.Headroom{Ratio: max(0, m.Headroom.Ratio+step)}
		if !m.Headroom.Auto && m.Headroom.Query.IsZero() && h.Ratio == m.Headroom.Ratio {
			continue
		}
		all = append(all, alternative{"headroom: " + strconv.FormatFloat(h.Ratio, 'g', 2, 64), func(t *config.Tuning) { t.Headroom = &h }})
	}
	if !m.Headroom.Auto {
		h := config.Headroom{Ratio: m.Headroom.Ratio, Auto: true}
		all = append(all, alternative{"headroom: auto", func(t *config.Tuning) { t.Headroom = &h }})
	}
	for _, method := range []config.ForecastMethod{config.ForecastNone, config.ForecastLinear} {
		if method != m.Forecast.Method {
			all = append(all, alternative{"forecast: {method: " + string(method) + "}", func(t *config.Tuning) { t.Forecast.Method = method }})
		}
	}
	return all
}

// alternative is a change of settings, and how it is written.
type alternative struct {
	settings string
	apply    func(*config.Tuning)
}

// Propose replays alternatives to a configuration, which load reads again for each, and chooses one. The result is that of the
// configuration as it is. Each answer of the source is asked for once.
func Propose(ctx context.Context, load func() (*config.Config, error), source promapi.RangeQuerier, o Options) (*Result, *Proposal, error) {
	c, err := load()
	if err != nil {
		return nil, nil, err
	}
	kept := &keeper{source: source, ranges: map[rangeKey]model.Matrix{}}
	tries := append([]alternative{{}}, alternatives(c)...)
	p := &Proposal{}
	var as *Result
	for i, try := range tries {
		if i > 0 {
			if c, err = load(); err != nil {
				return nil, nil, err
			}
			for m := range c.Models {
				try.apply(&c.Models[m].Tuning)
			}
		}
		turn := o
		if o.Progress != nil {
			turn.Progress = func(done, of int) { o.Progress(i*of+done, len(tries)*of) }
		}
		r, err := Run(ctx, c, kept, turn)
		if err != nil {
			return nil, nil, err
		}
		if i == 0 {
			as = r
		}
		p.Alternatives = append(p.Alternatives, Alternative{Settings: try.settings, Followed: r.Total.Followed})
	}
	p.choose(as.hours(as.Steps))
	return as, p, nil
}

// choose takes the cheapest of those that are short for about as few minutes as any, and change not much more often than the configuration.
// The configuration stays where the gain is too small to tell.
func (p *Proposal) choose(hours float64) {
	now := &p.Alternatives[0].Followed
	fewest := now.ShortfallMinutes
	for i := range p.Alternatives {
		fewest = min(fewest, p.Alternatives[i].Followed.ShortfallMinutes)
	}
	enough := func(a *Account) bool {
		return a.ShortfallMinutes <= fewest*(1+moreMinutes)+fewMinutes && float64(a.Changes) <= moreChanges*float64(now.Changes)+hours
	}
	best := -1
	for i := range p.Alternatives {
		a := &p.Alternatives[i].Followed
		if enough(a) && (best < 0 || a.Cost < p.Alternatives[best].Followed.Cost) {
			best = i
		}
	}
	if best < 0 || enough(now) && p.Alternatives[best].Followed.Cost > now.Cost*(1-gain) {
		best = 0
	}
	p.Alternatives[best].Chosen = true
	a := &p.Alternatives[best].Followed
	switch {
	case best == 0:
		p.Why = fmt.Sprintf("no other is cheaper by more than %g %% without being short for longer or changing much more often", 100*gain)
	case enough(now):
		p.Why = fmt.Sprintf("it costs %s less, and is short for %s minutes against %s", percent((now.Cost-a.Cost)/now.Cost), number(a.ShortfallMinutes), number(now.ShortfallMinutes))
	default:
		p.Why = fmt.Sprintf("it is short for %s minutes against %s, the cheapest of those that are, for %s in cost", number(a.ShortfallMinutes), number(now.ShortfallMinutes), change(now.Cost, a.Cost))
	}
}

// WriteText writes the proposal for people, below the comparison.
func (p *Proposal) WriteText(w io.Writer, ran Account) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "ALTERNATIVE\tCOST\tMINUTES SHORT\tLARGEST SHORTFALL\tCHANGES")
	row := func(name string, a *Account) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\n", name, fixed(a.Cost), number(a.ShortfallMinutes), percent(a.LargestShortfall), a.Changes)
	}
	row("what ran", &ran)
	chosen := ""
	for i := range p.Alternatives {
		a := &p.Alternatives[i]
		name := a.Settings
		if name == "" {
			name = "as configured"
		}
		if a.Chosen {
			chosen = name
			name += " *"
		}
		row(name, &a.Followed)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the proposal: %w", err)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", wrap("* "+chosen+": "+p.Why+". One setting was changed at a time, for all models, over a load that was measured under what ran."))
	return err
}

// keeper asks each range once. What it gives is not to be changed.
type keeper struct {
	source promapi.RangeQuerier
	mu     sync.Mutex
	ranges map[rangeKey]model.Matrix
}

type rangeKey struct {
	expr             string
	start, end, step int64
}

// Query implements promapi.Querier. A replay asks for few instants: they are asked each time.
func (k *keeper) Query(ctx context.Context, expr string, at time.Time) (model.Vector, error) {
	return k.source.Query(ctx, expr, at)
}

// QueryRange implements promapi.RangeQuerier.
func (k *keeper) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	key := rangeKey{expr, r.Start.UnixMilli(), r.End.UnixMilli(), r.Step.Milliseconds()}
	k.mu.Lock()
	found, ok := k.ranges[key]
	k.mu.Unlock()
	if ok {
		return found, nil
	}
	found, err := k.source.QueryRange(ctx, expr, r)
	if err == nil {
		k.mu.Lock()
		k.ranges[key] = found
		k.mu.Unlock()
	}
	return found, err
}
