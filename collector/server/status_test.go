package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

func TestStatusPageEscapes(t *testing.T) {
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
	got := get(t, serving(t, evaluatorFunc(func(context.Context, time.Time) *collector.Snapshot { return s })), "/")
	require.Equal(t, http.StatusOK, got.status)
	assert.Contains(t, got.body, "&lt;script&gt;")
	assert.NotContains(t, got.body, "<script")
	assert.NotContains(t, got.body, "ZgotmplZ")
}

// TestStatusPageStandsAlone holds that the page needs nothing else, and says so to the browser.
func TestStatusPageStandsAlone(t *testing.T) {
	got := get(t, serving(t, fleet(t, "a")), "/")
	require.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "text/html; charset=utf-8", got.header.Get("Content-Type"))
	assert.Regexp(t, `^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$`,
		got.header.Get("Content-Security-Policy"))
	for _, external := range []string{"http://", "https://", "<script", "style=", "<img", "@import", "url("} {
		assert.NotContains(t, got.body, external)
	}
	for _, want := range []string{
		`href="/metrics"`, `href="/api/v1/explain"`, `href="/api/v1/plan"`, `href="/api/v1/inputs"`, `href="/-/ready"`, `href="/-/healthy"`,
		`href="/api/v1/explain?model=llm%2fa"`, "<strong>4</strong>", "1 of 2 inputs have no usable answer.", "connection: refused",
	} {
		assert.Contains(t, got.body, want)
	}
}

// TestStatusPageOfAFleetInTrouble holds that it points out some models, and says how many more there are.
func TestStatusPageOfAFleetInTrouble(t *testing.T) {
	s := &collector.Snapshot{}
	for i := range 30 {
		s.Models = append(s.Models, collector.Model{Name: fmt.Sprintf("m%d", i), Namespace: "llm", Variants: []collector.Variant{
			{Name: "v", Missing: "no signal can be trusted", Reason: optimizer.ReasonHold},
		}})
	}
	got := get(t, serving(t, evaluatorFunc(func(context.Context, time.Time) *collector.Snapshot { return s })), "/")
	assert.Contains(t, got.body, `<li><a href="#m19">llm/m19</a>: v: no signal can be trusted</li>`)
	assert.NotContains(t, got.body, `href="#m20"`)
	assert.Contains(t, got.body, "<li>and 10 more</li>")
	assert.Contains(t, got.body, `<p class="state error">Nothing is decided: autoscalers hold.</p>`)
}

func TestStatusPageWithNothingKnown(t *testing.T) {
	got := get(t, serving(t, evaluatorFunc(func(context.Context, time.Time) *collector.Snapshot { return &collector.Snapshot{} })), "/")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Contains(t, got.body, "None.")
	assert.Contains(t, got.body, "</html>")
}

// TestStatusPageOfALargeFleet bounds the page of a thousand variants.
func TestStatusPageOfALargeFleet(t *testing.T) {
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("model-%d", i)
	}
	srv := serving(t, fleet(t, names...))
	begun := time.Now()
	got := get(t, srv, "/")
	assert.Less(t, time.Since(begun), 10*time.Second)
	assert.Equal(t, 1000, strings.Count(got.body, "<section"))
	assert.Less(t, len(got.body), 4<<20)
	assert.True(t, strings.HasSuffix(got.body, "</html>\n"))
}

// TestStatusPageOnAPhone holds what a narrow screen needs: each number says itself what it is, and the costs are those of what runs too.
func TestStatusPageOnAPhone(t *testing.T) {
	one, two, cost := 1, 2, 4.1
	s := &collector.Snapshot{Decision: decide.Decision{
		Plan: collector.Plan{Status: optimizer.StatusOptimal, Cost: new(8.2)},
		Models: []collector.Model{{Name: "m", Namespace: "llm", Variants: []collector.Variant{
			{Name: "v", Accelerator: "H100", Current: &one, Planned: &two, Desired: &two, Cost: &cost, Up: true, Reason: optimizer.ReasonDemand},
		}}},
	}}
	got := get(t, serving(t, evaluatorFunc(func(context.Context, time.Time) *collector.Snapshot { return s })), "/")
	for _, want := range []string{
		`<td class="n" data-label="Desired"><strong>2</strong></td>`, `data-label="Because"`, "@media (max-width: 40rem)", `content: attr(data-label)`,
		"What runs costs 4.10 per hour. The plan is optimal and costs 8.20.", "runs at 4.10 per hour, ", "all of it as JSON",
	} {
		assert.Contains(t, got.body, want)
	}
	for _, raw := range []string{"version=", "revision=unknown", "branch="} {
		assert.NotContains(t, got.body, raw)
	}
}
