package collector_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// checkOnline asks a server what faultConfig asks, with a clock that stands still.
func checkOnline(t *testing.T, answer func(query string) string) *collector.OnlineReport {
	t.Helper()
	return checkOnlineOf(t, faultConfig, answer)
}

func checkOnlineOf(t *testing.T, text string, said func(query string) string) *collector.OnlineReport {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, answerTo(r, said(r.FormValue("query"))))
	}))
	t.Cleanup(server.Close)
	client, err := promapi.New(promapi.Config{URL: server.URL})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	c, found := config.Load("test.yml", text)
	require.NotNil(t, c, "%v", found)
	at := time.Unix(1767225600, 0)
	e, err := collector.NewEvaluator(c, client, collector.EvaluatorOptions{
		Concurrency: 4, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return collector.CheckOnline(t.Context(), e, at, 10*time.Second)
}

func TestCheckOnlineHealthy(t *testing.T) {
	r := checkOnline(t, healthy)
	require.True(t, r.OK(), r.Problems)
	require.Empty(t, r.Doubts)
	var b strings.Builder
	require.NoError(t, r.WriteText(&b))
	require.Equal(t, strings.TrimPrefix(`
INPUT                            SERIES  MATCHED  SECONDS  AGE
scale_targets.current            4       4        0.000    -
scale_targets.ready              4       4        0.000    -
running.demand                   2       2        0.000    -
running.sources                  2       2        0.000    -
running.silent                   0       0        0.000    -
running.copies                   0       0        0.000    -
tokens.demand                    2       2        0.000    -
tokens.sources                   2       2        0.000    -
tokens.silent                    0       0        0.000    -
tokens.copies                    0       0        0.000    -
input_ages                       0       0        0.000    -
scale_targets.current.history    4       4        0.000    -
scale_targets.ready.history      4       4        0.000    -
scale_targets.rolling.history    0       0        0.000    -
scale_targets.silent.history_1m  0       0        0.000    -
scale_targets.draining.history   0       0        0.000    -
running.demand.history           2       2        0.000    -
tokens.demand.history            2       2        0.000    -

evaluated in 0.000s of the 10.00s that a scrape leaves
next: variant_desired_replicas is not in this Prometheus yet: before an autoscaler follows it, let Prometheus scrape the exporter (variant_exporter generate servicemonitor), or let KEDA ask the exporter itself (generate keda --trigger=metrics-api)
ok: 3 models, 4 variants, all decided; all 18 inputs answered
`, "\n"), b.String())
}

// TestCheckOnlineDown: one cause is said once, with how many inputs it concerns, and nothing is said that only follows from it. What is next
// is not to let Prometheus scrape an exporter that only holds.
func TestCheckOnlineDown(t *testing.T) {
	r := checkOnline(t, func(string) string { return `{"status":"error","errorType":"internal","error":"no space left"}` })
	var b strings.Builder
	require.NoError(t, r.WriteText(&b))
	_, said, _ := strings.Cut(b.String(), "leaves\n")
	require.Regexp(t, `^problem: none of the 18 inputs has an answer: bad_response: http://127.0.0.1:\d+: no space left. Is prometheus.url the address of a Prometheus, with its path\?
not ok: 0 of 4 variants decided, 0 of 18 inputs answered; 1 problem: until it is settled, the exporter holds
$`, said)
}

// TestCheckOnlineFailAlike: inputs that fail for one reason are named in a line.
func TestCheckOnlineFailAlike(t *testing.T) {
	r := checkOnline(t, func(query string) string {
		if (strings.Contains(query, "tokens") || strings.Contains(query, "replicas_updated")) && !strings.Contains(query, "timestamp") {
			return `{"status":"error","errorType":"execution","error":"too many samples"}`
		}
		return healthy(query)
	})
	require.Regexp(t, `^6 of 18 inputs failed: execution: http://127.0.0.1:\d+: too many samples \(tokens.demand, tokens.sources, tokens.silent, tokens.copies, scale_targets.rolling.history and 1 more\)$`, r.Problems[0])
	require.Empty(t, r.Hints)
	require.Contains(t, r.Verdict, "12 of 18 inputs answered; ")
}

// TestCheckOnlineInert is the mistake that leaves an autoscaler looking healthy and doing nothing: the name in the configuration
// is not the one in the label.
func TestCheckOnlineInert(t *testing.T) {
	r := checkOnline(t, func(query string) string {
		return strings.ReplaceAll(healthy(query), "org/beta", "beta")
	})
	require.False(t, r.OK())
	require.Contains(t, r.Problems, `model llm/org/beta: signal running is missing: no result`)
	require.Contains(t, r.Problems, `variant llm/beta-h100 holds: running: no result`)
	require.Contains(t, r.Doubts,
		`running.demand: 1 of 2 series belong to nothing configured, for example {model_name="beta", namespace="llm"}`)
}

func TestCheckOnlineNothingFits(t *testing.T) {
	r := checkOnline(t, func(query string) string {
		return strings.ReplaceAll(healthy(query), `"namespace":"llm"`, `"namespace":"prod"`)
	})
	require.Contains(t, r.Problems, `running.demand: labels do not fit: 2 series and none belongs to a configured model or variant, `+
		`for example {model_name="org/alpha", namespace="prod"}`)
	require.Contains(t, r.Doubts, `variant llm/beta-h100: the replicas of Deployment beta-h100 are not known`)
}

func TestCheckOnlineAges(t *testing.T) {
	r := checkOnline(t, func(query string) string {
		if strings.Contains(query, "timestamp(running)") {
			return vector(`{"metric":{"selector":"` + selectorOf(query, "running") + `"},"value":[1767225600,"1767225400"]}`)
		}
		return healthy(query)
	})
	require.Contains(t, r.Doubts, "running.demand: the newest sample is 200s old")
	out, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(out), `"age_seconds":200`)
}

