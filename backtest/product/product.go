// Package product is the program itself as a policy of a backtest: its configuration, its PromQL on the embedded engine, its
// evaluator and its guards, at virtual time.
package product

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/store"
	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// Product is the program under test.
type Product struct {
	Store *store.Store // to be filled by the fleet

	evaluator *collector.Evaluator
	engine    *embedded.Engine
	answers   *answers
	names     map[string]bool
	every     bool // a name is asked for by a pattern: any may be
	ask       func(at time.Time) *collector.Snapshot
	last      *collector.Snapshot
}

// Last is the outcome of the last evaluation; nil before the first.
func (p *Product) Last() *collector.Snapshot { return p.last }

// Source answers from the series that the program has seen, while nothing is added to them.
func (p *Product) Source() promapi.RangeQuerier { return p.answers }

// New makes the program ready for one run. The context ends its evaluations; the clock measures how long they take.
func New(ctx context.Context, c *config.Config, now func() time.Time) (*Product, error) {
	names, every, retention := needs(c)
	p := &Product{Store: store.New(retention), names: names, every: every}
	p.engine = embedded.Over(p.Store, embedded.Config{})
	p.answers = newAnswers(p.Store, p.engine)
	var err error
	p.evaluator, err = collector.NewEvaluator(c, p.answers, collector.EvaluatorOptions{
		Concurrency: 1, Now: now, Logger: slog.New(slog.DiscardHandler),
	})
	p.ask = func(at time.Time) *collector.Snapshot { return p.evaluator.Evaluate(ctx, at) }
	return p, err
}

// Close ends the engine.
func (p *Product) Close() error {
	p.answers.close()
	return p.engine.Close()
}

// Name implements policy.Policy.
func (*Product) Name() string { return policy.Product }

// Wanted reports whether the configuration asks for a name.
func (p *Product) Wanted(name string) bool { return p.every || p.names[name] }

// Also has more names kept than the configuration asks for: for those who look.
func (p *Product) Also(names ...string) {
	for _, name := range names {
		p.names[name] = true
	}
}

// Desired implements policy.Policy.
func (p *Product) Desired(o *policy.Observation) map[string]int {
	s := p.ask(scenario.Start().Add(o.At))
	p.last = s
	desired := map[string]int{}
	for i := range s.Models {
		m := &s.Models[i]
		for j := range m.Variants {
			if v := &m.Variants[j]; v.Desired != nil {
				desired[m.Namespace+"/"+v.Name] = *v.Desired
			}
		}
	}
	return desired
}

// The keys that say where a configuration gets its answers. A backtest answers from its own fleet.
var sourceKey = regexp.MustCompile(`(?m)^(prometheus|scrape_configs):`)

// noPrometheus stands for the Prometheus of a configuration that names none. It is never asked.
const noPrometheus = "\n# Not asked: the simulated fleet answers.\nprometheus: {url: 'http://backtest.invalid'}"

// LoadConfig reads the configuration under test. It may lack the source of its answers.
func LoadConfig(name string) (*config.Config, config.Diagnostics, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	c, found := ParseConfig(name, string(text))
	return c, found, nil
}

// ParseConfig reads the text of a configuration under test. A simulated fleet has no recording rules: expressions are asked for themselves.
func ParseConfig(name, text string) (*config.Config, config.Diagnostics) {
	if !sourceKey.MatchString(text) {
		text += noPrometheus
	}
	c, found := config.Load(name, text)
	if c != nil {
		c.FromRules = false
	}
	return c, found
}
