package collector_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

var update = flag.Bool("update", false, "write the golden files")

// faultConfig plans alpha by two signals, beta by the one that the faults strike and gamma by the other.
const faultConfig = `
prometheus: {url: http://prometheus.example}
defaults: {headroom: 0, scale_down_window: 0s}
signals:
  running: {unit: requests, demand: 'sum by (namespace, model_name) (running)'}
  tokens: {unit: tokens, demand: 'sum by (namespace, model_name) (tokens)'}
models:
  - {name: org/alpha, namespace: llm, headroom: 0.4, variants: [
      {name: alpha-h100, cost: 4, capacity: {running: 100, tokens: 1000}},
      {name: alpha-l4, cost: 0.5, capacity: {running: 10, tokens: 100}}]}
  - {name: org/beta, namespace: llm, variants: [{name: beta-h100, cost: 4, capacity: {running: 100}}]}
  - {name: org/gamma, namespace: llm, variants: [{name: gamma-h100, cost: 4, capacity: {tokens: 1000}}]}
`

const sample = `{"metric":{"namespace":"llm","model_name":"org/%s"%s},"value":[1767225600,"%s"]}`

// healthy answers every query of faultConfig. Alpha's tokens with headroom ask for more than it runs, so that a plan may raise it. Without
// headroom they do not: its autoscaler would not follow.
func healthy(query string) string {
	var series []string
	switch {
	// The ages, what is replaced, and who is silent.
	case strings.Contains(query, "timestamp("), strings.Contains(query, "replicas_updated"), strings.Contains(query, "up == 0"), strings.Contains(query, "up{"), strings.Contains(query, "count without ("):
	case strings.Contains(query, "kube_"):
		for i, name := range []string{"alpha-h100", "alpha-l4", "beta-h100", "gamma-h100"} {
			series = append(series, fmt.Sprintf(`{"metric":{"namespace":"llm","scale_target_kind":"Deployment","scale_target_name":%q},"value":[1767225600,"%d"]}`,
				name, []int{2, 1, 4, 4}[i]))
		}
	case strings.Contains(query, "running"):
		series = []string{fmt.Sprintf(sample, "alpha", "", "150"), fmt.Sprintf(sample, "beta", "", "250")}
	case strings.Contains(query, "tokens"):
		series = []string{fmt.Sprintf(sample, "alpha", "", "2100"), fmt.Sprintf(sample, "gamma", "", "1500")}
	}
	return vector(strings.Join(series, ","))
}

func vector(series string) string {
	return `{"status":"success","data":{"resultType":"vector","result":[` + series + `]}}`
}

// sampleAt is the sample of a series in a vector.
var sampleAt = regexp.MustCompile(`"(value|histogram)":\[1767225600,("[^"]*"|\{[^}]*\})\]`)

// answerTo makes the answer to an instant query one to a request: where that is about a range, the same at every step of it.
func answerTo(r *http.Request, text string) string {
	if !strings.HasSuffix(r.URL.Path, "/query_range") {
		return text
	}
	number := func(key string) float64 {
		n, err := strconv.ParseFloat(r.FormValue(key), 64)
		if err != nil {
			panic(err) // the server of the test answers nothing then
		}
		return n
	}
	text = strings.Replace(text, `"resultType":"vector"`, `"resultType":"matrix"`, 1)
	return sampleAt.ReplaceAllStringFunc(text, func(sample string) string {
		parts := sampleAt.FindStringSubmatch(sample)
		var steps []string
		for at := number("start"); at <= number("end"); at += number("step") {
			steps = append(steps, fmt.Sprintf("[%.3f,%s]", at, parts[2]))
		}
		return `"` + parts[1] + `s":[` + strings.Join(steps, ",") + `]`
	})
}

// answer writes an answer to an instant query, or to one over a range.
func answer(w http.ResponseWriter, r *http.Request, text string) { fmt.Fprint(w, answerTo(r, text)) }

// fault is a way for one answer to be unusable.
type fault func(w http.ResponseWriter, r *http.Request)

func body(text string) fault {
	return func(w http.ResponseWriter, r *http.Request) { answer(w, r, text) }
}

func status(code int, text string) fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, text)
	}
}

// both gives the two models that are asked for a value each.
func both(value string) fault {
	return body(vector(fmt.Sprintf(sample, "alpha", "", value) + "," + fmt.Sprintf(sample, "beta", "", value)))
}