// TestCheckOnlineAbsent is about a preset for a server that is not the one that runs, or not of the version that runs.
func TestCheckOnlineAbsent(t *testing.T) {
	const text = `
prometheus: {url: http://prometheus.example}
scale_targets: {disabled: true}
models: [{name: m, namespace: llm, presets: [vllm], variants: [{name: a, cost: 1, capacity: {concurrency: 10}}]}]
`
	const looksFor = "vllm.concurrency.demand: no series; it looks for vllm:num_requests_running, vllm_num_requests_running"
	const queued = "vllm.concurrency.queued: no series; it looks for vllm:num_requests_waiting, vllm:num_requests_waiting_by_reason, " +
		"vllm_num_requests_waiting, vllm_num_requests_waiting_by_reason"
	name := func(name string, series int) string {
		return fmt.Sprintf(`{"metric":{"__name__":%q},"value":[1767225600,"%d"]}`, name, series)
	}
	for title, test := range map[string]struct {
		names string // the answer to which there are; an error where empty
		want  string
	}{
		"nothing of the kind": {vector(""), looksFor + "; no metric has a name like that: is the source scraped?"},
		"other names": {
			vector(strings.Join([]string{
				name("vllm:avg_generation_throughput_toks_per_s", 2), name("vllm:num_requests_swapped", 2), name("vllm:cpu_cache_usage_perc", 2),
				name("vllm:request_success_total", 6), name("vllm:num_preemptions_total", 2), name("vllm:time_in_queue_requests", 2),
			}, ",")),
			looksFor + "; of such names there is vllm:num_requests_swapped (2 series), vllm:num_preemptions_total (2 series), " +
				"vllm:time_in_queue_requests (2 series), vllm:cpu_cache_usage_perc (2 series), vllm:request_success_total (6 series) and 1 more",
		},
		"one of two that are added": {
			vector(name("vllm:num_requests_running", 3) + "," + name("vllm:cache_config_info", 3)),
			looksFor + "; there is vllm:num_requests_running (3 series), of which its labels, or the other metrics, leave nothing",
		},
		"names cannot be asked for": {"", looksFor},
	} {
		t.Run(title, func(t *testing.T) {
			var asked []string
			r := checkOnlineOf(t, text, func(query string) string {
				if !strings.HasPrefix(query, "count by (__name__)") {
					return vector("")
				}
				asked = append(asked, query)
				if test.names == "" {
					return `{"status":"error","errorType":"bad_data","error":"name your metrics"}`
				}
				return test.names
			})
			require.Equal(t, []string{`count by (__name__) ({__name__=~"(?:vllm:|vllm_).*"})`}, asked)
			require.Contains(t, r.Doubts, test.want)
			require.Contains(t, strings.Join(r.Doubts, "\n"), queued)
			require.NotContains(t, strings.Join(r.Doubts, "\n"), ".history", "what is the same is said once")
		})
	}
}

// TestCheckOnlineAsksForFewNames holds that the metrics of a whole cluster are not counted to find one.
func TestCheckOnlineAsksForFewNames(t *testing.T) {
	var asked []string
	checkOnline(t, func(query string) string {
		if strings.Contains(query, "__name__") {
			asked = append(asked, query)
		}
		return vector("")
	})
	require.Equal(t, []string{
		`count by (__name__) ({__name__=~"(?:kube_deployment_|kube_statefulset_|running|tokens).*"})`,
		`count by (__name__, model_name, namespace) ({__name__=~"running|tokens",namespace=~"|llm"})`,
	}, asked)
}

// selectorOf finds by which number a query asks for the age of a selector.
func selectorOf(query, selector string) string {
	_, after, _ := strings.Cut(query, "timestamp("+selector+")), \"selector\", \"")
	number, _, _ := strings.Cut(after, `"`)
	return number
}
