package calibrate

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// The columns of a benchmark's results, in seconds and tokens.
const (
	columnConcurrency = "concurrency"
	columnInput       = "input_tokens"
	columnOutput      = "output_tokens"
	columnTTFT        = "ttft"
	columnITL         = "itl"
)

// CSVError is a mistake in a benchmark's results, with its place.
type CSVError struct {
	File         string
	Line, Column int // from 1; the column is in bytes
	Reason       string
}

func (e *CSVError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Reason)
}

// ReadCSV reads the results of a benchmark: a header with concurrency, input_tokens, output_tokens, itl and, if it was measured,
// ttft, in any order, and one line per run or span of steady load. itl or ttft may be empty in a line, not both. Mistakes are
// *CSVError.
func ReadCSV(file string, from io.Reader) ([]calibration.Observation, error) {
	text := bufio.NewReader(from)
	if start, _ := text.Peek(2); bytes.Equal(start, []byte{0xff, 0xfe}) || bytes.Equal(start, []byte{0xfe, 0xff}) {
		return nil, &CSVError{file, 1, 1, "the text is UTF-16: save it as CSV in UTF-8"}
	}
	r := &csvReader{Reader: csv.NewReader(text), file: file}
	r.Comma = separator(text)
	r.TrimLeadingSpace = r.Comma != '\t' // which would be trimmed with an empty cell
	header, err := r.header()
	if err != nil {
		return nil, err
	}
	var observations []calibration.Observation
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return observations, nil
		}
		if err != nil {
			return nil, r.syntax(err)
		}
		o, err := r.observation(header, cells)
		if err != nil {
			return nil, err
		}
		observations = append(observations, o)
	}
}

// separator is what stands between the names of the columns: a comma, or what spreadsheets write instead.
func separator(text *bufio.Reader) rune {
	start, _ := text.Peek(text.Size()) // less where there is less, and an error is met again
	header, _, _ := bytes.Cut(start, []byte("\n"))
	for _, other := range []rune{';', '\t'} {
		if bytes.ContainsRune(header, other) && !bytes.ContainsRune(header, ',') {
			return other
		}
	}
	return ','
}

type csvReader struct {
	*csv.Reader
	file string
}

// header reads the names of the columns.
func (r *csvReader) header() ([]string, error) {
	cells, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, &CSVError{r.file, 1, 1, "no header: want " + strings.Join(columnNames(), ",")}
	}
	if err != nil {
		return nil, r.syntax(err)
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
		if i == 0 {
			cells[i] = strings.TrimPrefix(cells[i], "\ufeff") // as spreadsheets write
		}
		_, notANumber := strconv.ParseFloat(cells[i], 64)
		switch {
		case notANumber == nil:
			return nil, r.errorAt(i, "%s is no name of a column: the first line must be a header, such as %s", cells[i], strings.Join(columnNames(), ","))
		case !slices.Contains(columnNames(), cells[i]):
			return nil, r.errorAt(i, "no column is named %q: there are %s, in seconds and tokens", cells[i], strings.Join(columnNames(), ", "))
		case slices.Contains(cells[:i], cells[i]):
			return nil, r.errorAt(i, "a second column %s", cells[i])
		}
	}
	for _, name := range []string{columnConcurrency, columnInput, columnOutput, columnITL} {
		if !slices.Contains(cells, name) {
			return nil, r.errorAt(0, "no column %s", name)
		}
	}
	return cells, nil
}

func columnNames() []string {
	return []string{columnConcurrency, columnInput, columnOutput, columnTTFT, columnITL}
}

// observation reads a line.
func (r *csvReader) observation(header, cells []string) (calibration.Observation, error) {
	o := calibration.Observation{Arrivals: latency.Replacing}
	for i, cell := range cells {
		value, err := r.number(i, header[i], strings.TrimSpace(cell))
		if err != nil {
			return o, err
		}
		switch header[i] {
		case columnConcurrency:
			o.Concurrency = value
		case columnInput:
			o.Lengths.Input = value
		case columnOutput:
			o.Lengths.Output = value
		case columnTTFT:
			o.TTFT = value
		case columnITL:
			o.ITL = value
		}
	}
	if o.ITL == 0 && o.TTFT == 0 {
		return o, r.errorAt(slices.Index(header, columnITL), "neither itl nor ttft")
	}
	return o, nil
}

// number reads a cell. A latency may be left empty, and is then 0.
func (r *csvReader) number(field int, column, cell string) (float64, error) {
	if cell == "" && (column == columnTTFT || column == columnITL) {
		return 0, nil
	}
	value, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, r.errorAt(field, "%s: %q is not a number", column, cell)
	}
	if least := leastOf(column); value < least || value > mostInCSV {
		return 0, r.errorAt(field, "%s: %s is not within %g and %g", column, cell, least, float64(mostInCSV))
	}
	return value, nil
}

// mostInCSV bounds tokens and seconds.
const mostInCSV = 1e6

// leastOf is the least value that a column may have.
func leastOf(column string) float64 {
	switch column {
	case columnTTFT, columnITL:
		return 1e-6 // seconds
	case columnConcurrency:
		return 1e-3
	case columnOutput:
		return 1
	}
	return 0
}

func (r *csvReader) errorAt(field int, format string, args ...any) error {
	line, column := r.FieldPos(field)
	return &CSVError{r.file, line, column, fmt.Sprintf(format, args...)}
}

// syntax gives an error of the format its place.
func (r *csvReader) syntax(err error) error {
	parse, ok := errors.AsType[*csv.ParseError](err)
	if !ok {
		return fmt.Errorf("read %s: %w", r.file, err)
	}
	if errors.Is(err, csv.ErrFieldCount) {
		return &CSVError{r.file, parse.Line, parse.Column, "not as many cells as the header has columns"}
	}
	return &CSVError{r.file, parse.Line, parse.Column, parse.Err.Error()}
}
