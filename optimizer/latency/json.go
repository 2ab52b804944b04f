package latency

import (
	"fmt"
	"math"

	"github.com/variant-exporter/variant-exporter/optimizer/internal/strictjson"
)

// Times that no server takes, in seconds.
const (
	slowestIteration = 3    // without its tokens
	slowestTarget    = 10   // that anybody sets for a token
	slowestToken     = 1e-3 // if it is more than an iteration takes without its tokens
)

// ParseSizing reads a question from JSON. Times are in seconds, or texts with a
// unit, such as "8ms". It refuses unknown fields, duplicate
// keys, numbers out of range and text after the object. Only max_queue may be
// left out of a profile, see DefaultMaxQueue. A profile and an SLO may say
// correct, as in a configuration; it has nothing to correct here.
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
					"max_batch_tokens": d.WholeOrNull(&tokens), "kv_tokens": d.Number(&p.KVTokens), "correct": d.Bool(new(bool)),
					"chunk": func(path string) error {
						chunk = true
						c := &p.Chunk
						return d.Object(path, strictjson.Fields{"alpha": d.Seconds(&c.Alpha), "beta": d.Seconds(&c.Beta), "gamma": d.Seconds(&c.Gamma), "attention": d.Seconds(&c.Attention), "longest": d.Seconds(&c.Longest)})
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
					"correct": d.Bool(new(bool)),
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
	return q.inSeconds()
}

// inSeconds refuses times that look like milliseconds without a unit.
func (q *Sizing) inSeconds() error {
	p := &q.Profile
	token := fmt.Sprintf("for a token, where an iteration has %g s besides", p.Alpha)
	perToken := max(slowestToken, p.Alpha, p.Chunk.Alpha)
	target := 0.0
	if q.SLO != nil {
		target = q.SLO.ITL
	}
	for _, x := range []struct {
		path       string
		time, most float64
		what       string
	}{
		{"profile.alpha", p.Alpha, slowestIteration, "for an iteration"},
		{"profile.chunk.alpha", p.Chunk.Alpha, slowestIteration, "for an iteration"},
		{"profile.beta", p.Beta, perToken, token},
		{"profile.gamma", p.Gamma, perToken, token},
		{"profile.chunk.beta", p.Chunk.Beta, perToken, token},
		{"profile.chunk.gamma", p.Chunk.Gamma, perToken, token},
		{"slo.itl", target, slowestTarget, "between tokens"},
	} {
		if x.time > x.most {
			return &FieldError{Path: x.path, Reason: fmt.Sprintf(
				"%g s %s: times are in seconds, and this looks like milliseconds (%g s)", x.time, x.what, x.time/1000)}
		}
	}
	return nil
}

// length reads the mean of lengths, or an object of their mean and their
// coefficient of variation.
func length(d strictjson.Decoder, mean, cv *float64) strictjson.Read {
	return d.NumberOr(mean, strictjson.Fields{"mean": d.Number(mean), "cv": d.Number(cv)})
}
