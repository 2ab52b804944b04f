package config

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// SLO has the latency targets of a model.
type SLO struct {
	TTFT     Seconds  `yaml:"ttft" doc:"Target for the time to the first token, such as 500ms."`
	ITL      Seconds  `yaml:"itl" doc:"Target for the time between output tokens, such as 40ms."`
	Quantile *float64 `yaml:"quantile" minimum:"0" maximum:"1" doc:"Share of requests, and of output tokens, that must meet the targets, such as 0.95. Default: the means must meet them."`
	Correct  *bool    `yaml:"correct" doc:"Lowers a capacity, by at most a third, where replicas missed a target at less load than it in several looks of the last day: where quantile is set and the signal has observed_load and buckets, or else where a rate has queued and a queue stood. Default: true."`
}

// Profile is the speed of a replica: the coefficients of a queueing model of its server. See docs/latency.md.
type Profile struct {
	Alpha    Seconds `yaml:"alpha" required:"true" doc:"Fixed time of an iteration, such as 12ms."`
	Beta     Seconds `yaml:"beta" required:"true" doc:"Compute time per token, such as 0.03ms."`
	Gamma    Seconds `yaml:"gamma" required:"true" doc:"Time to read one cached token, such as 0.0005ms."`
	MaxBatch int     `yaml:"max_batch" required:"true" minimum:"1" maximum:"65536" doc:"Maximum of requests in service at once (vLLM: max-num-seqs)."`
	Correct  *bool   `yaml:"correct" doc:"Corrects the profile by the measured time between output tokens at the measured load, by at most 10 % faster or 50 % slower. Default: true where a signal has observed_itl."`
	MaxQueue *int    `yaml:"max_queue" minimum:"0" maximum:"1000000" doc:"Maximum of waiting requests. Default: ten times max_batch."`

	MaxBatchTokens int    `yaml:"max_batch_tokens" minimum:"1" maximum:"1000000000" doc:"Maximum of tokens in an iteration (vLLM: max-num-batched-tokens), at least max_batch. Default: no bound."`
	KVTokens       int    `yaml:"kv_tokens" minimum:"1" maximum:"1000000000000" doc:"Size of the KV cache in tokens (vLLM logs it at its start; num_gpu_blocks x block_size of vllm:cache_config_info): no more requests are in service than fit into it. Default: no bound."`
	Chunk          *Chunk `yaml:"chunk" doc:"Coefficients of an iteration that carries a chunk of a prompt. Default: those of all iterations."`
}

// Corrected reports whether the profile is held to what replicas show.
func (p *Profile) Corrected() bool { return p.Correct != nil && *p.Correct }

// Held reports whether capacities are held against the quantiles of latency that replicas show.
func (s *SLO) Held() bool { return s != nil && s.Quantile != nil && s.Correctable() }

// Correctable reports whether capacities may be corrected by what replicas show.
func (s *SLO) Correctable() bool { return s == nil || s.Correct == nil || *s.Correct }

// Corrected reports whether capacities of the model follow what its replicas show of their latency.
func (m *Model) Corrected() bool {
	for _, s := range m.active {
		if m.SLO.Held() && !s.ObservedLoad.IsZero() {
			return true
		}
	}
	return slices.ContainsFunc(m.Variants, func(x Variant) bool { return x.Profile != nil && x.Profile.Corrected() })
}

// Chunk is the speed of a replica in iterations that carry a chunk of a prompt.
type Chunk struct {
	Alpha Seconds `yaml:"alpha" required:"true" doc:"Fixed time of such an iteration."`
	Beta  Seconds `yaml:"beta" required:"true" doc:"Compute time per token."`
	Gamma Seconds `yaml:"gamma" required:"true" doc:"Time to read one cached token."`

	Attention Seconds `yaml:"attention" doc:"Time in which one token of a prompt attends to one token before it, such as 0.000002ms. Default: 0s."`
	Longest   Seconds `yaml:"longest" doc:"Time for each token of the longest context in the batch, which few cores attend to, such as 0.0008ms. Default: 0s."`
}

