package replay_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/backtest/replay"
)

// hostile is a name as nobody should give one, but somebody may.
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
		assert.NotContains(t, page, "<script>")
		assert.NotContains(t, page, "NaN")
		assert.NotContains(t, page, "Inf")
		assert.NotContains(t, page, "http")
		assert.NotContains(t, page, "never-measured")
		assert.Equal(t, 4, strings.Count(page, "<svg "), "cost, cost so far, one signal, one variant")
		assert.Less(t, len(page), 150_000, "%d steps", steps)
		for svg := range strings.SplitSeq(page, "<svg ") {
			svg, _, drawn := strings.Cut(svg, "</svg>")
			if !drawn {
				continue
			}
			d := xml.NewDecoder(strings.NewReader("<svg " + svg + "</svg>"))
			for {
				_, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err)
			}
		}
	}
}

// TestWriteHTMLPaths looks at the lines of three steps: a gap ends a line, and what does not change needs no point.
func TestWriteHTMLPaths(t *testing.T) {
	r := madeUp(4)
	v := &r.Models[0].Variants[0]
	one, two := 1, 2
	v.Current = []*int{&one, &one, nil, &two}
	v.Followed = []*int{&two, &two, nil, &one}
	var b bytes.Buffer
	require.NoError(t, replay.WriteHTML(&b, r))
	assert.Contains(t, b.String(), `<path class="ran" d="M52 57H502M727 8H952"/>`)
	assert.Contains(t, b.String(), `<path class="followed" d="M52 8H502M727 57H952"/>`)
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
