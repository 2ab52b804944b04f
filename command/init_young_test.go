package command

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// since are the samples of the last time.
func since(samples model.Vector, age time.Duration) (kept model.Vector) {
	for _, s := range samples {
		if s.Timestamp.Time().After(time.Now().Add(-age)) {
			kept = append(kept, s)
		}
	}
	return kept
}

// TestInitYoung: of a Prometheus that has just started, init says that it is, and what to do. It states nothing that it cannot know: no capacity
// from nothing, no maximum of days that nobody saw, no kube-state-metrics that is not there.
func TestInitYoung(t *testing.T) {
	scraped := []string{"kube_deployment_spec_replicas", "kube_deployment_status_replicas_ready", "up"}
	for _, age := range []time.Duration{20 * time.Second, 12 * time.Minute} {
		t.Run(age.String(), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "variant_exporter.yml")
			url := engineWith(t, since(lonely(scraped...), age))
			code, _, said := runs(t, "init", "--prometheus.url="+url, "--output="+file)
			require.Zero(t, code, said)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Regexp(t, "note: the servers' series go back only [0-9]+[sm]", said)
			require.Contains(t, said, "Run init again when there are some hours with load")
			require.Equal(t, age < unscrapedAge, strings.Contains(said, "not all of them may have been scraped yet"), said)
			require.Contains(t, string(text), "max: 2  # a guess: twice the 1 asked for now.")
			require.Regexp(t, "startup: 2m  # a guess: no start was seen in [0-9]+[sm]", string(text))
			require.Contains(t, string(text), " of history says nothing of it. TODO:")
			for _, untrue := range []string{"in 7d, ", "seen in 7d", "none of the series", "The latency seen"} {
				require.NotContains(t, string(text), untrue)
			}
		})
	}
	started := &model.Sample{Metric: metricOf("up"), Value: 1, Timestamp: model.Now()}
	for name, c := range map[string]struct {
		samples model.Vector
		said    []string
		not     string
	}{
		"no kube-state-metrics yet": {
			since(lonely("up"), 20*time.Second),
			[]string{"nothing is written: ", "kube-state-metrics shows no pod and no replicas", "may not have scraped all of its targets yet: run init again in a few minutes"},
			"Install it",
		},
		"no server yet": {
			model.Vector{started},
			[]string{"are the servers scraped? But this Prometheus scraped nothing 2m ago", "run init again in a few minutes"},
			"no series up",
		},
		"no server yet after seven minutes without a scrape": {
			append(slices.DeleteFunc(lonely("up"), func(s *model.Sample) bool { return time.Since(s.Timestamp.Time()) < 7*time.Minute }), started),
			[]string{"this Prometheus scraped nothing 2m ago"},
			"series of the last",
		},
		"nothing yet": {nil, []string{"But it has no series up either: if this Prometheus has just started, run init again in a few minutes"}, "series of the last"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, said := runs(t, "init", "--prometheus.url="+engineWith(t, c.samples))
			require.Equal(t, exitFailure, code, out)
			require.Empty(t, out)
			for _, want := range c.said {
				require.Contains(t, said, want)
			}
			require.NotContains(t, said, c.not)
		})
	}
}

// unscrapedAge is how old a Prometheus is that has scraped every target.
const unscrapedAge = 2 * time.Minute

// TestInitUpdateGuesses: --update offers no guess in place of what the configuration has. What a replica did is told where it is more than its
// capacity.
func TestInitUpdateGuesses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "variant_exporter.yml")
	url := engineWith(t, lonely("kube_deployment_spec_replicas", "kube_deployment_status_replicas_ready"))
	code, _, said := runs(t, "init", "--prometheus.url="+url, "--from=2h", "--output="+file)
	require.Zero(t, code, said)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), "concurrency: 12  # the most requests in service of a replica over 5m in 2h: it may carry more.")
	for concurrency, want := range map[string]string{
		"96": "nothing has changed",
		"8":  "~ variant llm/chat: capacity.concurrency: 8, and a replica was seen to do 12\n",
	} {
		edited := strings.NewReplacer("concurrency: 12 ", "concurrency: "+concurrency+" ", "startup: 2m ", "startup: 7m ", "max: 2 ", "max: 9 ").Replace(string(text))
		write(t, file, edited)
		code, out, said := runs(t, "init", "--update", "--from=2h", "--output="+file)
		require.Zero(t, code, said)
		require.Contains(t, out, want)
		require.NotContains(t, out, "startup")
		require.NotContains(t, out, "replicas.max")
	}
	write(t, file, regexp.MustCompile(`(?m)^ *concurrency: 12 .*\n`).ReplaceAllString(string(text), ""))
	code, out, said := runs(t, "init", "--update", "--from=2h", "--output="+file)
	require.Zero(t, code, said)
	require.Contains(t, out, "+ variant llm/chat: capacity.concurrency: 12\n", "the file lacks it")
}
