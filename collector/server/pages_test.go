package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/server/console"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

func TestPagesEscape(t *testing.T) {
	const evil = `<script>alert(1)</script>"'`
	s := &collector.Snapshot{
		Inputs: []collector.Input{{Name: evil, Query: evil}},
		Decision: decide.Decision{
			Models: []collector.Model{{Name: evil, Namespace: evil, Binding: evil, Variants: []collector.Variant{
				{Name: evil, Accelerator: evil, Missing: evil, Reason: optimizer.ReasonHold},
			}, Signals: []collector.Signal{{Name: evil, Unit: evil, Missing: evil}}}},
			Budgets: []collector.Budget{{Name: evil, Unit: evil}},
		},
	}
	s.Inputs[0].Fail(errors.New(evil))
	srv := serving(t, evaluatorFunc(func(context.Context, time.Time) *collector.Snapshot { return s }))
	for _, path := range []string{"/", "/model?id=" + url.QueryEscape(evil+"/"+evil), "/inputs", "/configuration", "/what-if", "/what-if?all=" + url.QueryEscape(evil), "/?range=" + url.QueryEscape(evil), "/?at=" + url.QueryEscape(evil)} {
		got := get(t, srv, path)
		assert.NotContains(t, got.body, "<script>alert", path)
		assert.NotContains(t, got.body, `"'`, path)
		assert.NotContains(t, got.body, "ZgotmplZ", path)
		assert.Contains(t, got.body, "</html>", path)
		if path != "/configuration" {
			assert.Contains(t, got.body, "&lt;script&gt;", path)
		}
	}
}

// TestOverviewStandsAlone holds that the page needs nothing else, and says so to the browser.
func TestOverviewStandsAlone(t *testing.T) {
	got := get(t, serving(t, fleet(t, "a")), "/")
	require.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "text/html; charset=utf-8", got.header.Get("Content-Type"))
	assert.Equal(t, console.Policy, got.header.Get("Content-Security-Policy"))
	assert.Equal(t, "no-referrer", got.header.Get("Referrer-Policy"))
	for _, external := range []string{"http://", "https://", "style=", "<style", "onclick", "@import", `href="/`, `src="/`, `action="/`} {
		assert.NotContains(t, got.body, external)
	}
	for _, want := range []string{
		`href="metrics"`, `href="api/v1/explain"`, `href="api/v1/plan"`, `href="api/v1/inputs"`, `href="-/ready"`, `href="-/healthy"`,
		`href="model?id=llm%2Fa"`, "1 of 2 inputs has no usable answer.", "connection: refused",
	} {
		assert.Contains(t, got.body, want)
	}
	assert.NotContains(t, got.body, "revision=")
}

// TestOneCauseIsSaidOnce: that Prometheus cannot be reached is one thing to know, however many inputs fail by it. An input that fails by itself says
// so in its place.
func TestOneCauseIsSaidOnce(t *testing.T) {
	for name, one := range map[string]error{"all alike": errors.New("dial: refused"), "one by itself": &promapi.Error{Reason: promapi.ReasonExecution, Err: errors.New("too many samples")}} {
		s := &collector.Snapshot{Inputs: []collector.Input{{Name: "a"}, {Name: "b"}, {Name: "c"}}, Decision: decide.Decision{
			Models: []collector.Model{{Name: "m", Namespace: "n", Variants: []collector.Variant{{Name: "v", Missing: "a: connection", Reason: optimizer.ReasonHold}}}},
		}}
		for i := range s.Inputs {
			s.Inputs[i].Fail(errors.New("dial: refused"))
		}
		s.Inputs[2].Fail(one)
		srv := serving(t, evaluatorFunc(func(context.Context, time.Time) *collector.Snapshot { return s }))
		for _, page := range []string{"/", "/inputs"} {
			body := get(t, srv, page).body
			assert.Equal(t, 1, strings.Count(body, "dial: refused"), "%s %s", page, name)
			assert.Contains(t, body, one.Error(), "%s %s", page, name)
		}
	}
}

// TestAssets holds that everything a page asks for is there, says what it is, and may be kept only under the address that names its
// content.
func TestAssets(t *testing.T) {
	srv := serving(t, fleet(t, "a"))
	body := get(t, srv, "/").body
	found := regexp.MustCompile(`(?:src|href)="(assets/[^"]+)"`).FindAllStringSubmatch(body, -1)
	require.Len(t, found, 6)
	for _, address := range found {
		got := get(t, srv, "/"+address[1])
		require.Equal(t, http.StatusOK, got.status, address[1])
		assert.Contains(t, got.header.Get("Cache-Control"), "immutable", address[1])
		assert.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
		assert.NotContains(t, got.header.Get("Content-Type"), "text/plain", address[1])
		path, _, _ := strings.Cut(address[1], "?")
		assert.Equal(t, "no-cache", get(t, srv, "/"+path).header.Get("Cache-Control"))
	}
	assert.Contains(t, get(t, srv, "/assets/uplot.txt").body, "MIT License")
	assert.Equal(t, http.StatusNotFound, get(t, srv, "/assets/console.go").status)
}

