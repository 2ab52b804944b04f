package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/collector/server"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

const (
	explainPage    = "../docs/explain.md"
	exampleModel   = "meta-llama/Llama-3.1-8B-Instruct"
	exampleTime    = "2026-11-02T15:04:05Z"
	exampleBegin   = "<!-- example: made by go test -run TestExplainExample ./command -update -->\n"
	exampleEnd     = "<!-- end of example -->"
	exampleConfig  = "<!-- configuration of the example -->\n```yaml\n"
	exampleAddress = "http://prometheus.example:9090"
)

// part returns the text between two marks of a page, and what stands before and after it.
func part(t *testing.T, text, begin, end string) (before, inner, after string) {
	t.Helper()
	before, rest, found := strings.Cut(text, begin)
	require.True(t, found, begin)
	inner, after, found = strings.Cut(rest, end)
	require.True(t, found, end)
	return before + begin, inner, end + after
}

// cannedFleet answers the queries of the example: its replicas, 300 requests now, and 340 within the last five minutes.
func cannedFleet(t *testing.T) string {
	t.Helper()
	selector := regexp.MustCompile(`"selector", "(\d+)"`)
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, expr := r.FormValue("time"), r.FormValue("query")
		var series []string
		add := func(value string, labels ...string) {
			series = append(series, fmt.Sprintf(`{"metric":{%s},"value":[%s,"%s"]}`, strings.Join(labels, ","), at, value))
		}
		model := []string{`"namespace":"llm"`, `"model_name":"` + exampleModel + `"`}
		switch {
		case strings.Contains(expr, "timestamp("):
			for _, m := range selector.FindAllStringSubmatch(expr, -1) {
				add("1793631837", `"selector":"`+m[1]+`"`) // eight seconds before
			}
		case strings.HasPrefix(expr, "scale_targets:"):
			for name, n := range map[string]string{"llama-8b-h100": "1", "llama-8b-a100": "4", "llama-8b-l4": "4"} {
				add(n, `"namespace":"llm"`, `"scale_target_kind":"Deployment"`, `"scale_target_name":"`+name+`"`)
			}
		case strings.Contains(expr, "up == 0"), strings.Contains(expr, "count without ("): // all targets answer, and none is scraped twice
		default:
			add("300", model...)
		}
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/query_range") {
			fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, overTime(t, r, strings.Join(series, ",")))
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, strings.Join(series, ","))
	}))
	t.Cleanup(prometheus.Close)
	return prometheus.URL
}

// overTime makes the series of an instant those of a range: all as they are now, but for the demand, which was higher.
func overTime(t *testing.T, r *http.Request, series string) string {
	number := func(key string) float64 {
		n, err := strconv.ParseFloat(r.FormValue(key), 64)
		assert.NoError(t, err)
		return n
	}
	at, err := time.Parse(time.RFC3339, exampleTime)
	if err != nil {
		t.Error(err) // a server's goroutine must not end the test
		return ""
	}
	return regexp.MustCompile(`"value":\[\d*,"(\d+)"\]`).ReplaceAllStringFunc(series, func(sample string) string {
		now := sample[strings.LastIndex(sample, ",")+1 : len(sample)-1]
		var values []string
		for step := number("start"); step <= number("end"); step += number("step") {
			value := now
			if value == `"300"` && float64(at.Unix())-step > 60 {
				value = `"340"`
			}
			values = append(values, fmt.Sprintf("[%.3f,%s]", step, value))
		}
		return `"values":[` + strings.Join(values, ",") + `]`
	})
}

// exampleFile is the configuration of the page, for a Prometheus that answers.
func exampleFile(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(explainPage)
	require.NoError(t, err)
	_, config, _ := part(t, string(page), exampleConfig, "```")
	require.Contains(t, config, exampleAddress)
	return write(t, filepath.Join(t.TempDir(), "config.yml"), strings.Replace(config, exampleAddress, cannedFleet(t), 1))
}

// explained runs the command, and takes out how long it took.
func explained(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), append([]string{"explain"}, args...), Streams{nil, &stdout, &stderr})
	require.Zero(t, code, stderr.String())
	require.Empty(t, stderr.String())
	return regexp.MustCompile(`\b\d+\.\d{3}(s\.|\n)`).ReplaceAllString(stdout.String(), "0.012$1")
}

// TestExplainExample holds the example of docs/explain.md to what the command prints.
func TestExplainExample(t *testing.T) {
	got := "```text\n" + explained(t, "--config.file="+exampleFile(t), "--at="+exampleTime) + "```\n"
	page, err := os.ReadFile(explainPage)
	require.NoError(t, err)
	before, old, after := part(t, string(page), exampleBegin, exampleEnd)
	if *update {
		require.NoError(t, os.WriteFile(explainPage, []byte(before+got+after), 0o644))
		return
	}
	require.Equal(t, got, old, "run go test -run TestExplainExample ./command -update")
}

