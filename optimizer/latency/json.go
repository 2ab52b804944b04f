package latency

import (
	"fmt"
	"math"

	"github.com/variant-exporter/variant-exporter/optimizer/internal/strictjson"
)

// slowestIteration is more than the fixed time of any server's iteration, in
// seconds.
const slowestIteration = 3

// ParseSizing reads a question from JSON. Times are in seconds, or texts with a
// unit, such as "8ms". It refuses unknown fields, duplicate
// keys, numbers out of range and text after the object. Only max_queue may be
// left out of a profile, see DefaultMaxQueue.
func ParseSizing(data []byte) (Sizing, error) {
	missing := math.NaN() // which JSON cannot express
	q := Sizing{
		Profile: Profile{Alpha: missing, Beta: missing, Gamma: missing},
		Lengths: Lengths{Input: missing, Output: missing},
	}
	var batch, queue, tokens *int
	chunk := false
	err := strictjson.Decode(data, func(d strictjson.Decoder) strictjson.Fields {
		return strictjson.Fields{
			"profile": func(path string) error {
				p := &q.Profile
				return d.Object(path, strictjson.Fields{
					"alpha": d.Seconds(&p.Alpha), "beta": d.Seconds(&p.Beta), "gamma": d.Seconds(&p.Gamma),
					"max_batch": d.WholeOrNull(&batch), "max_queue": d.WholeOrNull(&queue),
					"max_batch_tokens": d.WholeOrNull(&tokens), "kv_tokens": d.Number(&p.KVTokens),
					"chunk": func(path string) error {
						chunk = true
						c := &p.Chunk
						return d.Object(path, strictjson.Fields{"alpha": d.Seconds(&c.Alpha), "beta": d.Seconds(&c.Beta), "gamma": d.Seconds(&c.Gamma), "attention": d.Seconds(&c.Attention)})
					},
				})
			},
			"input_tokens":  length(d, &q.Lengths.Input, &q.Lengths.InputCV),
			"output_tokens": length(d, &q.Lengths.Output, &q.Lengths.OutputCV),
			"rate": func(path string) error {
				q.Rate = new(float64)
				return d.Number(q.Rate)(path)
			},
			"slo": func(path string) error {
				q.SLO = new(SLO)
				return d.Object(path, strictjson.Fields{
					"ttft": d.Seconds(&q.SLO.TTFT), "itl": d.Seconds(&q.SLO.ITL), "quantile": d.Number(&q.SLO.Quantile),
				})
			},
			"quantile": d.Number(&q.Quantile),
		}
	})
	if err != nil {
		return Sizing{}, fmt.Errorf("read sizing: %w", err)
	}
	if err := q.complete(batch, queue, tokens, chunk); err != nil {
		return Sizing{}, fmt.Errorf("check sizing: %w", err)
	}
	return q, nil
}

// complete refuses what is missing or wrong and fills in the queue.
func (q *Sizing) complete(batch, queue, tokens *int, chunk bool) error {
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
			return &FieldError{Path: required.path, Reason: "is missing"}
		}
	}
	if batch == nil {
		return &FieldError{Path: "profile.max_batch", Reason: "is missing"}
	}
	q.Profile.MaxBatch = *batch
	if tokens != nil {
		q.Profile.MaxBatchTokens = *tokens
		if *tokens <= 0 {
			return &FieldError{Path: "profile.max_batch_tokens", Reason: fmt.Sprintf("%d is not positive", *tokens)}
		}
	}
	if c := q.Profile.Chunk; chunk && c.Alpha == 0 && c.Beta == 0 && c.Gamma == 0 {
		return &FieldError{Path: "profile.chunk", Reason: "has no alpha, beta or gamma: with all of them 0 a chunk would take no time"}
	}
	if queue != nil {
		q.Profile.MaxQueue = *queue
	} else if *batch <= maxBatch {
		q.Profile.MaxQueue = DefaultMaxQueue(*batch)
	}
	if err := q.validate(); err != nil {
		return err
	}
	if q.Profile.Alpha > slowestIteration {
		return &FieldError{Path: "profile.alpha", Reason: fmt.Sprintf(
			"%g s for an iteration: times are in seconds, and this looks like milliseconds (%g s)", q.Profile.Alpha, q.Profile.Alpha/1000)}
	}
	return nil
}

// length reads the mean of lengths, or an object of their mean and their
// coefficient of variation.
func length(d strictjson.Decoder, mean, cv *float64) strictjson.Read {
	return d.NumberOr(mean, strictjson.Fields{"mean": d.Number(mean), "cv": d.Number(cv)})
}
