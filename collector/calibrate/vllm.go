package calibrate

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"

	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// vllmResult is what "vllm bench serve --save-result" and SGLang's bench_serving write of a run. The lengths are there with
// --save-detailed and --output-details.
type vllmResult struct {
	RequestRate    any       `json:"request_rate"`
	MaxConcurrency *float64  `json:"max_concurrency"`
	Concurrency    float64   `json:"concurrency"` // SGLang measures it
	Duration       float64   `json:"duration"`
	Completed      float64   `json:"completed"`
	Input          float64   `json:"total_input_tokens"`
	Output         float64   `json:"total_output_tokens"`
	TTFT           float64   `json:"mean_ttft_ms"`
	TPOT           float64   `json:"mean_tpot_ms"`
	ITL            float64   `json:"mean_itl_ms"`
	InputLens      []float64 `json:"input_lens"`
	OutputLens     []float64 `json:"output_lens"`
}

const (
	rounds    = 3   // of a bounded load, from which on its start and its end matter little
	oneByOne  = 1.5 // time between messages over that between tokens, from which on a message has several tokens
	allAtOnce = "inf"
)

// readVLLM reads the result of a run.
//
// vLLM does not say how many requests were in service. With all sent at once and a bound on them that is the bound, if the run was
// long enough; else, by Little's law, it is their rate times the time that each took.
func readVLLM(raw json.RawMessage) (o calibration.Observation, err error) {
	var r vllmResult
	if err := json.Unmarshal(raw, &r); err != nil {
		return o, err
	}
	if !(r.Completed > 0 && r.Duration > 0) {
		return o, unusable("no completed requests")
	}
	if !(r.ITL > 0) || r.TPOT > 0 && r.ITL > oneByOne*r.TPOT {
		r.ITL = r.TPOT
	}
	input, output := r.Input/r.Completed, r.Output/r.Completed
	inputs, outputs := r.answered()
	o = calibration.Observation{
		Lengths: latency.Lengths{Input: input, Output: output, InputCV: variation(inputs), OutputCV: variation(outputs)},
		ITL:     r.ITL * millisecond, TTFT: r.TTFT * millisecond,
	}
	o.Throughput = r.Completed / r.Duration
	o.Concurrency = o.Throughput * (o.TTFT + (output-1)*o.ITL)
	if r.Concurrency > 0 {
		o.Concurrency = r.Concurrency
	}
	if o.Quantiles, err = vllmQuantiles(raw); err != nil {
		return o, err
	}
	if rate, _ := r.RequestRate.(string); rate == allAtOnce {
		switch {
		case r.MaxConcurrency == nil && r.Completed > 1:
			return o, unusable("all requests were sent at once, and the load was not steady: set --max-concurrency or --request-rate in the benchmark")
		case r.MaxConcurrency != nil && r.Completed >= rounds**r.MaxConcurrency:
			o.Concurrency, o.Arrivals = *r.MaxConcurrency, latency.Replacing
		}
	}
	return observed(o)
}

// answered are the lengths of the requests that were answered.
func (r *vllmResult) answered() (inputs, outputs []float64) {
	for i, output := range r.OutputLens {
		if output > 0 && i < len(r.InputLens) {
			inputs, outputs = append(inputs, r.InputLens[i]), append(outputs, output)
		}
	}
	return inputs, outputs
}

// vllmQuantile is a key such as p99_itl_ms. --metric-percentiles says which there are.
var vllmQuantile = regexp.MustCompile(`^p([0-9]+(?:\.[0-9]+)?)_(ttft|itl)_ms$`)

// vllmQuantiles are those of the times that were measured: of requests, and of tokens.
func vllmQuantiles(raw json.RawMessage) (told []calibration.Quantile, err error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return nil, err
	}
	of := map[float64]calibration.Quantile{}
	for key, value := range keys {
		name := vllmQuantile.FindStringSubmatch(key)
		if name == nil || string(value) == "null" {
			continue
		}
		var time float64
		if err := json.Unmarshal(value, &time); err != nil {
			return nil, err
		}
		percent, _ := strconv.ParseFloat(name[1], 64) // the expression makes it a number
		q := of[percent]
		q.Share = percent / 100
		if name[2] == "itl" {
			q.ITL = time * millisecond
		} else {
			q.TTFT = time * millisecond
		}
		of[percent] = q
	}
	for _, q := range of {
		told = append(told, q)
	}
	slices.SortFunc(told, func(a, b calibration.Quantile) int { return cmp.Compare(a.Share, b.Share) })
	return told, nil
}