// TestExplainRunningExporter holds that a running exporter is explained as its Prometheus is.
func TestExplainRunningExporter(t *testing.T) {
	config := exampleFile(t)
	address, none, systemd := []string{"127.0.0.1:0"}, "", false
	at, err := time.Parse(time.RFC3339, exampleTime)
	require.NoError(t, err)
	logger := slog.New(slog.DiscardHandler)
	srv, err := server.New(t.Context(), server.Options{
		Load: server.NewLoader(server.LoaderOptions{
			ConfigFile: config, Concurrency: 4, Logger: logger, Now: time.Now, Failed: func(err error) { t.Error(err) },
		}).Load,
		Web:           &web.FlagConfig{WebListenAddresses: &address, WebConfigFile: &none, WebSystemdSocket: &systemd},
		TelemetryPath: "/metrics", MaxTimeout: patience, Logger: logger, Now: func() time.Time { return at },
	})
	require.NoError(t, err)
	srv.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, srv.Stop(ctx))
	})
	running := "http://" + srv.Addr().String()
	want := explained(t, "--config.file="+config, "--at="+exampleTime)
	assert.Equal(t, want, explained(t, "--url="+running))
	assert.Contains(t, explained(t, "--url="+running, "--queries"), want+"\n  Queries\n  scale_targets.current\n    scale_targets:current\n")
	assert.Equal(t, want, explained(t, "--url="+running+"/", exampleModel), "there is only this one model")

	var told explain.Explanation
	require.NoError(t, json.Unmarshal([]byte(explained(t, "--url="+running, "--format=json")), &told))
	require.NotNil(t, told.Models[0].Variants[1].Desired)
	assert.Equal(t, 5, *told.Models[0].Variants[1].Desired)

	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), []string{"explain", "--url=" + running, "nobody"}, Streams{nil, &stdout, &stderr})
	assert.Equal(t, exitFailure, code)
	assert.Equal(t, "variant_exporter: error: there is no model nobody; there is llm/"+exampleModel+"\n", stderr.String())
	whatIf(t, running)
}

// whatIf does what docs/explain.md says about solve, with an edit of its own in place of jq.
func whatIf(t *testing.T, running string) {
	t.Helper()
	status, body := get(t, running+"/api/v1/plan")
	require.Equal(t, http.StatusOK, status, body)
	var answer struct {
		Problem optimizer.Problem `json:"problem"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	answer.Problem.Models[0].Demand["concurrency"] *= 2
	problem, err := json.Marshal(answer.Problem)
	require.NoError(t, err)
	var stdout, stderr bytes.Buffer
	require.Zero(t, Run(t.Context(), []string{"solve", "-"}, Streams{bytes.NewReader(problem), &stdout, &stderr}), stderr.String())
	var plan optimizer.Plan
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &plan))
	assert.Equal(t, optimizer.StatusOptimal, plan.Status)
	assert.Equal(t, []optimizer.VariantPlan{
		{Name: "llama-8b-h100", Replicas: 4, Reason: optimizer.ReasonDemand},
		{Name: "llama-8b-a100", Replicas: 6, Reason: optimizer.ReasonMax},
		{Name: "llama-8b-l4", Replicas: 2, Reason: optimizer.ReasonDemand},
	}, plan.Models[0].Variants)
}

// TestExplainAnswersThatAreNone tells apart what else may listen where an exporter was expected.
func TestExplainAnswersThatAreNone(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"another server":  {200, "<html>", "is not an explanation: does an exporter of this version run there?"},
		"an empty object": {200, "{}", "is not an explanation: does an exporter of this version run there?"},
		"no such path":    {404, "404 page not found", "answers 404 Not Found"},
		"no time":         {503, `{"error":"the evaluation did not end in time"}`, "error: the evaluation did not end in time"},
		"no password":     {401, "Unauthorized", "answers 401 Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}))
			t.Cleanup(other.Close)
			address, err := url.Parse(other.URL)
			require.NoError(t, err)
			address.User = url.UserPassword("me", "s3cret")
			var stdout, stderr bytes.Buffer
			code := Run(t.Context(), []string{"explain", "--url=" + address.String()}, Streams{nil, &stdout, &stderr})
			assert.Equal(t, exitFailure, code)
			assert.Contains(t, stderr.String(), tc.want)
			assert.NotContains(t, stderr.String(), "s3cret")
			assert.Empty(t, stdout.String())
		})
	}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-02T15:04:05Z":      time.Date(2026, 11, 2, 15, 4, 5, 0, time.UTC),
		"2026-11-02T16:04:05+01:00": time.Date(2026, 11, 2, 15, 4, 5, 0, time.UTC),
		"1793631845":                time.Date(2026, 11, 2, 15, 4, 5, 0, time.UTC),
		"1793631845.25":             time.Date(2026, 11, 2, 15, 4, 5, 250e6, time.UTC),
		"0s":                        now,
		"0":                         now,
		"1h30m":                     now.Add(-90 * time.Minute),
		"7d":                        now.AddDate(0, 0, -7),
		"-7d":                       now.AddDate(0, 0, -7),
		"now":                       now,
	} {
		got, err := past.ParseTime(text, now)
		if assert.NoError(t, err, text) {
			assert.True(t, want.Equal(got), "%s: got %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "yesterday", "NaN", "1e300", "-Inf", "15:04"} {
		_, err := past.ParseTime(text, now)
		assert.ErrorContains(t, err, "is neither a time", text)
	}
}
