package optimizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// ParseSizing reads a question from JSON as strictly as ParseProblem reads a
// problem. Only max_queue may be left out of a profile, see DefaultMaxQueue.
func ParseSizing(data []byte) (Sizing, error) {
	d := decoder{json.NewDecoder(bytes.NewReader(data))}
	d.UseNumber()
	missing := math.NaN() // which no JSON can say
	q := Sizing{Lengths: Lengths{Input: missing, Output: missing}}
	var batch, queue *int
	q.Profile = Profile{Alpha: missing, Beta: missing, Gamma: missing}
	err := d.object("", fields{
		"profile": func(path string) error {
			return d.object(path, fields{
				"alpha": d.number(&q.Profile.Alpha), "beta": d.number(&q.Profile.Beta), "gamma": d.number(&q.Profile.Gamma),
				"max_batch": d.limit(&batch), "max_queue": d.limit(&queue),
			})
		},
		"input_tokens":  d.number(&q.Lengths.Input),
		"output_tokens": d.number(&q.Lengths.Output),
		"rate": func(path string) error {
			q.Rate = new(float64)
			return d.number(q.Rate)(path)
		},
		"slo": func(path string) error {
			q.SLO = new(SLO)
			return d.object(path, fields{
				"ttft": d.number(&q.SLO.TTFT), "itl": d.number(&q.SLO.ITL), "quantile": d.number(&q.SLO.Quantile),
			})
		},
		"quantile": d.number(&q.Quantile),
	})
	if err != nil {
		return Sizing{}, fmt.Errorf("read sizing: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Sizing{}, errors.New("read sizing: text after the object")
	}
	if err := q.complete(batch, queue); err != nil {
		return Sizing{}, fmt.Errorf("check sizing: %w", err)
	}
	return q, nil
}

// complete refuses what is missing or wrong and fills in the queue.
func (q *Sizing) complete(batch, queue *int) error {
	for _, required := range []struct {
		path  string
		value float64
	}{
		{"profile.alpha", q.Profile.Alpha},
		{"profile.beta", q.Profile.Beta},
		{"profile.gamma", q.Profile.Gamma},
		{"input_tokens", q.Lengths.Input},
		{"output_tokens", q.Lengths.Output},
	} {
		if math.IsNaN(required.value) {
			return &FieldError{required.path, "is missing"}
		}
	}
	if batch == nil {
		return &FieldError{"profile.max_batch", "is missing"}
	}
	q.Profile.MaxBatch = *batch
	if queue != nil {
		q.Profile.MaxQueue = *queue
	} else if *batch <= maxBatch {
		q.Profile.MaxQueue = DefaultMaxQueue(*batch)
	}
	return q.validate()
}
