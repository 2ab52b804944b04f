package diagnose_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// named are the labels of a pod of chat-h100, by the end of its name and its address.
func podOf(end, address string) string {
	return strings.NewReplacer("bcd2x", end, "10.0.0.1", address).Replace(ours) + `,model_name="chat"`
}

// upOf is whether a pod's target answered its last scrapes.
func upOf(address, values string) string {
	return fmt.Sprintf("up{instance=%q} %s\n", address+":8000", values)
}

// readyPod is kube-state-metrics' word that a pod is ready.
func readyPod(end string) string {
	return fmt.Sprintf("kube_pod_status_ready{%s,pod=\"chat-h100-6d9f8b7c5d-%s\",condition=\"true\"} 1x48\n", here, end)
}

// lost is a series that ended a few scrapes ago, after which the samples are stale markers.
func lost(series string) string { return strings.ReplaceAll(series, "x48", "x42 stale _x5") }

// TestSilentPods: pods that should tell a signal and do not are named, by how that is known, in check --online and explain.
func TestSilentPods(t *testing.T) {
	one := replicas("2", here) + pod(podOf("bcd2x", "10.0.0.1")) + readyPod("bcd2x")
	for name, test := range map[string]struct {
		series string
		want   string // empty for nothing
	}{
		"a scrape fails": {
			one + lost(pod(podOf("fgh4z", "10.0.0.2"))) + upOf("10.0.0.1", "1x48") + upOf("10.0.0.2", "1x42 0x5"),
			"scrapes fail (up is 0): pod chat-h100-6d9f8b7c5d-fgh4z",
		},
		"its series are dropped": {
			one + lost(pod(podOf("fgh4z", "10.0.0.2"))) + upOf("10.0.0.1", "1x48") + upOf("10.0.0.2", "1x48"),
			"scraped, and without this series since less than an hour: pod chat-h100-6d9f8b7c5d-fgh4z",
		},
		"ready, and never seen": {
			one + readyPod("fgh4z") + readyPod("fgh5z") + readyPod("fgh6z") + readyPod("fgh7z") + readyPod("fgh8z"),
			"ready, and without this series: pod chat-h100-6d9f8b7c5d-fgh4z, pod chat-h100-6d9f8b7c5d-fgh5z, pod chat-h100-6d9f8b7c5d-fgh6z and 2 more",
		},
		"another workload's pods": {one + strings.ReplaceAll(readyPod("fgh4z"), "chat-h100", "web"), ""},
		"no longer a target": {
			replicas("2", here) + pod(podOf("bcd2x", "10.0.0.1")) + lost(pod(podOf("fgh4z", "10.0.0.2"))) + upOf("10.0.0.1", "1x48"),
			"no longer scraped, for less than an hour: pod chat-h100-6d9f8b7c5d-fgh4z",
		},
		"replaced": {one + lost(pod(podOf("fgh4z", "10.0.0.2"))) + upOf("10.0.0.1", "1x48"), ""},
		"all are silent": {
			replicas("1", here) + lost(pod(podOf("bcd2x", "10.0.0.1"))) + upOf("10.0.0.1", "1x42 0x5"),
			"scrapes fail (up is 0): pod chat-h100-6d9f8b7c5d-bcd2x",
		},
		"a number below zero": {
			one + strings.ReplaceAll(pod(podOf("fgh4z", "10.0.0.2")), "} 40x48", "} -5x48") + readyPod("fgh4z"),
			"a number below zero: pod chat-h100-6d9f8b7c5d-fgh4z",
		},
		"a queue below zero": {
			strings.ReplaceAll(one, "} 0x48", "} 9x48") + strings.ReplaceAll(pod(podOf("fgh4z", "10.0.0.2")), "} 0x48", "} -5x48") + readyPod("fgh4z"),
			"a number below zero: pod chat-h100-6d9f8b7c5d-fgh4z",
		},
		"nobody is silent": {replicas("1", here) + pod(podOf("bcd2x", "10.0.0.1")) + lost(pod(podOf("fgh4z", "10.0.0.2"))), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, said, _ := check(t, chat, test.series)
			doubts := strings.Join(explained(t, chat, test.series), "\n")
			if test.want == "" {
				for _, text := range []string{said, doubts} {
					require.NotContains(t, text, "scrapes fail")
					require.NotContains(t, text, "without this series")
					require.NotContains(t, text, "no longer scraped")
				}
				return
			}
			before, _, found := strings.Cut(said, "note: model llm/chat: signal concurrency: "+test.want+"\n")
			require.True(t, found, said)
			require.NotContains(t, before, "problem:", "the cause comes first")
			require.Contains(t, doubts+"\n", "model llm/chat: signal concurrency: "+test.want+"\n")
		})
	}
}

