package match

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// Input is one query or history of a configuration and what became of it.
type Input struct {
	Name     string         `json:"name"` // what it is for, such as vllm.concurrency.demand
	Query    string         `json:"query"`
	Series   *int           `json:"series"`  // in the answer; null where there is none
	Matched  *int           `json:"matched"` // that belong to a configured model, variant, budget or scale target
	Lowest   *float64       `json:"lowest"`  // of the values in the answer, or at the newest step of a history; null for none
	Highest  *float64       `json:"highest"`
	Stray    string         `json:"stray"`            // one that belongs to none, as an example
	Age      *float64       `json:"age_seconds"`      // of the newest sample that the answer rests on
	Duration float64        `json:"duration_seconds"` // from asking to answer
	Failure  promapi.Reason `json:"failure"`          // why there is no usable answer, of the closed list
	Error    string         `json:"error"`            // the same in full
	Bad      map[string]int `json:"bad_samples"`      // series that could not be used, by why
	Example  string         `json:"bad_example"`      // one of them

	Sparse bool  `json:"-"` // an empty answer is a good answer
	Err    error `json:"-"` // behind Failure and Error
}

// Fail says that the input has no usable answer.
func (i *Input) Fail(err error) {
	i.Lowest, i.Highest = nil, nil
	i.Series, i.Matched, i.Err, i.Failure, i.Error = nil, nil, err, promapi.ReasonOf(err), err.Error()
}

// span is the lowest and the highest of some values.
type span struct {
	lowest, highest float64
	known           bool
}

func (x *span) add(value float64) {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0) || value == unusable:
	case !x.known:
		x.lowest, x.highest, x.known = value, value, true
	default:
		x.lowest, x.highest = min(x.lowest, value), max(x.highest, value)
	}
}

func (x *span) tell(i *Input) {
	if x.known {
		i.Lowest, i.Highest = &x.lowest, &x.highest
	}
}

// Trouble says what is wrong with an input; empty when nothing is.
func (i *Input) Trouble() string {
	if i.Error != "" {
		return i.Error
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(i.Bad)) {
		parts = append(parts, fmt.Sprintf("%d unusable (%s)", i.Bad[reason], reason))
	}
	if len(parts) > 0 {
		return strings.Join(parts, ", ") + ", for example " + i.Example
	}
	if i.Matched != nil && *i.Matched == 0 && i.Stray != "" {
		return "no labels fit, for example " + i.Stray
	}
	return ""
}

// failed says why an input has no answer.
func (i *Input) failed() Missing { return Missing{Input: i.Name, Why: string(i.Failure)} }

// tally counts what became of the series of one answer, however often it is read.
type tally struct {
	matched []bool
	bad     []string
	strays  bool // a series that belongs to nothing is worth a word
}

func newTally(series int) *tally {
	return &tally{matched: make([]bool, series), bad: make([]string, series)}
}

// finish writes the tally into its input.
func (t *tally) finish(input *Input, samples iter.Seq2[int, *model.Sample]) {
	matched := 0
	for i, s := range samples {
		if t.matched[i] {
			matched++
		} else if t.strays && input.Stray == "" {
			input.Stray = s.Metric.String()
		}
		if t.bad[i] == "" {
			continue
		}
		input.Bad[t.bad[i]]++
		if metric := s.Metric.String(); input.Example == "" || metric < input.Example {
			input.Example = metric // the first by name: the order of an answer is not fixed
		}
	}
	input.Matched = &matched
}
