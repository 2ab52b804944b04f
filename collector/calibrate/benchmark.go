package calibrate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// ReadBenchmark reads the results of a benchmark: the JSON that vLLM's serving benchmark, guidellm, genai-perf or aiperf write, one
// object after the other or an array where there are several, or CSV as ReadCSV does.
func ReadBenchmark(file string, text []byte) ([]calibration.Observation, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if start := bytes.TrimLeft(text, " \t\r\n"); len(start) == 0 || start[0] != '{' && start[0] != '[' {
		return ReadCSV(file, bytes.NewReader(text))
	}
	results, err := splitResults(text)
	if err != nil {
		return nil, fmt.Errorf("%s: read result %d: %w", file, len(results)+1, err)
	}
	var observations []calibration.Observation
	for i, raw := range results {
		more, err := readExport(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: result %d: %w", file, i+1, err)
		}
		observations = append(observations, more...)
	}
	return observations, nil
}

// splitResults are the objects of a file. With an error, those before it.
func splitResults(text []byte) ([]json.RawMessage, error) {
	var results []json.RawMessage
	for d := json.NewDecoder(bytes.NewReader(withoutInfinity(text))); ; {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return results, nil
		} else if err != nil {
			return results, err
		}
		if raw[0] != '[' {
			results = append(results, raw)
			continue
		}
		var several []json.RawMessage
		if err := json.Unmarshal(raw, &several); err != nil {
			return results, err
		}
		results = append(results, several...)
	}
}

// notJSON are strings, which are left alone, and the numbers of Python that are not JSON.
var notJSON = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?\b(?:Infinity|NaN)\b`)

// withoutInfinity writes numbers that JSON does not have as JSON: an infinite rate means all at once, and what is no number is
// missing.
func withoutInfinity(text []byte) []byte {
	if !bytes.Contains(text, []byte("Infinity")) && !bytes.Contains(text, []byte("NaN")) {
		return text
	}
	return notJSON.ReplaceAllFunc(text, func(found []byte) []byte {
		switch string(found) {
		case "Infinity":
			return []byte(`"inf"`)
		case "-Infinity", "NaN":
			return []byte("null")
		}
		return found
	})
}

// errUnknownExport is for JSON of no tool that is known.
var errUnknownExport = errors.New("not the JSON of a tool that is known: vLLM's serving benchmark has mean_itl_ms, guidellm has benchmarks, genai-perf has inter_token_latency")

// readExport reads the results of whichever tool they are of.
func readExport(raw json.RawMessage) ([]calibration.Observation, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return nil, err
	}
	has := func(key string) bool { return keys[key] != nil }
	switch {
	case has("benchmarks"):
		return readGuidellm(raw)
	case has("inter_token_latency"):
		return readGenAIPerf(raw)
	case has("mean_itl_ms"), has("mean_tpot_ms"):
		return readVLLM(raw)
	}
	return nil, errUnknownExport
}

const millisecond = 1e-3

// observed checks what was read of one run.
func observed(o calibration.Observation) ([]calibration.Observation, error) {
	var missing []string
	for _, x := range []struct {
		name  string
		value float64
	}{{"requests in service", o.Concurrency}, {"output tokens", o.Lengths.Output}, {"time between tokens", o.ITL}} {
		if !(x.value > 0) {
			missing = append(missing, x.name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("no %s: was the run long enough, and did it stream?", strings.Join(missing, ", "))
	}
	o.Lengths.Output = max(1, o.Lengths.Output)
	return []calibration.Observation{o}, nil
}

// readVLLM reads what "vllm bench serve --save-result" writes.
//
// It does not say how many requests were in service. With all sent at once and a bound on them that is the bound, if the run was
// long enough; else, by Little's law, it is their rate times the time that each took.
func readVLLM(raw json.RawMessage) ([]calibration.Observation, error) {
	var r struct {
		RequestRate any       `json:"request_rate"`
		Concurrency *float64  `json:"max_concurrency"`
		Duration    float64   `json:"duration"`
		Completed   float64   `json:"completed"`
		Input       float64   `json:"total_input_tokens"`
		Output      float64   `json:"total_output_tokens"`
		TTFT        float64   `json:"mean_ttft_ms"`
		TPOT        float64   `json:"mean_tpot_ms"`
		ITL         float64   `json:"mean_itl_ms"`
		InputLens   []float64 `json:"input_lens"`
		OutputLens  []float64 `json:"output_lens"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, err
	}
	if !(r.Completed > 0 && r.Duration > 0) {
		return nil, errors.New("no completed requests")
	}
	if r.ITL == 0 {
		r.ITL = r.TPOT
	}
	input, output := r.Input/r.Completed, r.Output/r.Completed
	o := calibration.Observation{
		Lengths: latency.Lengths{Input: input, Output: output, InputCV: variation(r.InputLens), OutputCV: variation(r.OutputLens)},
		ITL:     r.ITL * millisecond, TTFT: r.TTFT * millisecond,
	}
	o.Concurrency = r.Completed / r.Duration * (o.TTFT + (output-1)*o.ITL)
	const rounds = 3 // of a bounded load, from which on its start and its end matter little
	if all, sent := r.RequestRate.(string); sent && all == "inf" && r.Concurrency != nil && r.Completed >= rounds**r.Concurrency {
		o.Concurrency, o.Arrivals = *r.Concurrency, latency.Replacing
	}
	return observed(o)
}

