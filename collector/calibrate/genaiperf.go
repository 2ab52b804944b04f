package calibrate

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// metric is a metric of genai-perf, with its unit.
type metric struct {
	Unit string  `json:"unit"`
	Avg  float64 `json:"avg"`
	Std  float64 `json:"std"`
	P90  float64 `json:"p90"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
}

// unit is that of a time, in seconds.
func (m *metric) unit() (float64, error) {
	switch m.Unit {
	case "ns":
		return 1e-9, nil
	case "us":
		return 1e-6, nil
	case "ms", "":
		return millisecond, nil
	case "s", "sec":
		return 1, nil
	}
	return 0, fmt.Errorf("unknown unit of time %q", m.Unit)
}

// bounded is a load of a fixed concurrency, in the places where versions of genai-perf and aiperf have it.
type bounded struct {
	Concurrency any `json:"concurrency"`
	Rate        any `json:"request_rate"`
}

func (b bounded) replacing() bool { return b.Concurrency != nil && b.Rate == nil }

// genAIPerf is the export of genai-perf or aiperf.
type genAIPerf struct {
	Rate    metric `json:"request_throughput"`
	Latency metric `json:"request_latency"`
	TTFT    metric `json:"time_to_first_token"`
	ITL     metric `json:"inter_token_latency"`
	Input   metric `json:"input_sequence_length"`
	Output  metric `json:"output_sequence_length"`
	Config  struct {
		bounded
		PerfAnalyzer struct {
			Stimulus bounded `json:"stimulus"`
		} `json:"perf_analyzer"`
		LoadGen bounded `json:"loadgen"`
	} `json:"input_config"`
}

func readGenAIPerf(raw json.RawMessage) (o calibration.Observation, err error) {
	var r genAIPerf
	if err := json.Unmarshal(raw, &r); err != nil {
		return o, err
	}
	return r.observation()
}

// observation is the run. The requests in service are, by Little's law, their rate times the time that each took.
func (r *genAIPerf) observation() (calibration.Observation, error) {
	o := calibration.Observation{Lengths: latency.Lengths{
		Input: r.Input.Avg, InputCV: relative(r.Input.Std, r.Input.Avg), Output: r.Output.Avg, OutputCV: relative(r.Output.Std, r.Output.Avg),
	}}
	for _, x := range []struct {
		to   *float64
		from *metric
	}{{&o.ITL, &r.ITL}, {&o.Concurrency, &r.Latency}, {&o.TTFT, &r.TTFT}} {
		unit, err := x.from.unit()
		if err != nil {
			return o, err
		}
		*x.to = x.from.Avg * unit
		o.Quantiles = firstTokens(x.from.P90*unit, x.from.P95*unit, x.from.P99*unit) // of TTFT, the last; those of ITL are of requests
	}
	o.Throughput = r.Rate.Avg
	o.Concurrency *= o.Throughput
	if c := &r.Config; c.replacing() || c.PerfAnalyzer.Stimulus.replacing() || c.LoadGen.replacing() {
		o.Arrivals = latency.Replacing
	}
	return observed(o)
}

// isGenAIPerfCSV tells the CSV of genai-perf and aiperf by its header.
func isGenAIPerfCSV(text []byte) bool {
	return bytes.HasPrefix(text, []byte("Metric,avg")) || bytes.HasPrefix(text, []byte("Metric,Value"))
}

// readGenAIPerfCSV reads tables of metrics, each under a header of its own: those with a mean, and those with one value.
func readGenAIPerfCSV(text []byte) (o calibration.Observation, err error) {
	lines := csv.NewReader(bytes.NewReader(text))
	lines.FieldsPerRecord = -1
	var r genAIPerf
	var header []string
	for {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return r.observation()
		}
		if err != nil {
			return o, err
		}
		if cells[0] == "Metric" {
			header = cells
			continue
		}
		if err := r.read(header, cells); err != nil {
			line, _ := lines.FieldPos(0)
			return o, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// read reads a line, such as: Request Latency (ms),"1,234.50",...
func (r *genAIPerf) read(header, cells []string) error {
	name, unit, _ := strings.Cut(cells[0], " (")
	to, known := map[string]*metric{
		"request throughput": &r.Rate, "request latency": &r.Latency, "time to first token": &r.TTFT, "inter token latency": &r.ITL,
		"input sequence length": &r.Input, "output sequence length": &r.Output, "num input token": &r.Input, "num output token": &r.Output,
	}[strings.ToLower(name)]
	if !known {
		return nil
	}
	to.Unit = strings.TrimSuffix(unit, ")")
	for i, cell := range cells[1:min(len(cells), len(header))] {
		var value *float64
		switch header[i+1] {
		case "avg", "Value":
			value = &to.Avg
		case "std":
			value = &to.Std
		case "p90":
			value = &to.P90
		case "p95":
			value = &to.P95
		case "p99":
			value = &to.P99
		}
		if value == nil || cell == "" {
			continue
		}
		number, err := strconv.ParseFloat(strings.ReplaceAll(cell, ",", ""), 64)
		if err != nil {
			return fmt.Errorf("%s: %q is not a number", name, cell)
		}
		*value = number
	}
	return nil
}