func faults() map[string]fault {
	const histogram = `{"metric":{"namespace":"llm","model_name":"org/%s"},"histogram":[1767225600,{"count":"1","sum":"1","buckets":[[0,"1","2","1"]]}]}`
	return map[string]fault{
		"refused": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"slow_body": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"status":"success",`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"5xx":       status(http.StatusBadGateway, "bad gateway"),
		"422":       status(http.StatusUnprocessableEntity, `{"status":"error","errorType":"execution","error":"many-to-many matching"}`),
		"non_json":  body("<html>please log in</html>"),
		"huge_body": body(vector(strings.Repeat(" ", maxBody+1))),
		"warnings":  body(strings.TrimSuffix(healthy("running"), "}") + `,"warnings":["a store did not answer"]}`),
		"empty":     body(vector("")),
		"nan":       both("NaN"),
		"inf":       both("+Inf"),
		"negative":  both("-1"),
		"histogram": body(vector(fmt.Sprintf(histogram, "alpha") + "," + fmt.Sprintf(histogram, "beta"))),
		"duplicate": body(vector(fmt.Sprintf(sample, "alpha", `,"job":"a"`, "1") + "," + fmt.Sprintf(sample, "alpha", `,"job":"b"`, "1") +
			"," + fmt.Sprintf(sample, "beta", `,"job":"a"`, "1") + "," + fmt.Sprintf(sample, "beta", `,"job":"b"`, "1"))),
		"no_labels": body(vector(`{"metric":{},"value":[1767225600,"7"]}`)),
		"scalar":    body(`{"status":"success","data":{"resultType":"scalar","result":[1767225600,"1"]}}`),
		"matrix": func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/query_range") { // there it is a vector that is not expected
				fmt.Fprint(w, vector(""))
				return
			}
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
		},
	}
}

const (
	maxBody  = 1 << 16
	patience = 30 * time.Second // with what does not have to wait
)

// TestFaults strikes one input, then all, with every fault, and holds what is exposed to a golden file each.
func TestFaults(t *testing.T) {
	for name, strike := range faults() {
		for scope, struck := range map[string]func(query string) bool{
			"one": func(query string) bool { return query == "sum by (namespace, model_name) (running)" },
			"all": func(string) bool { return true },
		} {
			t.Run(name+"/"+scope, func(t *testing.T) {
				t.Parallel()
				timeout := patience
				if name == "slow_body" {
					timeout = time.Second // every query struck waits for it
				}
				s := evaluate(t, timeout, func(w http.ResponseWriter, r *http.Request) {
					if query := r.FormValue("query"); !struck(query) {
						answer(w, r, healthy(query))
						return
					}
					strike(w, r)
				})
				golden(t, filepath.Join("testdata", "faults", name+"_"+scope+".prom"), s)
			})
		}
	}
}

// TestHealthy is what the faults are to be compared with.
func TestHealthy(t *testing.T) {
	s := evaluate(t, patience, func(w http.ResponseWriter, r *http.Request) { answer(w, r, healthy(r.FormValue("query"))) })
	golden(t, filepath.Join("testdata", "faults", "none.prom"), s)
}

// evaluate makes one evaluation of faultConfig against a server, through the real client.
func evaluate(t *testing.T, timeout time.Duration, handler http.HandlerFunc) *collector.Snapshot {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := promapi.New(promapi.Config{URL: server.URL, MaxBodyBytes: maxBody, Timeout: timeout})
	require.NoError(t, err)
	return evaluateWith(t, faultConfig, client)
}

func evaluateWith(t *testing.T, text string, q promapi.RangeQuerier) *collector.Snapshot {
	t.Helper()
	return evaluateAt(t, text, q, fleetAt)
}

func evaluateAt(t *testing.T, text string, q promapi.RangeQuerier, at time.Time) *collector.Snapshot {
	t.Helper()
	c, found := config.Load("test.yml", text)
	require.NotNil(t, c, "%v", found)
	e, err := collector.NewEvaluator(c, q, collector.EvaluatorOptions{Concurrency: 4, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	return e.Evaluate(ctx, at)
}

var volatile = regexp.MustCompile(`(?m)^(variant_exporter_\w+_duration_seconds(?:{[^}]*})?) .*$`)

// exposition renders a snapshot as a scrape would, with durations, which differ from run to run, set to zero.
func exposition(t *testing.T, s *collector.Snapshot) string {
	t.Helper()
	families := gather(t, s)
	problems, err := testutil.GatherAndLint(prometheus.Gatherers{collector.NewGatherer(s)})
	require.NoError(t, err)
	require.Empty(t, problems)
	var b bytes.Buffer
	for _, f := range families {
		_, err := expfmt.MetricFamilyToText(&b, f)
		require.NoError(t, err)
	}
	return volatile.ReplaceAllString(b.String(), "$1 0")
}

func golden(t *testing.T, file string, s *collector.Snapshot) {
	t.Helper()
	compareText(t, file, exposition(t, s))
}

// compareText compares a text with a golden file, or writes it there.
func compareText(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