// Seconds is a span of time with a fraction, such as 0.03ms, in seconds.
type Seconds float64

const secondsPattern = `^([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s)$`

var secondsNotation = regexp.MustCompile(secondsPattern)

// DecodeYAML implements strict.Unmarshaler.
func (v *Seconds) DecodeYAML(d *strict.Decoder, path string, n *yaml.Node) {
	var text string
	if !d.Scalar(path, n, &text, "a time") {
		return
	}
	m := secondsNotation.FindStringSubmatch(text)
	if m == nil {
		d.Errorf(path, n, "%q is not a time", text).Hint("write it like 12ms, 0.03ms or 1.5s")
		return
	}
	number, err := strconv.ParseFloat(m[1], 64)
	if err != nil || math.IsInf(number, 0) {
		d.Errorf(path, n, "%q is not a time", text).Hint("write it like 12ms, 0.03ms or 1.5s")
		return
	}
	unit := map[string]time.Duration{
		"ns": time.Nanosecond, "us": time.Microsecond, "µs": time.Microsecond, "ms": time.Millisecond, "s": time.Second,
	}[m[2]]
	*v = Seconds(number * unit.Seconds())
}

// JSONSchema implements strict.Schemer.
func (Seconds) JSONSchema(*strict.SchemaBuilder) map[string]any {
	return map[string]any{"type": "string", "pattern": secondsPattern}
}

// latencyForm checks a signal that is planned by the queueing model.
func (v *validator) latencyForm(path string, s Signal) {
	for _, key := range []string{"input_tokens", "output_tokens"} {
		if !v.Means(strict.Join(path, key)) {
			v.Errorf(path, v.Key(path), "latency needs %s", key).Hint("set it to PromQL for the mean tokens of a request, per model")
		}
	}
	if v.Means(strict.Join(path, "observed_itl")) != v.Means(strict.Join(path, "observed_running")) {
		v.Errorf(path, v.Key(path), "observed_itl and observed_running are needed together").Hint("set both: the time between tokens says nothing without the load at that time")
	}
	if s.Capacity.Set {
		v.Errorf(strict.Join(path, "capacity"), v.Key(strict.Join(path, "capacity")), "capacity cannot be used with latency").
			Hint("the capacity follows from profile and slo; a variant may still set its own")
	}
}

// slo checks a model's targets, and compares them with the best case of each variant: one request of one token.
func (v *validator) slo(path string, m *Model) {
	if m.SLO == nil {
		return
	}
	at := strict.Join(path, "slo")
	if !v.Means(strict.Join(at, "ttft")) && !v.Means(strict.Join(at, "itl")) {
		v.Errorf(at, nil, "no target: set ttft or itl").Hint("set at least one of them")
	}
	if q := m.SLO.Quantile; q != nil && (*q <= 0 || *q >= 1) {
		v.Errorf(strict.Join(at, "quantile"), nil, "quantile %v is not between 0 and 1", *q).Hint("use a number such as 0.95, or remove it to plan by means")
	}
	for i := range m.Variants {
		p := m.Variants[i].Profile
		if p == nil {
			continue
		}
		least := p.Alpha + p.Beta
		for key, target := range map[string]Seconds{"ttft": m.SLO.TTFT, "itl": m.SLO.ITL} {
			if target > 0 && target < least {
				v.Errorf(strict.Join(at, key), nil, "target %v s is out of reach of %s: one iteration of an idle replica takes alpha + beta = %v + %v = %v s",
					float64(target), m.Variants[i].Name, float64(p.Alpha), float64(p.Beta), float64(least)).
					Hint("raise the target, or correct the profile")
			}
		}
	}
}