// explained is what explain notes of all models.
func explained(t *testing.T, text, series string) []string {
	t.Helper()
	c, found := config.Load("test.yml", text)
	require.NotNil(t, c, "%s", found)
	e, err := collector.NewEvaluator(c, stored(t, series), collector.EvaluatorOptions{
		Concurrency: 4, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	s := e.Evaluate(t.Context(), at)
	return e.Doubts(t.Context(), s, []string{s.Models[0].ID()})
}

// evaluatorOf is an evaluator that writes a log, and the engine that it asks.
func evaluatorOf(t *testing.T, text, series string, log io.Writer) (*collector.Evaluator, *counting) {
	t.Helper()
	c, found := config.Load("test.yml", text)
	require.NotNil(t, c, "%s", found)
	querier := stored(t, series)
	e, err := collector.NewEvaluator(c, querier, collector.EvaluatorOptions{
		Concurrency: 4, Now: func() time.Time { return at }, Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e, querier
}

// lines is a log that is written in the background.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// requireFound waits for a line of what was found out.
func (l *lines) requireFound(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, found, _ := strings.Cut(l.String(), "found what a model lacks")
		return strings.Contains(strings.ReplaceAll(found, `\"`, `"`), text)
	}, time.Minute, time.Millisecond, text)
}

// TestSilentPodsAreLogged: a line after that about a model that is not wholly known names who is silent, and only such a line asks for it. Of a
// fleet that is whole nothing is asked.
func TestSilentPodsAreLogged(t *testing.T) {
	one := replicas("2", here) + pod(podOf("bcd2x", "10.0.0.1"))
	partial := one + lost(pod(podOf("fgh4z", "10.0.0.2"))) + upOf("10.0.0.1", "1x48") + upOf("10.0.0.2", "1x42 0x5")
	var log lines
	e, querier := evaluatorOf(t, chat, partial, &log)
	s := e.Evaluate(t.Context(), at)
	require.Contains(t, log.String(), `missing="concurrency: 1 of 2 ready replicas of chat-h100 tell it"`)
	log.requireFound(t, `model=chat namespace=llm found="concurrency: scrapes fail (up is 0): pod chat-h100-6d9f8b7c5d-fgh4z"`)
	first := querier.asked.Swap(0)
	e.Evaluate(t.Context(), at)
	again := querier.asked.Swap(0)
	require.Equal(t, first-1, again, "one question, once")
	require.Equal(t, []collector.Finding{{Model: "llm/chat", Signals: []string{"concurrency"}, Text: "scrapes fail (up is 0): pod chat-h100-6d9f8b7c5d-fgh4z"}}, e.Findings(t.Context(), s))
	require.EqualValues(t, 1, querier.asked.Swap(0))
	e.Findings(t.Context(), s)
	require.Zero(t, querier.asked.Load(), "many look at a page")
	e, querier = evaluatorOf(t, chat, replicas("1", here)+pod(podOf("bcd2x", "10.0.0.1")), &log)
	s = e.Evaluate(t.Context(), at)
	require.Equal(t, again, querier.asked.Swap(0))
	require.Empty(t, e.Findings(t.Context(), s))
	require.Zero(t, querier.asked.Load())
}

// TestNearestNameIsLogged: a model whose name is misspelt is told the nearest name that has series, in the log and by explain.
func TestNearestNameIsLogged(t *testing.T) {
	var log lines
	series := replicas("1", here) + pod(strings.ReplaceAll(podOf("bcd2x", "10.0.0.1"), `"chat"`, `"org/Chat"`))
	e, _ := evaluatorOf(t, strings.Replace(chat, "name: chat\n", "name: org/chta\n", 1), series, &log)
	s := e.Evaluate(t.Context(), at)
	const nearest = `there is model_name="org/Chat", which is no model's: is it this one's? Then name it so, or list it under match`
	log.requireFound(t, nearest)
	require.Contains(t, strings.Join(e.Doubts(t.Context(), s, []string{"llm/org/chta"}), "\n"), "model llm/org/chta: signal concurrency: "+nearest)
}

// TestNearestNamespace: the same for a model whose namespace is wrong, and nothing is said of its past.
func TestNearestNamespace(t *testing.T) {
	series := replicas("1", here) + pod(podOf("bcd2x", "10.0.0.1"))
	const nearest = `model llms/chat: signal concurrency: there is model_name="chat" in namespace="llm", which is no model's: is it this one's? Then set its namespace`
	elsewhere := strings.Replace(chat, "namespace: llm", "namespace: llms", 1)
	require.Equal(t, []string{nearest}, explained(t, elsewhere, series))
	_, said, _ := check(t, elsewhere, series)
	require.Contains(t, said, nearest)
	require.NotContains(t, said, "no history yet")
}
