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
)

// ReadBenchmark reads the results of a benchmark: the JSON that vLLM's or SGLang's serving benchmark, guidellm, genai-perf or
// aiperf write, one object after the other or an array where there are several, the CSV of the last three, guidellm's YAML, or CSV
// as ReadCSV does.
//
// A run that says nothing, such as one in which every request failed, is left out; leftOut says which and why. A file whose
// runs are all left out is a *NoRunError.
func ReadBenchmark(file string, text []byte) (observations []calibration.Observation, leftOut []string, err error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	start := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(start) > 0 && (start[0] == '{' || start[0] == '['):
	case isGenAIPerfCSV(start):
		return usable(file, func(add adder) error {
			o, err := readGenAIPerfCSV(start)
			return add("", o, err)
		})
	case isGuidellmCSV(start):
		return usable(file, func(add adder) error { return readGuidellmCSV(start, add) })
	case guidellmKey.Match(start):
		return usable(file, func(add adder) error { return readGuidellmYAML(start, add) })
	default:
		observations, err = ReadCSV(file, bytes.NewReader(text))
		return observations, nil, err
	}
	return usable(file, func(add adder) error {
		results, err := splitResults(text)
		if err != nil {
			return fmt.Errorf("%s: read result %d: %w", file, len(results)+1, err)
		}
		for i, raw := range results {
			if err := readExport(raw, func(place string, o calibration.Observation, err error) error {
				return add(fmt.Sprintf("result %d: %s", i+1, place), o, err)
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// adder takes a run of a place in the file, or what is wrong there.
type adder func(place string, o calibration.Observation, err error) error

// errNoRun is for an empty list of results.
var errNoRun = errors.New("holds no run")

// NoRunError is for a file whose runs were all left out.
type NoRunError struct{ LeftOut []string }

func (e *NoRunError) Error() string { return strings.Join(e.LeftOut, "\n") }

// unusable says why a run is left out.
type unusable string

func (u unusable) Error() string { return string(u) }

// usable collects the runs that a reader adds, and those that are left out.
func usable(file string, read func(add adder) error) (kept []calibration.Observation, leftOut []string, err error) {
	err = read(func(place string, o calibration.Observation, err error) error {
		if _, ok := errors.AsType[unusable](err); ok {
			leftOut = append(leftOut, fmt.Sprintf("%s: %s%v", file, place, err))
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %s%w", file, place, err)
		}
		kept = append(kept, o)
		return nil
	})
	if err == nil && len(kept) == 0 {
		err = fmt.Errorf("%s: %w", file, errNoRun)
		if len(leftOut) > 0 {
			err = &NoRunError{leftOut}
		}
	}
	return kept, leftOut, err
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

// JSON that is of no tool that is known, or of one of its files that holds something else.
var (
	errUnknownExport = errors.New("not the JSON of a tool that is known: the serving benchmarks of vLLM and SGLang have mean_itl_ms, guidellm has benchmarks, genai-perf and aiperf have request_latency")
	errRawExport     = errors.New("these are the single responses: give the summary next to it, profile_export_genai_perf.json or profile_export_aiperf.json")
)

// readExport reads the results of whichever tool they are of.
func readExport(raw json.RawMessage, add adder) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return add("", calibration.Observation{}, err)
	}
	has := func(key string) bool { return keys[key] != nil }
	var o calibration.Observation
	err := errUnknownExport
	switch {
	case has("benchmarks"):
		return readGuidellm(raw, add)
	case has("mean_itl_ms"), has("mean_tpot_ms"), has("completed") && has("total_output_tokens"):
		o, err = readVLLM(raw)
	case has("records"):
		return readExport(keys["records"], add) // aiperf's first versions
	case has("inter_token_latency"), has("request_latency"):
		o, err = readGenAIPerf(raw)
	case has("experiments"), has("metadata") && has("metrics"):
		err = errRawExport
	}
	return add("", o, err)
}

const millisecond = 1e-3

// observed checks what was read of one run.
func observed(o calibration.Observation) (calibration.Observation, error) {
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
		return o, unusable(fmt.Sprintf("no %s: was the run long enough, and did it stream?", strings.Join(missing, ", ")))
	}
	o.Lengths.Output = max(1, o.Lengths.Output)
	if o.Lengths.Output == 1 {
		o.Lengths.OutputCV = 0
	}
	if o.Lengths.Input == 0 {
		o.Lengths.InputCV = 0
	}
	return o, nil
}
