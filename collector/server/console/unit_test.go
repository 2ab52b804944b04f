package console

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/whatif"
)

// TestRemarksStandInPlace shows a file with a remark about a line, and one about the whole.
func TestRemarksStandInPlace(t *testing.T) {
	var page bytes.Buffer
	require.NoError(t, New(Options{TelemetryPath: "/metrics"}).Configuration(&page, Look{}, &Configuration{
		Explanation: explain.New(&collector.Snapshot{}), Lines: []string{"a: 1", "b: 2", "c: 3"},
		Remarks: config.Diagnostics{
			{Line: 2, Path: "b", Message: "two is a lot", Hint: "use one"}, {Message: "the file is short"},
		},
	}))
	text := page.String()
	line, remark, next := strings.Index(text, "<code>b: 2</code>"), strings.Index(text, "b: two is a lot: use one"), strings.Index(text, "<code>c: 3</code>")
	assert.True(t, 0 < line && line < remark && remark < next, "%d %d %d", line, remark, next)
	assert.Contains(t, text, `<div class="line marked" id="l2">`)
	assert.Contains(t, text, `<p class="remark">the file is short</p>`)
	assert.Contains(t, text, "2 remarks stand below their lines.")
}

// TestForBrowsers holds that a browser is led to where it can go, and where that is not known, to where the exporter goes.
func TestForBrowsers(t *testing.T) {
	p := config.Prometheus{URL: "http://prometheus:9090"}
	assert.Equal(t, "http://prometheus:9090", p.ForBrowsers())
	p.ExternalURL = "https://prometheus.example.com"
	assert.Equal(t, "https://prometheus.example.com", p.ForBrowsers())
}

// TestGraphLink holds links into Prometheus to have no credentials and no scheme that a browser would run.
func TestGraphLink(t *testing.T) {
	at := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	link, err := url.Parse(graphLink("https://me:secret@prometheus.example/tools/", `up{a="b"}`, at))
	require.NoError(t, err)
	assert.Nil(t, link.User)
	assert.Equal(t, "prometheus.example", link.Host)
	assert.Equal(t, "/tools/graph", link.Path)
	assert.Equal(t, `up{a="b"}`, link.Query().Get("g0.expr"))
	assert.Equal(t, "2026-11-03 09:00:00", link.Query().Get("g0.end_input"))
	for _, base := range []string{"", "javascript:alert(1)", "prometheus:9090", ":"} {
		assert.Empty(t, graphLink(base, "up", at), base)
	}
}

func TestQuestion(t *testing.T) {
	f := func(x float64) *float64 { return &x }
	five := 5
	q, asked, err := Question("llm/m", url.Values{
		"model": {"llm/m"}, "at": {"2h"}, "all": {" 1.5 "}, "demand.c": {"900"}, "demand.d": {""}, "cost.v": {"2.5"}, "max.v": {"5"}, "budget.h": {"8"}, "without.w": {"on"},
	})
	require.NoError(t, err)
	assert.True(t, asked)
	assert.Equal(t, &whatif.Question{
		Demand:   []whatif.Demand{{Factor: f(1.5)}, {Model: "llm/m", Signal: "c", Value: f(900)}},
		Costs:    []whatif.Cost{{Model: "llm/m", Variant: "v", Cost: 2.5}},
		Replicas: []whatif.Replicas{{Model: "llm/m", Variant: "v", Max: &five}},
		Budgets:  []whatif.Budget{{Budget: "h", Limit: 8}},
		Without:  []whatif.Variant{{Model: "llm/m", Variant: "w"}},
	}, q)
	_, asked, err = Question("llm/m", url.Values{"model": {"llm/m"}, "cost.v": {""}})
	require.NoError(t, err)
	assert.False(t, asked, "an empty form is no question")
	for _, bad := range []url.Values{{"all": {"much"}}, {"max.v": {"1.5"}}, {"cost.v": {"free"}}} {
		_, _, err = Question("llm/m", bad)
		assert.Error(t, err)
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		seconds(0): "< 1 ms", seconds(0.0001): "< 1 ms", seconds(0.0123): "12 ms", seconds(2.34): "2.3 s", seconds(75): "75 s", seconds(600): "10 min", seconds(7800): "2.2 h",
		signed(0): "±0", signed(1.5): "+1.50", signed(-1.5): "−1.50", quantileText(0.95): "p95", quantileText(0.999): "p99.9",
	} {
		assert.Equal(t, want, got)
	}
}
