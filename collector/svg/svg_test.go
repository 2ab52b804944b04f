package svg_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/variant-exporter/variant-exporter/collector/svg"
)

func label(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

func TestDrawing(t *testing.T) {
	f := svg.Frame{Left: 10, Top: 20, Right: 110, Bottom: 70, EndX: 4, EndY: 2, Grid: `class="grid"`}
	d := svg.New(120, 100, `role="img"`)
	d.Axes(f, []svg.Tick{{1, "one"}}, []svg.Tick{{0.5, "a half"}})
	d.Put(`<path d="%v"/>`, "M1 2")
	d.Put(`<circle cx="%v" cy="%v" r="3"/>`, 1.0/3, 2.0)
	assert.Equal(t, `<svg viewBox="0 0 120 100" role="img">
<line x1="35" y1="20" x2="35" y2="70" class="grid"/>
<text x="35" y="86" text-anchor="middle">one</text>
<line x1="10" y1="57.5" x2="110" y2="57.5" class="grid"/>
<text x="4" y="61.5" text-anchor="end">a half</text>
<path d="M1 2"/>
<circle cx="0.3" cy="2" r="3"/>
</svg>
`, d.String())
}

// TestTextsAreEscaped reads a drawing with a hostile text back, in an element and in an attribute.
func TestTextsAreEscaped(t *testing.T) {
	const hostile = `</svg><script>alert("x")</script>'&`
	d := svg.New(1, 1, `role="img"`)
	d.Text(0, 0, "", hostile)
	d.Put(`<g %v title="%v"/>`, svg.Attribute("aria-label", hostile), hostile)
	var texts, names []string
	for in := xml.NewDecoder(strings.NewReader(d.String())); ; {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			names = append(names, token.Name.Local)
			if token.Name.Local == "g" {
				texts = append(texts, token.Attr[0].Value, token.Attr[1].Value)
			}
		case xml.CharData:
			if text := strings.TrimSpace(string(token)); text != "" {
				texts = append(texts, text)
			}
		}
	}
	assert.Equal(t, []string{"svg", "text", "g"}, names)
	assert.Equal(t, []string{hostile, hostile, hostile}, texts)
}

func TestFrame(t *testing.T) {
	f := svg.Frame{Left: 10, Top: 20, Right: 110, Bottom: 70, EndX: 4, EndY: 2}
	assert.InDelta(t, 10, f.X(0), 0)
	assert.InDelta(t, 110, f.X(4), 0)
	assert.InDelta(t, 70, f.Y(0), 0)
	assert.InDelta(t, 45, f.Y(1), 0)
	assert.InDelta(t, 20, f.Y(50), 0, "at the edge")
	assert.InDelta(t, 70, f.Y(-1), 0, "at the edge")
}

func TestTicks(t *testing.T) {
	for _, tc := range []struct {
		end  float64
		most int
		want string
	}{
		{1, 4, "0 0.5 1"},
		{7, 4, "0 2 4 6"},
		{100, 6, "0 20 40 60 80 100"},
		{0.3, 6, "0 0.05 0.1 0.15 0.2 0.25 0.3"},
		{61, 6, "0 20 40 60"},
	} {
		var got []string
		for _, tick := range svg.Ticks(tc.end, svg.Step(tc.end, tc.most), label) {
			got = append(got, tick.Text)
		}
		assert.Equal(t, tc.want, strings.Join(got, " "))
	}
}

func TestStepFits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		end := math.Pow(10, rapid.Float64Range(-9, 12).Draw(rt, "exponent"))
		most := rapid.IntRange(1, 12).Draw(rt, "most")
		parts := end / svg.Step(end, most)
		require.LessOrEqual(rt, parts, float64(most)*(1+1e-9))
		require.Greater(rt, parts, float64(most)/2.6, "no coarser than is needed")
	})
}

func TestSteps(t *testing.T) {
	nan := math.NaN()
	f := svg.Frame{Left: 10, Top: 0, Right: 50, Bottom: 100, EndX: 4, EndY: 10}
	assert.Equal(t, "M10 90H20V80H40V100H50", f.Steps([]float64{1, 2, 2, 0}, false))
	assert.Equal(t, "M10 90H20V100H10ZM30 80H50V100H30Z", f.Steps([]float64{1, nan, 2, 2}, true), "a gap, and areas")
	assert.Empty(t, f.Steps([]float64{nan, nan}, false))
	assert.Empty(t, f.Steps(nil, false))

	f.Right = 12
	assert.Equal(t, "M10 100H10V0V100H11V90H12", f.Steps([]float64{0, 10, 0, 0, 1, 1, 1, 1}, false), "a peak between pixels is seen")
}
