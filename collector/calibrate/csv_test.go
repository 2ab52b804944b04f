package calibrate_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/calibrate"
	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

const csvHeader = "concurrency,input_tokens,output_tokens,ttft,itl\n"

func TestReadCSV(t *testing.T) {
	want := []calibration.Observation{
		{Concurrency: 1, Lengths: latency.Lengths{Input: 512, Output: 150}, TTFT: 0.03, ITL: 0.008, Arrivals: latency.Replacing},
		{Concurrency: 2.5, Lengths: latency.Lengths{Output: 1}, ITL: 0.009, Arrivals: latency.Replacing},
	}
	for name, text := range map[string]string{
		"plain":               csvHeader + "1,512,150,0.03,0.008\n2.5,0,1,,9e-3\n",
		"spaces":              "concurrency, input_tokens, output_tokens, ttft, itl\n1, 512 ,150, 0.03,0.008\n\n2.5,0,1,  ,0.009",
		"another order":       "itl,ttft,output_tokens,input_tokens,concurrency\r\n0.008,0.03,150,512,1\r\n0.009,,1,0,2.5\r\n",
		"as spreadsheets do":  "\ufeff" + csvHeader + "\"1\",512,150,0.03,0.008\n2.5,0,1,,0.009\n",
		"semicolons":          strings.ReplaceAll(csvHeader+"1,512,150,0.03,0.008\n2.5,0,1, ,9e-3\n", ",", ";"),
		"tabs":                strings.ReplaceAll(csvHeader+"1,512,150,0.03,0.008\n2.5,0,1,,9e-3\n", ",", "\t"),
		"nothing to be found": "",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := calibrate.ReadCSV("bench.csv", strings.NewReader(text))
			if text == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
	got, err := calibrate.ReadCSV("bench.csv", strings.NewReader("concurrency,input_tokens,output_tokens,itl\n1,0,1,1\n"))
	require.NoError(t, err, "ttft may be left out")
	assert.Len(t, got, 1)
}

// TestReadCSVOfDocs: the example of the documentation is one.
func TestReadCSVOfDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/calibration.md")
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "    concurrency,") || len(lines) > 0 {
			lines = append(lines, strings.TrimSpace(line))
		}
		if len(lines) > 0 && lines[len(lines)-1] == "" {
			break
		}
	}
	got, err := calibrate.ReadCSV("calibration.md", strings.NewReader(strings.Join(lines, "\n")))
	require.NoError(t, err)
	assert.Len(t, got, len(lines)-2, "a measurement a line, without the header and the empty line")
	assert.Greater(t, len(got), 2)
}

func TestReadCSVRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"empty":            {"", "bench.csv:1:1: no header: want concurrency,input_tokens,output_tokens,ttft,itl"},
		"no header":        {"1,512,150,0.03,0.008\n", "bench.csv:1:1: 1 is no name of a column: the first line must be a header, such as concurrency,input_tokens,output_tokens,ttft,itl"},
		"unknown column":   {"concurrency,tokens\n", `bench.csv:1:13: no column is named "tokens": there are concurrency, input_tokens, output_tokens, ttft, itl, in seconds and tokens`},
		"column twice":     {"itl,itl\n", "bench.csv:1:5: a second column itl"},
		"missing column":   {"concurrency,input_tokens,output_tokens,ttft\n", "bench.csv:1:1: no column itl"},
		"not a number":     {csvHeader + "1,512,150,0.03,0.008\n2,512,x,0.03,0.008\n", `bench.csv:3:7: output_tokens: "x" is not a number`},
		"infinite":         {csvHeader + "Inf,512,150,0.03,0.008\n", `bench.csv:2:1: concurrency: "Inf" is not a number`},
		"empty cell":       {csvHeader + "1,,150,0.03,0.008\n", `bench.csv:2:3: input_tokens: "" is not a number`},
		"no concurrency":   {csvHeader + "0,512,150,0.03,0.008\n", "bench.csv:2:1: concurrency: 0 is not within 0.001 and 1e+06"},
		"negative length":  {csvHeader + "1,-1,150,0.03,0.008\n", "bench.csv:2:3: input_tokens: -1 is not within 0 and 1e+06"},
		"no output":        {csvHeader + "1,512,0.5,0.03,0.008\n", "bench.csv:2:7: output_tokens: 0.5 is not within 1 and 1e+06"},
		"no latency":       {csvHeader + "1,512,150,0.03,0\n", "bench.csv:2:16: itl: 0 is not within 1e-06 and 1e+06"},
		"out of range":     {csvHeader + "1,512,150,30,8e9\n", "bench.csv:2:14: itl: 8e9 is not within 1e-06 and 1e+06"},
		"neither latency":  {csvHeader + "1,512,150,,\n", "bench.csv:2:12: neither itl nor ttft"},
		"too few cells":    {csvHeader + "1,512,150\n", "bench.csv:2:1: not as many cells as the header has columns"},
		"too many cells":   {csvHeader + "1,512,150,0.03,0.008,9\n", "bench.csv:2:1: not as many cells as the header has columns"},
		"unfinished quote": {csvHeader + "1,\"512\n", "bench.csv:2:8: extraneous or missing \" in quoted-field"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := calibrate.ReadCSV("bench.csv", strings.NewReader(tc.text))
			assert.EqualError(t, err, tc.want)
		})
	}
}

