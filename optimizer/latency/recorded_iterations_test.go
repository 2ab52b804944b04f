package latency_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// columns are what the time of iterations is made of in TestRecordedIterations: one and the cached tokens of one that decodes; one,
// the computed and the cached tokens, the longest context, and the tokens of prompts times those before each, of one with a chunk.
const columns = 7

// TestRecordedIterations fits the recorded iterations themselves. Those with a chunk take longer by the attention of prompts, and by
// the longest context of their batch, which the model does not know.
func TestRecordedIterations(t *testing.T) {
	var gram [columns][columns]float64
	var right [columns]float64
	for _, name := range []string{"fixed-0", "fixed-2", "mixed-0", "mixed-2", "mixed-4"} {
		for _, w := range windows(t, name) {
			for i := range columns {
				right[i] += w[i] * w[columns]
				for j := range columns {
					gram[i][j] += w[i] * w[j]
				}
			}
		}
	}
	c := solved(gram, right)
	t.Logf("decodes only: %.2f ms + %.4f per 1,000 cached tokens", 1e3*c[0], 1e6*c[1])
	t.Logf("with a chunk: %.2f ms + %.4f per computed token + %.4f per 1,000 cached + %.2f per 1,000 tokens of the longest context "+
		"+ %.2f per million of a token of a prompt and one before it", 1e3*c[2], 1e3*c[3], 1e6*c[4], 1e6*c[5], 1e9*c[6])
	longest := c[5]
	assert.GreaterOrEqual(t, longest, 0.3e-6, "seconds for a token of the longest context")
	assert.LessOrEqual(t, longest, 2e-6, "seconds for a token of the longest context")
	attention := c[6]
	assert.GreaterOrEqual(t, attention, 0.3e-9, "seconds for a token of a prompt and one before it")
	assert.LessOrEqual(t, attention, 4e-9, "seconds for a token of a prompt and one before it")
}

// windows are sums over eight iterations each, and the time that they took: the times of single ones are those at which they were
// scheduled, one or two early.
func windows(t *testing.T, name string) [][columns + 1]float64 {
	t.Helper()
	const width, warmUp, early, stalled = 8, 6, 1, 0.2
	iterations := recordedRows(t, "main-"+name+"-iterations.csv.gz")
	requests := recordedRows(t, "main-"+name+"-requests.csv.gz")
	var all [][columns + 1]float64
	for i := early; i+width < len(iterations); i += width {
		var w [columns + 1]float64
		w[columns] = iterations[i+width]["time"] - iterations[i]["time"]
		if iterations[i]["time"] < warmUp || w[columns] > width*stalled {
			continue
		}
		for k := i; k < i+width; k++ {
			batch := iterations[k-early]
			if batch["decode_only"] == 1 {
				w[0], w[1] = w[0]+1, w[1]+batch["cached_tokens"]
				continue
			}
			w[2], w[3], w[4] = w[2]+1, w[3]+batch["batch_tokens"], w[4]+batch["cached_tokens"]
			w[5] += longest(requests, iterations[k]["time"])
		}
		w[6] = attended(requests, iterations[i-early]["time"], iterations[i-early+width]["time"])
		all = append(all, w)
	}
	return all
}

// longest is the longest context of the requests that decode at a time.
func longest(requests []map[string]float64, at float64) float64 {
	most := 0.0
	for _, r := range requests {
		if from, to := r["first_token"], r["last_token"]; from > 0 && from <= at && at < to {
			most = max(most, r["input_tokens"]+r["output_tokens"]*(at-from)/(to-from))
		}
	}
	return most
}

// attended are the tokens of the prompts that are taken in, times those before each.
func attended(requests []map[string]float64, from, to float64) float64 {
	sum := 0.0
	for _, r := range requests {
		if r["scheduled"] >= from && r["scheduled"] < to {
			sum += r["input_tokens"] * r["input_tokens"] / 2
		}
	}
	return sum
}

// solved are the solutions of symmetric equations.
func solved(a [columns][columns]float64, b [columns]float64) (x [columns]float64) {
	for i := range a {
		for r := i + 1; r < columns; r++ {
			factor := a[r][i] / a[i][i]
			for c := range a[r] {
				a[r][c] -= factor * a[i][c]
			}
			b[r] -= factor * b[i]
		}
	}
	for i := columns - 1; i >= 0; i-- {
		x[i] = b[i]
		for c := i + 1; c < columns; c++ {
			x[i] -= a[i][c] * x[c]
		}
		x[i] /= a[i][i]
	}
	return x
}

// TestRecordedHost shows why tokens at low load are less late than the model says: to send an iteration with a chunk takes the host as
// long for a small chunk as for a large one, and the tokens of the iteration before it are handed out only then.
func TestRecordedHost(t *testing.T) {
	iterations := recordedRows(t, "main-mixed-0-iterations.csv.gz")
	sent := map[bool][]float64{} // by whether the chunk is small
	for i := 1; i+2 < len(iterations); i++ {
		alone := iterations[i]["decode_only"] == 0
		for _, k := range []int{i - 1, i + 1, i + 2} {
			alone = alone && iterations[k]["decode_only"] == 1
		}
		if alone {
			small := iterations[i]["batch_tokens"] < 400
			sent[small] = append(sent[small], iterations[i+1]["time"]-iterations[i]["time"])
		}
	}
	slices.Sort(sent[true])
	slices.Sort(sent[false])
	small, large := quantile(sent[true], 0.5), quantile(sent[false], 0.5)
	t.Logf("until the next iteration is put together: %.1f ms after %d chunks of less than 400 tokens, %.1f ms after %d larger ones (medians)",
		1e3*small, len(sent[true]), 1e3*large, len(sent[false]))
	assert.LessOrEqual(t, large, 1.1*small, "a large chunk takes %.1f ms, a small one %.1f ms", 1e3*large, 1e3*small)
}
