package calibrate

import (
	"encoding/json"
	"fmt"

	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// stat is a distribution of guidellm. Where no request was successful it is null, or zeros.
type stat struct {
	Successful struct {
		Mean float64 `json:"mean"`
		Std  float64 `json:"std_dev"`
	} `json:"successful"`
}

func (s stat) cv() float64 { return relative(s.Successful.Std, s.Successful.Mean) }

// strategy is how guidellm sent requests. Its place depends on the version.
type strategy struct {
	Strategy struct {
		Type string `json:"type_"`
	} `json:"strategy"`
}

// guidellmRun is a benchmark of a report, at one load.
type guidellmRun struct {
	Args    strategy `json:"args"`   // up to 0.3
	Config  strategy `json:"config"` // from 0.4 on
	Metrics struct {
		Concurrency stat `json:"request_concurrency"`
		Input       stat `json:"prompt_token_count"`
		Output      stat `json:"output_token_count"`
		TTFT        stat `json:"time_to_first_token_ms"`
		ITL         stat `json:"inter_token_latency_ms"`
	} `json:"metrics"`
}

// readGuidellm reads a report of guidellm, with a benchmark for each load.
func readGuidellm(raw json.RawMessage, add adder) error {
	var report struct {
		Benchmarks []guidellmRun `json:"benchmarks"`
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		return add("", calibration.Observation{}, err)
	}
	for i := range report.Benchmarks {
		o, err := report.Benchmarks[i].observation()
		if err := add(fmt.Sprintf("benchmarks[%d]: ", i), o, err); err != nil {
			return err
		}
	}
	return nil
}

func (r *guidellmRun) observation() (calibration.Observation, error) {
	m := &r.Metrics
	o := calibration.Observation{
		Concurrency: m.Concurrency.Successful.Mean,
		Lengths: latency.Lengths{
			Input: m.Input.Successful.Mean, InputCV: m.Input.cv(), Output: m.Output.Successful.Mean, OutputCV: m.Output.cv(),
		},
		ITL: m.ITL.Successful.Mean * millisecond, TTFT: m.TTFT.Successful.Mean * millisecond,
	}
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