// nothingKnown is too far from any server for its capacity to have an interval.
const nothingKnown = csvHeader + "1,700,10,,7\n2,0,100,10,.007\n1,1000,20,.1,.02\n1,700,20,,.001\n1,0,1,18,.001\n7,0,10,,.002\n"

// TestCapacityNotKnown: a capacity with an interval without an end is no capacity.
func TestCapacityNotKnown(t *testing.T) {
	observations, err := calibrate.ReadCSV("f", strings.NewReader(nothingKnown))
	require.NoError(t, err)
	r := calibrate.Fit(calibrate.Subject{Observations: observations, MaxBatch: 8, MaxQueue: 8, SLO: &latency.SLO{ITL: 0.04}})
	require.NotNil(t, r.Capacity)
	assert.Contains(t, r.Capacity.Reason, "the observations do not tell it")
	assert.Zero(t, r.Capacity.Rate)
}

// FuzzReadCSV: whatever is read can be fitted or is refused with a reason; mistakes have a place in the text.
func FuzzReadCSV(f *testing.F) {
	f.Add(csvHeader + "1,512,150,0.03,0.008\n")
	f.Add(csvHeader + strings.Repeat("1,512,150,,0.008\n2,100,150,0.1,0.009\n9,1000,20,0.1,0.02\n", 3))
	f.Add("itl,\"concurrency\"\r\n,\n")
	f.Add("concurrency,input_tokens,output_tokens,itl\n1e-3,1e6,1,1e-6\n" + strings.Repeat("1e6,0,1e6,1e6\n", 6))
	f.Add(csvHeader + "1,512,1,,0.01\n")
	f.Add(nothingKnown)
	f.Fuzz(func(t *testing.T, text string) {
		observations, err := calibrate.ReadCSV("f", strings.NewReader(text))
		if err != nil {
			place, ok := errors.AsType[*calibrate.CSVError](err)
			require.True(t, ok, "%v", err)
			assert.Positive(t, place.Line)
			assert.Positive(t, place.Column)
			assert.LessOrEqual(t, place.Line, strings.Count(text, "\n")+strings.Count(text, "\r")+2)
			return
		}
		r := calibrate.Fit(calibrate.Subject{Observations: observations, MaxBatch: 8, MaxQueue: 8, SLO: &latency.SLO{ITL: 0.04}})
		require.NotEqual(t, r.Fitted == nil, r.Error == "")
		var out strings.Builder
		require.NoError(t, calibrate.WriteYAML(&out, []calibrate.Result{r}))
		require.NoError(t, calibrate.WriteJSON(&out, []calibrate.Result{r}))
		require.NoError(t, calibrate.WriteSVG(&out, []calibrate.Result{r}))
		assert.NotContains(t, out.String(), "NaN")
	})
}
