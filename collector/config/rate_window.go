package config

import (
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

const (
	rateWindowName    = "rate_window" // $rate_window in expressions
	defaultRateWindow = Duration(time.Minute)
	longestRateWindow = Duration(4 * time.Hour)
	defaultScrape     = Duration(time.Minute) // Prometheus' own default
)

// rateWindowIn is the time over which a file wants rates to be measured. It is needed before the expressions of the file are read: what
// is wrong with it is reported when its turn comes.
func rateWindowIn(root *yaml.Node) Duration {
	if given := entryOf(root, rateWindowName); given != nil && !strict.IsNull(given) {
		return durationOr(given, defaultRateWindow)
	}
	global, scrapes := entryOf(root, sectionGlobal), entryOf(root, sectionScrapeConfigs)
	if entryOf(root, "prometheus") != nil || global == nil && scrapes == nil {
		return defaultRateWindow
	}
	usual := durationOr(entryOf(global, "scrape_interval"), defaultScrape)
	longest := max(defaultRateWindow, samplesPerWindow*usual)
	if scrapes != nil && scrapes.Kind == yaml.SequenceNode {
		for _, s := range scrapes.Content {
			longest = max(longest, samplesPerWindow*durationOr(entryOf(s, "scrape_interval"), usual))
		}
	}
	return min(longest, longestRateWindow)
}

// RateWindowFor is the time over which rates of sources are to be measured that are scraped at an interval: as long as the default, or four
// scrapes, so that one that is missed leaves a rate with an answer.
func RateWindowFor(interval time.Duration) Duration {
	return max(defaultRateWindow, samplesPerWindow*Duration(interval))
}

// DefaultRateWindow is rate_window where a file does not give it.
func DefaultRateWindow() Duration { return defaultRateWindow }

// entryOf is the value of a key of a mapping; nil for none.
func entryOf(n *yaml.Node, key string) *yaml.Node {
	if n == nil {
		return nil
	}
	n = strict.Resolve(n)
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if strict.Resolve(n.Content[i]).Value == key {
			return strict.Resolve(n.Content[i+1])
		}
	}
	return nil
}

// durationOr reads a duration above zero.
func durationOr(n *yaml.Node, otherwise Duration) Duration {
	if n == nil {
		return otherwise
	}
	parsed, err := model.ParseDuration(n.Value)
	if err != nil || parsed <= 0 {
		return otherwise
	}
	return Duration(parsed)
}
