package calibrate

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
)

// guidellmColumns are the columns of guidellm's CSV by what they hold: up to 0.3 under one line of names, from 0.4 on under three.
func guidellmColumns() map[string]func(r *guidellmRun, cell string) error {
	return map[string]func(r *guidellmRun, cell string) error{
		"successful request concurrency mean":                    meanOf(func(r *guidellmRun) *stat { return &r.Metrics.Concurrency }),
		"server throughput | successful concurrency | mean":      meanOf(func(r *guidellmRun) *stat { return &r.Metrics.Concurrency }),
		"successful requests per second mean":                    meanOf(func(r *guidellmRun) *stat { return &r.Metrics.Rate }),
		"server throughput | successful requests/sec | mean":     meanOf(func(r *guidellmRun) *stat { return &r.Metrics.Rate }),
		"successful prompt token count mean":                     meanOf(func(r *guidellmRun) *stat { return &r.Metrics.Input }),
		"successful prompt token count std dev":                  deviationOf(func(r *guidellmRun) *stat { return &r.Metrics.Input }),
		"token metrics | successful input tokens | mean":         meanOf(func(r *guidellmRun) *stat { return &r.Metrics.Input }),
		"token metrics | successful input tokens | std dev":      deviationOf(func(r *guidellmRun) *stat { return &r.Metrics.Input }),
		"successful output token count mean":                     meanOf(func(r *guidellmRun) *stat { return &r.Metrics.Output }),
		"successful output token count std dev":                  deviationOf(func(r *guidellmRun) *stat { return &r.Metrics.Output }),
		"token metrics | successful output tokens | mean":        meanOf(func(r *guidellmRun) *stat { return &r.Metrics.Output }),
		"token metrics | successful output tokens | std dev":     deviationOf(func(r *guidellmRun) *stat { return &r.Metrics.Output }),
		"successful time to first token ms mean":                 meanOf(func(r *guidellmRun) *stat { return &r.Metrics.TTFT }),
		"successful time to first token ms " + guidellmQuantiles: quantilesOf,
		"time to first token | successful ms | mean":             meanOf(func(r *guidellmRun) *stat { return &r.Metrics.TTFT }),
		"time to first token | successful ms | percentiles":      quantilesOf,
		"successful inter token latency ms mean":                 meanOf(func(r *guidellmRun) *stat { return &r.Metrics.ITL }),
		"inter token latency | successful ms | mean":             meanOf(func(r *guidellmRun) *stat { return &r.Metrics.ITL }),
		"name":                 sentAs,
		"benchmark | strategy": sentAs,
	}
}

// guidellmQuantiles is how the older layout names the quantiles of a metric, and what the newer one holds too.
const guidellmQuantiles = "[min, 0.1, 1, 5, 10, 25, 75, 90, 95, 99, max]"

func meanOf(of func(*guidellmRun) *stat) func(*guidellmRun, string) error {
	return func(r *guidellmRun, cell string) error { return parseNumber(cell, &of(r).Successful.Mean) }
}

func deviationOf(of func(*guidellmRun) *stat) func(*guidellmRun, string) error {
	return func(r *guidellmRun, cell string) error { return parseNumber(cell, &of(r).Successful.Std) }
}

// quantilesOf reads those of the time to the first token.
func quantilesOf(r *guidellmRun, cell string) error {
	const of90, of95, of99, all = 7, 8, 9, 11
	parts := strings.Split(strings.Trim(cell, "[]"), ",")
	if len(parts) != all {
		return fmt.Errorf("%q is not %s", cell, guidellmQuantiles)
	}
	p := &r.Metrics.TTFT.Successful.Percentiles
	return errors.Join(parseNumber(parts[of90], &p.P90), parseNumber(parts[of95], &p.P95), parseNumber(parts[of99], &p.P99))
}

// sentAs reads the strategy, such as concurrent or concurrent@8.
func sentAs(r *guidellmRun, cell string) error {
	r.Config.Strategy.Type, _, _ = strings.Cut(cell, "@")
	return nil
}

func parseNumber(cell string, to *float64) (err error) {
	if cell = strings.TrimSpace(cell); cell == "" {
		return nil
	}
	if *to, err = strconv.ParseFloat(cell, 64); err != nil {
		return fmt.Errorf("%q is not a number", cell)
	}
	return nil
}

// isGuidellmCSV tells guidellm's CSV by its first line.
func isGuidellmCSV(text []byte) bool {
	return bytes.HasPrefix(text, []byte("Run Info,")) || bytes.HasPrefix(text, []byte("Type,Run Id,"))
}

// readGuidellmCSV reads guidellm's CSV, a line for each load.
func readGuidellmCSV(text []byte, add adder) error {
	lines := csv.NewReader(bytes.NewReader(text))
	lines.FieldsPerRecord = -1
	names, err := guidellmNames(lines)
	if err != nil {
		return add("", calibration.Observation{}, err)
	}
	columns := guidellmColumns()
	for {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var o calibration.Observation
		place := ""
		if err == nil {
			line, _ := lines.FieldPos(0)
			place = fmt.Sprintf("line %d: ", line)
			o, err = guidellmLine(columns, names, cells)
		}
		if err := add(place, o, err); err != nil {
			return err
		}
	}
}

// guidellmNames are the names of the columns, in lower case.
func guidellmNames(lines *csv.Reader) (names []string, err error) {
	const groups = 3 // lines of names in the newer layout
	for i := range groups {
		cells, err := lines.Read()
		if err != nil {
			return nil, fmt.Errorf("read guidellm's names of columns: %w", err)
		}
		if i == 0 {
			names = make([]string, len(cells))
		}
		if len(cells) != len(names) {
			return nil, errors.New("guidellm's lines of names of columns are not equally long")
		}
		for j, cell := range cells {
			if i > 0 && cell != "" {
				names[j] += " | "
			}
			names[j] += strings.ToLower(cell)
		}
		if names[0] != "run info" && i == 0 {
			break // one line of names
		}
	}
	return names, nil
}

// guidellmLine is the run of a line. guidellm leaves out what is zero in a run, and names the columns of the first run only, so that
// a line can be shifted against the names: that is seen by its length, and by lists that are not where they should be.
func guidellmLine(columns map[string]func(*guidellmRun, string) error, names, cells []string) (o calibration.Observation, err error) {
	const shifted = unusable("the columns are not those that the file's first lines name, because guidellm names those of its first benchmark only: give its JSON or YAML")
	if len(cells) != len(names) {
		return o, shifted
	}
	var r guidellmRun
	for i, name := range names {
		isList := strings.HasPrefix(cells[i], "[")
		if strings.HasSuffix(name, "| percentiles") != isList && strings.Contains(name, "successful ") && strings.Contains(name, " | ") {
			return o, shifted
		}
		if read := columns[name]; read != nil {
			if err := read(&r, cells[i]); err != nil {
				return o, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return r.observation()
}