// TestOverviewOfAFleetInTrouble holds that it points out some models, and says how many more there are.
func TestOverviewOfAFleetInTrouble(t *testing.T) {
	s := &collector.Snapshot{}
	for i := range 30 {
		s.Models = append(s.Models, collector.Model{Name: fmt.Sprintf("m%d", i), Namespace: "llm", Variants: []collector.Variant{
			{Name: "v", Missing: "no signal can be trusted", Reason: optimizer.ReasonHold},
		}})
	}
	got := get(t, serving(t, evaluatorFunc(func(context.Context, time.Time) *collector.Snapshot { return s })), "/")
	assert.Contains(t, got.body, `<li><a href="model?id=llm%2Fm19">llm/m19</a> <span>v: no signal can be trusted</span></li>`)
	assert.NotContains(t, got.body, `llm/m20</a> <span>v:`)
	assert.Contains(t, got.body, "<li>and 10 more</li>")
	assert.Contains(t, got.body, `<p class="banner error" role="status">Nothing is decided: autoscalers hold.</p>`)
}

func TestOverviewWithNothingKnown(t *testing.T) {
	got := get(t, serving(t, evaluatorFunc(func(context.Context, time.Time) *collector.Snapshot { return &collector.Snapshot{} })), "/")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Contains(t, got.body, "None.")
	assert.Contains(t, got.body, "</html>")
}

// TestOverviewOfALargeFleet bounds the page of a thousand variants.
func TestOverviewOfALargeFleet(t *testing.T) {
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("model-%d", i)
	}
	srv := serving(t, fleet(t, names...))
	begun := time.Now()
	got := get(t, srv, "/")
	assert.Less(t, time.Since(begun), 10*time.Second)
	assert.Equal(t, 1000, strings.Count(got.body, `href="model?id=`))
	assert.Less(t, len(got.body), 4<<20)
	assert.True(t, strings.HasSuffix(got.body, "</html>\n"))
}

// findingEvaluator is an Evaluator that also finds out what is lacking.
type findingEvaluator struct {
	evaluatorFunc
	found []collector.Finding
}

func (f findingEvaluator) Findings(context.Context, *collector.Snapshot) []collector.Finding {
	return f.found
}

// TestInputsThatHold: what a model holds by is marked as what it is, though its query was answered, is counted at the head of the page, and
// says who is silent.
func TestInputsThatHold(t *testing.T) {
	n, told, expected := 2, 1, 2
	in := func(name string) collector.Input {
		return collector.Input{Name: name, Query: "q", Series: &n, Matched: &n}
	}
	duplicate := in("e.demand")
	duplicate.Bad, duplicate.Example = map[string]int{"duplicate": 1}, `{pod="x"}`
	s := &collector.Snapshot{Inputs: []collector.Input{in("a.demand"), in("a.demand.history"), in("b.demand"), in("c.demand"), in("d.demand"), in("ready"), duplicate}}
	s.Inputs[4].Fail(&promapi.Error{Reason: promapi.ReasonStale, Err: errors.New("the newest sample is 300s old")})
	s.Models = []collector.Model{{
		Name: "m", Namespace: "llm", Signals: []collector.Signal{
			{Name: "a", Partial: "1 of 2 ready replicas of v tell it", Sources: &told, Expected: &expected, Inputs: []string{"a.demand", "a.demand.history"}},
			{Name: "b", Missing: "no result", Inputs: []string{"b.demand"}},
			{Name: "c", Missing: "no result", Ignored: true, Inputs: []string{"c.demand"}},
			{Name: "d", Missing: "d.demand: stale", Inputs: []string{"d.demand"}, Backlog: new(1234.0), Unit: "tokens per second"},
		},
		Variants: []collector.Variant{{Name: "v", Missing: "ready: no result", Reason: optimizer.ReasonHold}, {Name: "w", Up: true}},
	}, {Name: "whole", Namespace: "llm", Variants: []collector.Variant{{Name: "x", Up: true}}}}
	srv := serving(t, findingEvaluator{
		func(context.Context, time.Time) *collector.Snapshot { return s },
		[]collector.Finding{{Model: "llm/m", Signals: []string{"a"}, Text: "scrapes fail (up is 0): pod v-0"}},
	})
	got := get(t, srv, "/inputs").body
	assert.Contains(t, got, `<p class="banner warning" role="status">5 of 7 inputs need a look: 2 missing, 1 stale, 1 duplicate, 1 partial. Of 2 models, 1 is not fully decided.</p>`)
	row := func(name string) string {
		_, after, _ := strings.Cut(got, "<summary>"+name+"</summary>")
		text, _, _ := strings.Cut(after, "</tr>")
		return text
	}
	assert.Contains(t, row("a.demand"), `<p class="bad">a of m: 1 of 2 ready replicas of v tell it; scrapes fail (up is 0): pod v-0</p>`)
	assert.Contains(t, row("b.demand"), `<p class="bad">b of m has no result</p>`)
	for name, state := range map[string]string{
		"a.demand": `warning">partial<`, "a.demand.history": `ok">ok<`, "b.demand": `error">missing<`, "c.demand": `ok">ok<`,
		"d.demand": `error">stale<`, "ready": `error">missing<`, "e.demand": `error">duplicate<`,
	} {
		assert.Contains(t, row(name), `<span class="state `+state, name)
	}
	got = get(t, srv, "/model?id=llm/m").body
	assert.Contains(t, got, "It may be more: 1 of 2 ready replicas of v tell it; scrapes fail (up is 0): pod v-0.")
	assert.Contains(t, got, `<strong>No number:</strong> v: ready has no result; scrapes fail (up is 0): pod v-0.</p>`)
	assert.Contains(t, get(t, srv, "/").body, `<a href="model?id=llm%2Fm">llm/m</a> <span>v: ready has no result; scrapes fail (up is 0): pod v-0</span>`)
	assert.Contains(t, got, "<dt>Waiting</dt><dd>1234 tokens</dd>", "what waits of a rate is an amount")
}
