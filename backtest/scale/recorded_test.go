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
	client, err := promapi.New(promapi.Config{URL: "http://" + source.address, Timeout: 30 * time.Minute, MaxBodyBytes: 1 << 30})
	require.NoError(b, err)
	all := slices.Clone(fleet())
	for _, group := range recordingGroups(b, configuration("http://"+source.address, kindRecorded)) {
		for _, r := range group.Rules {
			before := source.processor()
			found, err := client.Query(b.Context(), r.Expr, now)
			took := source.processor() - before
			require.NoError(b, err, r.Record)
			if testing.Verbose() {
				b.Logf("%8v  each %v: rule %s, %d series", took.Round(time.Millisecond), group.Interval, r.Record, len(found))
			}
			spent += took * scrapeInterval / time.Duration(group.Interval)
			for _, x := range found {
				all = append(all, recordedSeries(r, x))
			}
		}
	}
	recorded, _ = startFleet(b, all, past)
	return recorded, spent
}

// recordingGroups are the groups of rules for what signals ask for.
func recordingGroups(b *testing.B, text string) []rulefmt.RuleGroup {
	b.Helper()
	c, found := config.Load("ve.yml", text)
	require.NotNil(b, c, "%v", found)
	m, err := rules.Rules(c, rules.Options{Format: rules.FormatFile, Interval: scrapeInterval})
	require.NoError(b, err)
	var out strings.Builder
	require.NoError(b, m.Write(&out, "generate rules"))
	var file rulefmt.RuleGroups
	require.NoError(b, yaml.Unmarshal([]byte(out.String()), &file))
	var groups []rulefmt.RuleGroup
	for _, g := range file.Groups {
		if strings.HasSuffix(g.Name, "_demand") || strings.HasSuffix(g.Name, "_means") {
			groups = append(groups, g)
		}
	}
	return groups
}

// recordedSeries is the series in which a rule records a sample.
func recordedSeries(r rulefmt.Rule, x *model.Sample) series {
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
