package calibrate_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/calibrate"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

var update = flag.Bool("update", false, "write what is expected to testdata")

// benchmark is a benchmark's results of a known server, with errors that are the same in every run.
func benchmark(t *testing.T, lengths ...latency.Lengths) []calibration.Observation {
	t.Helper()
	var observations []calibration.Observation
	for i, n := range []float64{1, 2, 4, 8, 16, 24, 32, 48, 64, 96} {
		for j, l := range lengths {
			server, err := latency.NewServer(latency.Profile{Alpha: 8e-3, Beta: 2e-5, Gamma: 4.1e-7, MaxBatch: 128}, l)
			require.NoError(t, err)
			wobble := 1 + 0.03*math.Sin(float64(17*i+5*j))
			o := calibration.Observation{Concurrency: n, Lengths: l, ITL: server.Decode(n) * wobble}
			o.TTFT = (server.Prefill(n) + server.Decode(n)) * (2 - wobble)
			if i == 3 && j == 0 {
				o.ITL *= 3
			}
			observations = append(observations, o)
		}
	}
	return observations
}

func severalLengths() []latency.Lengths {
	return []latency.Lengths{{Input: 128, Output: 128}, {Input: 512, Output: 150}, {Input: 2048, Output: 256}}
}

// results are a good fit, one of which much is said, one whose target cannot be kept, and none.
func results(t *testing.T) []calibrate.Result {
	t.Helper()
	subject := calibrate.Subject{Namespace: "llm", Model: "meta-llama/Llama-3.1-8B-Instruct", MaxBatch: 256, MaxQueue: 2560}
	good, doubtful, slow, none := subject, subject, subject, subject
	good.Variant, good.Observations = "good", benchmark(t, severalLengths()...)
	good.SLO = &latency.SLO{TTFT: 0.5, ITL: 0.04, Quantile: 0.95}
	good.Dropped = map[string]int{"idle": 3, "with unsteady load": 1}
	doubtful.Variant, doubtful.MaxBatch, doubtful.MaxQueue = "doubtful", 512, 7
	for _, o := range benchmark(t, severalLengths()[1]) {
		if o.TTFT = 0; o.Concurrency >= 16 && o.Concurrency < 50 || o.Concurrency < 9 {
			o.Concurrency += 10
			doubtful.Observations = append(doubtful.Observations, o)
		}
	}
	doubtful.SLO = &latency.SLO{ITL: 0.08}
	slow.Model, slow.Variant, slow.Observations = "other", "slow", good.Observations
	slow.SLO = &latency.SLO{ITL: 0.004}
	none.Variant, none.Dropped = "none", map[string]int{"idle": 40}
	var fitted []calibrate.Result
	for _, s := range []calibrate.Subject{good, doubtful, slow, none} {
		fitted = append(fitted, calibrate.Fit(s))
	}
	return fitted
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestWriteYAML(t *testing.T) {
	var models, alone strings.Builder
	require.NoError(t, calibrate.WriteYAML(&models, results(t)))
	golden(t, "models.yml", models.String())
	r := calibrate.Fit(calibrate.Subject{Observations: benchmark(t, severalLengths()...), MaxBatch: 128, MaxQueue: 1280})
	require.NoError(t, calibrate.WriteYAML(&alone, []calibrate.Result{r}))
	golden(t, "benchmark.yml", alone.String())
}

// TestYAMLLoads: what is printed is a configuration's own, and says what was fitted.
func TestYAMLLoads(t *testing.T) {
	fitted := results(t)
	var out strings.Builder
	require.NoError(t, calibrate.WriteYAML(&out, fitted))
	// A cost is all that a variant needs besides.
	text := strings.ReplaceAll(out.String(), "        profile:", "        cost: 1\n        capacity: {concurrency: 1}\n        profile:")
	text = strings.ReplaceAll(text, "  namespace: \"llm\"\n", "  namespace: \"llm\"\n    signals: [concurrency]\n    presets: [vllm]\n")
	c, found := config.Load("calibrated.yml", "prometheus: {url: http://prometheus.example}\n"+text)
	require.NotNil(t, c, "%v\n%s", found, text)
	require.Len(t, c.Models, 2)
	for i, p := range []*config.Profile{c.Models[0].Variants[0].Profile, c.Models[0].Variants[1].Profile, c.Models[1].Variants[0].Profile} {
		for _, v := range []struct {
			want calibration.Estimate
			got  config.Seconds
		}{{fitted[i].Alpha, p.Alpha}, {fitted[i].Beta, p.Beta}, {fitted[i].Gamma, p.Gamma}} {
			assert.InDelta(t, v.want.Value, float64(v.got), 5e-4*v.want.Value, "four digits")
		}
		assert.Equal(t, fitted[i].MaxBatch, p.MaxBatch)
	}
	assert.Equal(t, 7, *c.Models[0].Variants[1].Profile.MaxQueue)
}

func TestWriteJSON(t *testing.T) {
	var out strings.Builder
	require.NoError(t, calibrate.WriteJSON(&out, results(t)))
	var back struct {
		Confidence float64
		Results    []struct {
			Variant     string
			Alpha, Beta calibration.Estimate
			Separable   bool
			Warnings    []string
			Capacity    *calibration.Capacity
			Error       string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out.String()), &back))
	assert.InDelta(t, 0.95, back.Confidence, 0)
	require.Len(t, back.Results, 4)
	assert.InEpsilon(t, 8e-3, back.Results[0].Alpha.Value, 0.05)
	assert.True(t, back.Results[0].Separable)
	assert.Less(t, back.Results[0].Capacity.Rate.Low, back.Results[0].Capacity.Rate.Value)
	assert.Len(t, back.Results[1].Warnings, 2)
	assert.Contains(t, back.Results[2].Capacity.Reason, "itl 0.004 s is below the idle latency")
	assert.Equal(t, "cannot fit a profile: 0 observations, at least 6 are needed", back.Results[3].Error)
	assert.Nil(t, back.Results[3].Capacity)
	assert.True(t, calibrate.Failed(results(t)))
	assert.False(t, calibrate.Failed(results(t)[:3]))
}

// TestWriteSVG: the drawing is well-formed, and shows every observation once per panel.
func TestWriteSVG(t *testing.T) {
	fitted := results(t)
	fitted[0].Variant = `<good> & "fine"`
	var out strings.Builder
	require.NoError(t, calibrate.WriteSVG(&out, fitted))
	count, texts := map[string]int{}, map[string]bool{}
	d := xml.NewDecoder(strings.NewReader(out.String()))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			count[token.Name.Local]++
		case xml.CharData:
			texts[string(token)] = true
		}
	}
	points := 2*len(fitted[0].Observations) + len(fitted[1].Observations) + 2*len(fitted[2].Observations)
	assert.Equal(t, points, count["circle"])
	assert.Equal(t, 5, count["polyline"], "two panels, one, and two; none for what has no fit")
	assert.True(t, texts[`<good> & "fine"`])
	assert.True(t, texts["target 40 ms"])
	if path := os.Getenv("CALIBRATE_SVG"); path != "" {
		require.NoError(t, os.WriteFile(path, []byte(out.String()), 0o600))
	}
}
