package backtest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// Setting is one way in which a run differs from what the files say.
type Setting struct {
	Name   string // such as startup=30s; empty: as it is
	fill   float64
	change func(s *scenario.Scenario, c *config.Config) error
}

// sweeps are what can be varied.
func sweeps() map[string]func(value string) (Setting, error) {
	return map[string]func(string) (Setting, error){
		"startup":      times(setStartup),
		"load":         factors(setLoad),
		"capacity":     factors(nil),
		"price":        factors(setPrices),
		"metrics_gone": times(losesMetrics),
		"lag":          times(setLag),
		"failed_starts": numbers(func(v float64) error {
			if v >= 0 && v < 1 {
				return nil
			}
			return errors.New("a share is expected, such as 0.1")
		}, setFailures),
	}
}

// SweepNames are what can be varied, sorted.
func SweepNames() []string {
	var names []string
	for name := range sweeps() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ParseSweep reads a sweep such as startup=30s,2m.
func ParseSweep(text string) ([]Setting, error) {
	name, values, ok := strings.Cut(text, "=")
	parse := sweeps()[name]
	switch {
	case parse == nil:
		return nil, fmt.Errorf("sweep %q: there is no %q to vary; there are %s", text, name, strings.Join(SweepNames(), ", "))
	case !ok || values == "":
		return nil, fmt.Errorf("sweep %q: no values; write %s=FIRST,SECOND", text, name)
	}
	var all []Setting
	for value := range strings.SplitSeq(values, ",") {
		s, err := parse(strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("sweep %q: %q: %w", text, value, err)
		}
		s.Name = name + "=" + strings.TrimSpace(value)
		all = append(all, s)
	}
	return all, nil
}

func times(apply func(time.Duration, *scenario.Scenario, *config.Config) error) func(string) (Setting, error) {
	return func(value string) (Setting, error) {
		d, err := model.ParseDuration(value)
		if err != nil {
			return Setting{}, errors.New("a time is expected, such as 30s or 5m")
		}
		return Setting{fill: 1, change: func(s *scenario.Scenario, c *config.Config) error { return apply(time.Duration(d), s, c) }}, nil
	}
}

func numbers(check func(float64) error, apply func(float64, *scenario.Scenario, *config.Config) error) func(string) (Setting, error) {
	return func(value string) (Setting, error) {
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return Setting{}, errors.New("a number is expected")
		}
		if err := check(f); err != nil {
			return Setting{}, err
		}
		if apply == nil {
			return Setting{fill: f}, nil
		}
		return Setting{fill: 1, change: func(s *scenario.Scenario, c *config.Config) error { return apply(f, s, c) }}, nil
	}
}

// Factors are from a hundredth to a hundred.
const mostFactor = 100

func factors(apply func(float64, *scenario.Scenario, *config.Config) error) func(string) (Setting, error) {
	return numbers(func(f float64) error {
		if f >= 1.0/mostFactor && f <= mostFactor {
			return nil
		}
		return fmt.Errorf("a factor from %v to %d is expected", 1.0/mostFactor, mostFactor)
	}, apply)
}

// setStartup lets all starts take so long, and the configuration know it.
func setStartup(d time.Duration, s *scenario.Scenario, c *config.Config) error {
	for i := range s.Variants {
		s.Variants[i].Startup = config.Duration(d)
	}
	forVariants(c, func(_ int, v *config.Variant) { v.Startup = config.Duration(d) })
	return nil
}

// setLoad multiplies the load. The limits of the fleet, and what it starts with, grow with it: only the policy is the limit.
func setLoad(f float64, s *scenario.Scenario, c *config.Config) error {
	more := func(n int) int { return int(math.Ceil(float64(n) * f)) }
	for i := range s.Load {
		s.Load[i].Times(f)
	}
	for i := range s.Variants {
		s.Variants[i].Replicas = more(s.Variants[i].Replicas)
	}
	if f > 1 {
		for name, n := range s.Pools {
			s.Pools[name] = more(n)
		}
		for i := range s.Events {
			if n := s.Events[i].Accelerators; n != nil {
				*n = more(*n)
			}
		}
	}
	if c == nil || f < 1 {
		return nil
	}
	for i := range c.Budgets {
		b := &c.Budgets[i]
		for j := range b.Limit {
			if err := scale(&b.Limit[j], f); err != nil {
				return err
			}
		}
	}
	forVariants(c, func(_ int, v *config.Variant) {
		if v.Replicas.Max != nil {
			*v.Replicas.Max = more(*v.Replicas.Max)
		}
	})
	return nil
}

// setPrices lets the configuration believe that every other variant costs so many times as much: a factor on all would change nothing.
func setPrices(f float64, _ *scenario.Scenario, c *config.Config) error {
	var err error
	forVariants(c, func(place int, v *config.Variant) {
		if place%2 == 0 {
			err = errors.Join(err, scale(&v.Cost, f))
		}
	})
	return err
}

// losesMetrics lets Prometheus answer nothing for so long in every hour, from its half on.
func losesMetrics(d time.Duration, s *scenario.Scenario, _ *config.Config) error {
	if d <= 0 {
		return nil
	}
	for at := min(30*time.Minute, time.Duration(s.Duration)/2); at < time.Duration(s.Duration); at += time.Hour {
		s.Events = append(s.Events, scenario.Event{At: config.Duration(at), For: config.Duration(d), Prometheus: scenario.Down})
	}
	return nil
}

func setLag(d time.Duration, s *scenario.Scenario, _ *config.Config) error {
	s.Autoscaler.Lag = config.Duration(d)
	return nil
}

func setFailures(f float64, s *scenario.Scenario, _ *config.Config) error {
	for i := range s.Variants {
		s.Variants[i].FailsToStart = f
	}
	return nil
}

// believe lets a configuration believe that a replica carries so many times as much.
func believe(c *config.Config, fill float64) error {
	if c == nil || fill == 1 {
		return nil
	}
	var err error
	forVariants(c, func(_ int, v *config.Variant) {
		for name, q := range v.Capacity {
			err = errors.Join(err, scale(&q, fill))
			v.Capacity[name] = q
		}
		if p := v.Profile; p != nil {
			faster := *p
			by := config.Seconds(fill)
			faster.Alpha, faster.Beta, faster.Gamma = p.Alpha/by, p.Beta/by, p.Gamma/by
			if p.Chunk != nil {
				faster.Chunk = &config.Chunk{Alpha: p.Chunk.Alpha / by, Beta: p.Chunk.Beta / by, Gamma: p.Chunk.Gamma / by, Attention: p.Chunk.Attention / by, Longest: p.Chunk.Longest / by}
			}
			v.Profile = &faster
		}
		if len(v.Capacity) == 0 && v.Profile == nil {
			err = errors.Join(err, fmt.Errorf("variant %s has neither capacity nor profile in the configuration: its capacity cannot be varied", v.Name))
		}
	})
	return err
}

func forVariants(c *config.Config, do func(place int, v *config.Variant)) {
	if c == nil {
		return
	}
	for i := range c.Models {
		for j := range c.Models[i].Variants {
			do(j, &c.Models[i].Variants[j])
		}
	}
}

// scale multiplies a number or an expression.
func scale(q *config.Quantity, by float64) error {
	if q.Query.IsZero() {
		q.Number *= by
		return nil
	}
	query, err := config.ParseExpr(fmt.Sprintf("(%s) * %g", q.Query, by))
	if err != nil {
		return fmt.Errorf("multiply %s: %w", q.Query, err)
	}
	q.Query = query
	return nil
}
