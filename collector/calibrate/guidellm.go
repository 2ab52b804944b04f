package calibrate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// stat is a distribution of guidellm. Where no request was successful it is null, or zeros.
type stat struct {
	Successful struct {
		Mean        float64 `json:"mean" yaml:"mean"`
		Std         float64 `json:"std_dev" yaml:"std_dev"`
		Percentiles struct {
			P90 float64 `json:"p90" yaml:"p90"`
			P95 float64 `json:"p95" yaml:"p95"`
			P99 float64 `json:"p99" yaml:"p99"`
		} `json:"percentiles" yaml:"percentiles"`
	} `json:"successful" yaml:"successful"`
}

func (s *stat) cv() float64 { return relative(s.Successful.Std, s.Successful.Mean) }

// strategy is how guidellm sent requests. Its place depends on the version.
type strategy struct {
	Strategy struct {
		Type string `json:"type_" yaml:"type_"`
	} `json:"strategy" yaml:"strategy"`
}

// guidellmRun is a benchmark of a report, at one load.
type guidellmRun struct {
	Args    strategy `json:"args" yaml:"args"`     // up to 0.3
	Config  strategy `json:"config" yaml:"config"` // from 0.4 on
	Metrics struct {
		Rate        stat `json:"requests_per_second" yaml:"requests_per_second"`
		Concurrency stat `json:"request_concurrency" yaml:"request_concurrency"`
		Input       stat `json:"prompt_token_count" yaml:"prompt_token_count"`
		Output      stat `json:"output_token_count" yaml:"output_token_count"`
		TTFT        stat `json:"time_to_first_token_ms" yaml:"time_to_first_token_ms"`
		ITL         stat `json:"inter_token_latency_ms" yaml:"inter_token_latency_ms"`
	} `json:"metrics" yaml:"metrics"`
}

// guidellmReport has a benchmark for each load.
type guidellmReport struct {
	Benchmarks []guidellmRun `json:"benchmarks" yaml:"benchmarks"`
}

// readGuidellm reads a report in JSON.
func readGuidellm(raw json.RawMessage, add adder) error {
	var report guidellmReport
	if err := json.Unmarshal(raw, &report); err != nil {
		return add("", calibration.Observation{}, err)
	}
	return report.add(add)
}

// guidellmKey is the key that a report in YAML has, at the start of a line.
var guidellmKey = regexp.MustCompile(`(?m)^benchmarks:`)

// readGuidellmYAML reads a report in YAML. What Python adds to it, such as tags of its own types, is in parts that are not read.
func readGuidellmYAML(text []byte, add adder) error {
	var report guidellmReport
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&report); err != nil {
		return add("", calibration.Observation{}, fmt.Errorf("read guidellm's report as YAML: %w", err))
	}
	return report.add(add)
}

func (r *guidellmReport) add(add adder) error {
	for i := range r.Benchmarks {
		o, err := r.Benchmarks[i].observation()
		if err := add(fmt.Sprintf("benchmarks[%d]: ", i), o, err); err != nil {
			return err
		}
	}
	return nil
}

// observation is the run. Its times between tokens are means of requests, whose quantiles say nothing of single tokens.
func (r *guidellmRun) observation() (calibration.Observation, error) {
	m := &r.Metrics
	o := calibration.Observation{
		Concurrency: m.Concurrency.Successful.Mean,
		Lengths: latency.Lengths{
			Input: m.Input.Successful.Mean, InputCV: m.Input.cv(), Output: m.Output.Successful.Mean, OutputCV: m.Output.cv(),
		},
		ITL: m.ITL.Successful.Mean * millisecond, TTFT: m.TTFT.Successful.Mean * millisecond, Throughput: m.Rate.Successful.Mean,
	}
	p := &m.TTFT.Successful.Percentiles
	o.Quantiles = firstTokens(p.P90*millisecond, p.P95*millisecond, p.P99*millisecond)
	if m.Output.Successful.Mean == 0 && m.Concurrency.Successful.Mean == 0 {
		return o, unusable("no successful requests")
	}
	for _, s := range []strategy{r.Args, r.Config} {
		if s.Strategy.Type == "concurrent" || s.Strategy.Type == "synchronous" {
			o.Arrivals = latency.Replacing
		}
	}
	return observed(o)
}

// firstTokens are quantiles of the time to the first token, in seconds. Those that are zero were not told.
func firstTokens(p90, p95, p99 float64) (told []calibration.Quantile) {
	for _, q := range []calibration.Quantile{{Share: 0.9, TTFT: p90}, {Share: 0.95, TTFT: p95}, {Share: 0.99, TTFT: p99}} {
		if q.TTFT > 0 {
			told = append(told, q)
		}
	}
	return told
}
