package diagnose_test

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// youngFleet is a fleet whose Prometheus began so many scrapes ago.
func youngFleet(scrapes string) string {
	return strings.ReplaceAll(replicas("1", here)+pod(ours+`,model_name="chat"`), "x48", "x"+scrapes)
}

// TestFirstMinutes: of a Prometheus that has just started it is said until when its window is filling. Neither labels nor relabelling are
// blamed, and the moment is the right one.
func TestFirstMinutes(t *testing.T) {
	both := strings.Replace(chat, "capacity: {concurrency: 96}", "capacity: {concurrency: 96, generation_tokens: 800}", 1)
	_, said, _ := check(t, both, youngFleet("8"))
	require.NotContains(t, said, "leave nothing")
	require.NotContains(t, said, "is the source scraped")
	require.Contains(t, said, "note: no history yet: vllm.generation_tokens.sources.history_1m; their series have just begun")
	found := regexp.MustCompile(`signal concurrency is partial: less history than the scale-down window of 5m, which is filling: there is enough at (\S+) UTC`).FindStringSubmatch(said)
	require.Len(t, found, 2, said)
	full, err := time.Parse(time.DateOnly+" "+time.TimeOnly, at.UTC().Format(time.DateOnly)+" "+found[1])
	require.NoError(t, err)
	// The same fleet, scraped on until then.
	c, _ := config.Load("test.yml", chat)
	after := at.Add(10 * time.Minute)
	longer := stored(t, strings.ReplaceAll(youngFleet("48"), "x48", "x8")) // up to at
	for when := at.Add(step); when.Before(after); when = when.Add(step) {
		longer.again(t, when)
	}
	for moment, partial := range map[time.Time]bool{full.Add(-step): true, full: false} {
		e, err := collector.NewEvaluator(c, longer, collector.EvaluatorOptions{Concurrency: 4, Now: func() time.Time { return moment }, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		s := e.Evaluate(t.Context(), moment)
		require.Equal(t, partial, s.Models[0].Signals[0].Partial != "", "%s: %s", moment, s.Models[0].Signals[0].Partial)
	}
}

// TestRatesOfTheFirstMinute: a rate needs samples over its range. Until it has them, that is why there is none.
func TestRatesOfTheFirstMinute(t *testing.T) {
	tokens := strings.Replace(chat, "capacity: {concurrency: 96}", "capacity: {generation_tokens: 800}", 1)
	_, said, _ := check(t, tokens, youngFleet("0"))
	require.Contains(t, said, "it measures rates over 1m, and these series began less than that ago: ask again in a minute or two")
	require.NotContains(t, said, "leave nothing")
	_, said, _ = check(t, tokens, strings.ReplaceAll(youngFleet("48"), "vllm:generation_tokens_total", "vllm:other_total"))
	require.NotContains(t, said, "began less than that ago", "what is not there is not young")
}

// TestRatesOfOldSamples: the same where scrapes have stopped.
func TestRatesOfOldSamples(t *testing.T) {
	tokens := strings.Replace(chat, "capacity: {concurrency: 96}", "capacity: {generation_tokens: 800}", 1)
	_, said, _ := check(t, tokens, strings.ReplaceAll(youngFleet("48"), "x48", "x44 _x4"))
	require.Contains(t, said, "it measures rates over 1m, and the newest of these samples is 60s old: are they still scraped?")
}