// correct checks that a profile that is to be corrected can be, and corrects one of which nothing is said where it can be.
func (v *validator) correct(path string, m *Model, x *Variant) {
	if x.Profile == nil {
		return
	}
	seen := false
	for _, s := range m.active {
		seen = seen || !s.Latency.IsZero() && !s.ObservedITL.IsZero()
		if x.Profile.Corrected() && !s.Latency.IsZero() && s.ObservedITL.IsZero() {
			v.Errorf(strict.Join(path, "profile.correct"), nil, "correct needs observed_itl and observed_running of signal %s", s.Name).
				Hint("set them, or remove correct")
		}
	}
	if x.Profile.Correct == nil {
		x.Profile.Correct = &seen
	}
}

// observed checks what capacities are held against.
func (v *validator) observed(path string) {
	buckets := v.Means(strict.Join(path, "observed_ttft_buckets")) || v.Means(strict.Join(path, "observed_itl_buckets"))
	if load := v.Means(strict.Join(path, "observed_load")); load != buckets {
		v.Errorf(path, v.Key(path), "observed_load and buckets are needed together").
			Hint("set observed_load, and observed_ttft_buckets or observed_itl_buckets: latency says nothing without the load at that time")
	}
}

// slowestIteration is more than the fixed time of any server's iteration, in seconds.
const slowestIteration = 3

// iteration checks the fixed time of an iteration.
func (v *validator) iteration(at string, p *Profile) {
	switch {
	case p == nil || !v.Has(at):
	case p.Alpha == 0:
		v.Errorf(at, nil, "an iteration cannot take 0 s").Hint("set the measured time, such as 12ms")
	case p.Alpha > slowestIteration:
		v.Errorf(at, nil, "no iteration takes %v s", float64(p.Alpha)).Hint("was %vms meant?", float64(p.Alpha))
	}
}

// profile checks a variant's coefficients.
func (v *validator) profile(path string, m *Model, x *Variant) {
	v.correct(path, m, x)
	if p := x.Profile; p != nil && p.MaxBatchTokens > 0 && p.MaxBatchTokens < p.MaxBatch {
		v.Errorf(strict.Join(path, "profile.max_batch_tokens"), nil, "%d is less than max_batch %d: one token of each request that decodes would not fit in an iteration",
			p.MaxBatchTokens, p.MaxBatch).Hint("use the server's own limits, such as vLLM's max-num-batched-tokens and max-num-seqs")
	}
	if p := x.Profile; p != nil && p.Chunk != nil && p.Chunk.Alpha == 0 && p.Chunk.Beta == 0 && p.Chunk.Gamma == 0 {
		v.Errorf(strict.Join(path, "profile.chunk"), nil, "with alpha, beta and gamma 0 a chunk of a prompt would take no time").Hint("remove chunk, or set what calibrate printed")
	}
	v.iteration(strict.Join(path, "profile.alpha"), x.Profile)
	v.perToken(strict.Join(path, "profile"), x.Profile)
}

// slowestToken is the least time in seconds that a token cannot take, unless an iteration takes longer without it.
const slowestToken = Seconds(1e-3)

// perToken refuses tokens that take longer than all else of an iteration.
func (v *validator) perToken(path string, p *Profile) {
	if p == nil {
		return
	}
	c := Chunk{}
	if p.Chunk != nil {
		c = *p.Chunk
	}
	most := max(slowestToken, p.Alpha, c.Alpha)
	for _, x := range []struct {
		key  string
		time Seconds
	}{{"beta", p.Beta}, {"gamma", p.Gamma}, {"chunk.beta", c.Beta}, {"chunk.gamma", c.Gamma}, {"chunk.attention", c.Attention}, {"chunk.longest", c.Longest}} {
		if x.time > most {
			v.Errorf(strict.Join(path, x.key), nil, "no token takes %v s, where an iteration has %v s besides", float64(x.time), float64(max(p.Alpha, c.Alpha))).
				Hint("set what calibrate printed, such as 0.03ms for beta")
		}
	}
}
