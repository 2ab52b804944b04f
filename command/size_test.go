package command

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sizes runs the command on a question.
func sizes(t *testing.T, question string) (code int, out, problems string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Run(t.Context(), []string{"size", "-"}, Streams{strings.NewReader(question), &stdout, &stderr})
	return code, stdout.String(), stderr.String()
}

// pasted is a profile as a configuration has it and calibrate prints it.
const pasted = `profile:
  alpha: 5.011ms           # 4.753ms to 5.269ms
  beta: 0ms
  gamma: 0.00006903ms
  chunk: {alpha: 4.032ms, beta: 0.01972ms, gamma: 0.00006519ms, attention: 0.000002152ms} # an iteration with a chunk of a prompt
  max_batch: 256           # given, not measured
  max_batch_tokens: 2048
  correct: true
input_tokens: {mean: 580, cv: 1}
output_tokens: 155
slo: {ttft: 500ms, itl: 40ms, quantile: 0.95, correct: false}
`

// TestSizeYAML answers the same question in YAML and in JSON alike.
func TestSizeYAML(t *testing.T) {
	code, fromYAML, problems := sizes(t, pasted)
	require.Zero(t, code, problems)
	code, fromJSON, problems := sizes(t, `{"profile":{"alpha":0.005011,"beta":0,"gamma":6.903e-8,"max_batch":256,"max_batch_tokens":2048,
"chunk":{"alpha":0.004032,"beta":1.972e-5,"gamma":6.519e-8,"attention":2.152e-9}},
"input_tokens":{"mean":580,"cv":1},"output_tokens":155,"slo":{"ttft":0.5,"itl":0.04,"quantile":0.95}}`)
	require.Zero(t, code, problems)
	var a, b map[string]any
	require.NoError(t, json.Unmarshal([]byte(fromYAML), &a))
	require.NoError(t, json.Unmarshal([]byte(fromJSON), &b))
	assert.InEpsilon(t, b["rate"], a["rate"], 1e-6)
	assert.Equal(t, b["binding"], a["binding"])
}

// TestSizeRefuses points at what is wrong.
func TestSizeRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ from, to, want string }{
		"milliseconds":          {"5.011ms", "5.011", "standard input:2:10: check sizing: profile.alpha: 5.011 s for an iteration: times are in seconds, and this looks like milliseconds (0.005011 s)"},
		"a token in ms":         {"beta: 0.01972ms", "beta: 0.01972", "standard input:5:33: check sizing: profile.chunk.beta: 0.01972 s for a token, where an iteration has 0.005011 s besides"},
		"a target in ms":        {"itl: 40ms", "itl: 40", "standard input:11:25: check sizing: slo.itl: 40 s between tokens"},
		"negative":              {"beta: 0.01972ms", "beta: -0.01972ms", "profile.chunk.beta: -1.972e-05 s is not between 0 and"},
		"no number":             {"5.011ms", ".nan", `".nan" is not a time`},
		"no unit with a blank":  {"5.011ms", "5 ms", `"5 ms" is not a time`},
		"unknown":               {"mean: 580", "men: 580", "standard input:9:21: read sizing: input_tokens.men: unknown field"},
		"twice":                 {"max_batch: 256 ", "max_batch: 256\n  max_batch: 3 ", "standard input:7:14: read sizing: profile.max_batch: duplicate key"},
		"a cv that is too much": {"cv: 1", "cv: 30", "30 is not between 0 and 20: at a mean of 580 tokens the standard deviation would be 17400"},
		"a cv of nothing":       {"mean: 580", "mean: 0", "lengths with a mean of 0 are all 0 and do not vary"},
		"broken YAML":           {"alpha: 5", "alpha: : 5", "yaml: line 2: mapping values are not allowed"},
		"two questions":         {"profile:", "a: 1\n---\nprofile:", "more than one document"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, pasted, tc.from)
			code, _, problems := sizes(t, strings.Replace(pasted, tc.from, tc.to, 1))
			assert.Equal(t, exitFailure, code)
			assert.Contains(t, problems, tc.want)
		})
	}
	for question, want := range map[string]string{
		"":                            "is empty: want profile, input_tokens, output_tokens",
		`{"profile":`:                 "unexpected end of JSON input",
		"[]":                          "must be an object",
		"a: &a [*a, *a]":              "more than 10000 values",
		`{"profile":{"a":1,"a":"\t"}`: "JSON",
	} {
		code, _, problems := sizes(t, question)
		assert.Equal(t, exitFailure, code)
		assert.Contains(t, problems, want, question)
	}
	code, out, _ := sizes(t, strings.Replace(pasted, "itl: 40ms", "itl: 4ms", 1))
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, out, "itl 0.004 s is below the idle latency: one decode step takes 0.0")
}
