// Package recorded reads public measurements of real servers, for tests. They are not part of the project: tests that need them are
// skipped without them. They are looked for in the folder that the environment variable VARIANT_EXPORTER_TEST_DATA names, and without it
// in shared/data next to the project's folder.
package recorded

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const variable = "VARIANT_EXPORTER_TEST_DATA"

// folder is where the measurements are, if they are there.
func folder(t testing.TB) string {
	t.Helper()
	if named := os.Getenv(variable); named != "" {
		return named
	}
	project, err := os.Getwd()
	require.NoError(t, err)
	for !exists(filepath.Join(project, "licenses_test.go")) && project != filepath.Dir(project) {
		project = filepath.Dir(project)
	}
	return filepath.Join(filepath.Dir(project), "shared", "data")
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// Open opens a file of the measurements, unpacked, and skips the test where it is not there.
func Open(t testing.TB, name string) io.Reader {
	t.Helper()
	from := folder(t)
	f, err := os.Open(filepath.Join(from, name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not in %s: set %s to where the measurements are", name, from, variable)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	if !strings.HasSuffix(name, ".gz") {
		return f
	}
	z, err := gzip.NewReader(f)
	require.NoError(t, err, name)
	return z
}

// Row is a line of a table, by column.
type Row map[string]string

// Number is a cell that is a number.
func (r Row) Number(t testing.TB, column string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(r[column], 64)
	require.NoError(t, err, column)
	return v
}

// Table reads a CSV file.
func Table(t testing.TB, name string) []Row {
	t.Helper()
	lines, err := csv.NewReader(Open(t, name)).ReadAll()
	require.NoError(t, err, name)
	rows := make([]Row, 0, len(lines))
	for _, l := range lines[1:] {
		row := make(Row, len(l))
		for i, cell := range l {
			row[lines[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// Run is a run of real vLLM pods of one model under a staircase of load, scaled by an autoscaler of the time. Times are in seconds.
type Run struct {
	Requests []Request      `json:"requests"`
	Replicas []Replicas     `json:"replicas"`
	Pods     map[string]Pod `json:"pods"`
	Derived  Derived        `json:"derived"`
}

// Request is one request. What was not measured is 0.
type Request struct {
	Arrival   float64 `json:"t_arr"`
	Departure float64 `json:"t_dep"`
	Input     float64 `json:"in_tok"`
	Output    float64 `json:"out_tok"`
	TTFT      float64 `json:"ttft"`
	ITL       float64 `json:"itl_true"` // mean of its tokens, in milliseconds
	Outcome   string  `json:"outcome"`
}

// Replicas are those of the run at a time.
type Replicas struct {
	T       float64 `json:"t"`
	Desired float64 `json:"desired"`
	Ready   float64 `json:"ready"`
}

// Pod is what one pod showed.
type Pod struct {
	Series []Sample `json:"series"`
}

// Sample is what a pod showed at a time.
type Sample struct {
	T       float64 `json:"t"`
	Running float64 `json:"run"`
	Waiting float64 `json:"wait"`
	KV      float64 `json:"kv"` // share of the cache in use
}

// Derived is what the recording says of itself.
type Derived struct {
	Capacity struct {
		KVTokens float64 `json:"kv_tokens"`
	} `json:"capacity"`
	ITL struct { // a line through the times between tokens by requests in service, in milliseconds
		PerRequest float64 `json:"A_ms_per_req"`
		Base       float64 `json:"B_ms"`
	} `json:"itl_fit"`
}

// Staircases are the names of the recorded runs.
func Staircases() []string { return []string{"h100-staircase-a", "h100-staircase-b"} }

// Staircase reads one of the recorded runs.
func Staircase(t testing.TB, name string) *Run {
	t.Helper()
	r := &Run{}
	require.NoError(t, json.NewDecoder(Open(t, "runs/"+name+".json")).Decode(r), name)
	require.NotEmpty(t, r.Requests, name)
	return r
}