// stat is a distribution of guidellm.
type stat struct {
	Successful struct {
		Mean float64 `json:"mean"`
		Std  float64 `json:"std_dev"`
	} `json:"successful"`
}

func (s stat) cv() float64 { return relative(s.Successful.Std, s.Successful.Mean) }

// readGuidellm reads a report of guidellm, with a benchmark for each load.
func readGuidellm(raw json.RawMessage) ([]calibration.Observation, error) {
	var r struct {
		Benchmarks []struct {
			Metrics struct {
				Concurrency stat `json:"request_concurrency"`
				Input       stat `json:"prompt_token_count"`
				Output      stat `json:"output_token_count"`
				TTFT        stat `json:"time_to_first_token_ms"`
				ITL         stat `json:"inter_token_latency_ms"`
			} `json:"metrics"`
		} `json:"benchmarks"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, err
	}
	var observations []calibration.Observation
	for i := range r.Benchmarks {
		m := &r.Benchmarks[i].Metrics
		more, err := observed(calibration.Observation{
			Concurrency: m.Concurrency.Successful.Mean,
			Lengths: latency.Lengths{
				Input: m.Input.Successful.Mean, InputCV: m.Input.cv(), Output: m.Output.Successful.Mean, OutputCV: m.Output.cv(),
			},
			ITL: m.ITL.Successful.Mean * millisecond, TTFT: m.TTFT.Successful.Mean * millisecond,
		})
		if err != nil {
			return nil, fmt.Errorf("benchmarks[%d]: %w", i, err)
		}
		observations = append(observations, more...)
	}
	return observations, nil
}

// metric is a metric of genai-perf, with its unit.
type metric struct {
	Unit string  `json:"unit"`
	Avg  float64 `json:"avg"`
	Std  float64 `json:"std"`
}

// seconds are a time in seconds.
func (m metric) seconds() (float64, error) {
	switch m.Unit {
	case "ns":
		return m.Avg * 1e-9, nil
	case "us":
		return m.Avg * 1e-6, nil
	case "ms", "":
		return m.Avg * millisecond, nil
	case "s", "sec":
		return m.Avg, nil
	}
	return 0, fmt.Errorf("unit %q of a time is not known", m.Unit)
}

// readGenAIPerf reads the export of genai-perf or aiperf. The requests in service are, by Little's law, their rate times the time
// that each took.
func readGenAIPerf(raw json.RawMessage) ([]calibration.Observation, error) {
	var r struct {
		Rate    metric `json:"request_throughput"`
		Latency metric `json:"request_latency"`
		TTFT    metric `json:"time_to_first_token"`
		ITL     metric `json:"inter_token_latency"`
		Input   metric `json:"input_sequence_length"`
		Output  metric `json:"output_sequence_length"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, err
	}
	o := calibration.Observation{Lengths: latency.Lengths{
		Input: r.Input.Avg, InputCV: relative(r.Input.Std, r.Input.Avg), Output: r.Output.Avg, OutputCV: relative(r.Output.Std, r.Output.Avg),
	}}
	for _, x := range []struct {
		to   *float64
		from metric
	}{{&o.TTFT, r.TTFT}, {&o.ITL, r.ITL}, {&o.Concurrency, r.Latency}} {
		seconds, err := x.from.seconds()
		if err != nil {
			return nil, err
		}
		*x.to = seconds
	}
	o.Concurrency *= r.Rate.Avg
	return observed(o)
}
