package scale_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/rules"
)

// startRecorded starts a Prometheus that has beside the series of the fleet those that the rules of the configuration record from them, and
// says how many processor seconds the rules took of the first Prometheus in one scrape interval. Nothing changes in this fleet, so that what
// a rule records at one moment it records at all.
func startRecorded(b *testing.B, source *process, now time.Time) (recorded *process, spent time.Duration) {
	b.Helper()
	all := slices.Clone(fleet())
	var reading []recordingRule
	for _, r := range recordingRules(b, configuration("http://"+source.address, kindRecorded)) {
		if strings.Contains(r.Expr, config.LabelRecorded+"=") {
			reading = append(reading, r) // what other rules recorded
			continue
		}
		found, took := r.evaluate(b, source, now)
		spent += took
		for _, x := range found {
			all = append(all, r.series(x))
		}
	}
	recorded, _ = startFleet(b, all, past)
	for _, r := range reading {
		_, took := r.evaluate(b, recorded, now)
		spent += took
	}
	return recorded, spent
}

// recordingRule is a recording rule and how often it is evaluated.
type recordingRule struct {
	rulefmt.Rule
	every time.Duration
}

// evaluate evaluates a rule, and returns the processor seconds that it takes in one scrape interval.
func (r recordingRule) evaluate(b *testing.B, source *process, now time.Time) (model.Vector, time.Duration) {
	b.Helper()
	client, err := promapi.New(promapi.Config{URL: "http://" + source.address, Timeout: 30 * time.Minute, MaxBodyBytes: 1 << 30})
	require.NoError(b, err)
	before := source.processor()
	found, err := client.Query(b.Context(), r.Expr, now)
	took := source.processor() - before
	require.NoError(b, err, r.Record)
	if testing.Verbose() {
		b.Logf("%8v  each %v: rule %s, %d series", took.Round(time.Millisecond), r.every, r.Record, len(found))
	}
	return found, took * scrapeInterval / r.every
}

// recordingRules are the rules for what signals ask for.
func recordingRules(b *testing.B, text string) []recordingRule {
	b.Helper()
	c, found := config.Load("ve.yml", text)
	require.NotNil(b, c, "%v", found)
	m, err := rules.Rules(c, rules.Options{Format: rules.FormatFile, Interval: scrapeInterval})
	require.NoError(b, err)
	var out strings.Builder
	require.NoError(b, m.Write(&out, "generate rules"))
	var file rulefmt.RuleGroups
	require.NoError(b, yaml.Unmarshal([]byte(out.String()), &file))
	var all []recordingRule
	for _, g := range file.Groups {
		if strings.HasSuffix(g.Name, "_demand") || strings.HasSuffix(g.Name, "_means") {
			for _, r := range g.Rules {
				all = append(all, recordingRule{r, time.Duration(g.Interval)})
			}
		}
	}
	return all
}

// series is what a rule records of a sample.
func (r recordingRule) series(x *model.Sample) series {
	l := labels.NewBuilder(labels.EmptyLabels())
	for name, value := range x.Metric {
		l.Set(string(name), string(value))
	}
	for name, value := range r.Labels {
		l.Set(name, value)
	}
	all := l.Set(model.MetricNameLabel, r.Record).Labels()
	return series{key: all.String(), labels: all, value: float64(x.Value)}
}
