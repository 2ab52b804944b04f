package replay_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/replay"
	"github.com/variant-exporter/variant-exporter/collector/chart"
)

// hostile is a name that breaks a page which does not escape it.
const hostile = `</svg><script>alert("x")</script>'&{{.}}`

// madeUp is a result with gaps, of so many steps.
func madeUp(steps int) *replay.Result {
	r := &replay.Result{
		From: time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC), StepSeconds: 60, Steps: steps,
		Models: []replay.Model{{
			Namespace: hostile, Name: hostile,
			Signals: []replay.Signal{
				{Name: hostile, Unit: hostile, Demand: make([]*float64, steps), RanSupply: make([]*float64, steps), FollowedSupply: make([]*float64, steps)},
				{Name: "never-measured", Demand: make([]*float64, steps), RanSupply: make([]*float64, steps), FollowedSupply: make([]*float64, steps)},
			},
			Variants: []replay.Variant{{
				Name: hostile, Current: make([]*int, steps), Ready: make([]*int, steps), Desired: make([]*int, steps), Reason: make([]string, steps),
				Followed: make([]*int, steps), FollowedReady: make([]*int, steps), Cost: make([]*float64, steps),
			}},
		}},
		Notes: []string{hostile},
	}
	r.To = r.From.Add(time.Duration(steps) * time.Minute)
	m := &r.Models[0]
	for i := range steps {
		if i%7 == 3 {
			continue
		}
		n, followed, demand, cost := i%5, i%3, float64(i%11), 1.5
		m.Signals[0].Demand[i], m.Signals[0].RanSupply[i], m.Signals[0].FollowedSupply[i] = &demand, &demand, &demand
		v := &m.Variants[0]
		v.Current[i], v.Followed[i], v.Cost[i] = &n, &followed, &cost
	}
	return r
}

// TestWriteHTML holds pages to be whole, whatever names and numbers there are, and to need nothing from elsewhere.
func TestWriteHTML(t *testing.T) {
	for _, steps := range []int{1, 2, 60, 900, 10080} {
		var b bytes.Buffer
		require.NoError(t, replay.WriteHTML(&b, madeUp(steps)))
		page := b.String()
		for _, never := range []string{"<script>alert", "<script src", "<img", "url(", "src=", "@import", "never-measured"} {
			assert.NotContains(t, page, never)
		}
		assert.Contains(t, page, "default-src 'none'")
		assert.Equal(t, 4, strings.Count(page, "<figure"), "cost, cost so far, one signal, one variant")
		assert.Less(t, len(page), 300_000, "%d steps", steps)
		assert.Len(t, charts(t, page), 4)
	}
}

// charts are those of a page.
func charts(t *testing.T, page string) []chart.Chart {
	t.Helper()
	var all []chart.Chart
	for _, part := range strings.Split(page, `<script type="application/json">`)[1:] {
		text, _, _ := strings.Cut(part, "</script>")
		var c chart.Chart
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		all = append(all, c)
	}
	return all
}

// TestWriteHTMLGaps looks at four steps: what is not known is null.
func TestWriteHTMLGaps(t *testing.T) {
	r := madeUp(4)
	v := &r.Models[0].Variants[0]
	one, two := 1, 2
	v.Current = []*int{&one, &one, nil, &two}
	v.Followed = []*int{&two, &two, nil, &one}
	var b bytes.Buffer
	require.NoError(t, replay.WriteHTML(&b, r))
	assert.Contains(t, b.String(), `"label":"ran","color":"forecast","values":[1,1,null,2]`)
	assert.Contains(t, b.String(), `"label":"followed","color":"plan","values":[2,2,null,1]`)
	assert.Equal(t, []int64{r.From.Unix(), r.From.Unix() + 60, r.From.Unix() + 120, r.From.Unix() + 180}, charts(t, b.String())[3].Times)
}

// broken takes nothing.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteToNowhere(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *replay.Result) error{
		"text": replay.WriteText, "json": replay.WriteJSON, "csv": replay.WriteCSV, "html": replay.WriteHTML,
	} {
		assert.ErrorIs(t, write(broken{}, madeUp(3)), io.ErrClosedPipe, name)
	}
}
