package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/server"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// fleet is the outcome of planning for models with one variant each.
func fleet(t *testing.T, models ...string) server.Evaluator {
	t.Helper()
	var problem optimizer.Problem
	for _, name := range models {
		problem.Models = append(problem.Models, optimizer.Model{
			Name: "llm/" + name, Demand: map[string]float64{"concurrency": 900},
			Variants: []optimizer.Variant{{Name: name, Cost: 4.1, Capacity: map[string]float64{"concurrency": 256}, Uses: map[string]float64{}}},
		})
	}
	plan, err := optimizer.Solve(problem, optimizer.Options{})
	require.NoError(t, err)
	return evaluatorFunc(func(_ context.Context, at time.Time) *collector.Snapshot {
		s := &collector.Snapshot{
			At:       at,
			Inputs:   []collector.Input{{Name: "up", Query: `a{b="<c>"}`, Series: new(1), Matched: new(1)}, {Name: "down", Query: "d"}},
			Decision: decide.Decision{Problem: problem, Solution: plan, Plan: collector.Plan{Status: plan.Status, Cost: &plan.Cost}},
		}
		s.Inputs[1].Fail(&promapi.Error{Reason: promapi.ReasonConnection, Err: errors.New("refused")})
		for m, name := range models {
			s.Models = append(s.Models, collector.Model{Name: name, Namespace: "llm", Shortfall: &plan.Models[m].Shortfall, Variants: []collector.Variant{{
				Name: name, Planned: &plan.Models[m].Variants[0].Replicas, Desired: &plan.Models[m].Variants[0].Replicas, Reason: optimizer.ReasonDemand, Up: true,
			}}})
		}
		return s
	})
}

// doubtful is an Evaluator that doubts some models.
type doubtful struct {
	server.Evaluator
	doubts map[string]string
}

func (d doubtful) Doubts(_ context.Context, _ *collector.Snapshot, models []string) []string {
	var all []string
	for _, m := range models {
		if doubt := d.doubts[m]; doubt != "" {
			all = append(all, doubt)
		}
	}
	return all
}

// TestExplanationDoubts: what deserves a look is told of the models that are asked about.
func TestExplanationDoubts(t *testing.T) {
	srv := serving(t, doubtful{fleet(t, "org/a", "org/b"), map[string]string{"llm/org/a": "it hangs"}})
	for path, want := range map[string][]string{
		"/api/v1/explain": {"it hangs"}, "/api/v1/explain?model=org/a": {"it hangs"}, "/api/v1/explain?model=org/b": nil,
	} {
		var got explain.Explanation
		decode(t, request(t, http.MethodGet, "http://"+srv.Addr().String()+path), http.StatusOK, &got)
		assert.Equal(t, want, got.Doubts, path)
	}
}

func serving(t *testing.T, e server.Evaluator) *server.Server {
	opts := options(t)
	opts.Load = loads(ok(e))
	return started(t, opts)
}

// decode reads an answer of the API, which must say what it is and not be kept.
func decode(t *testing.T, got answer, status int, into any) {
	t.Helper()
	require.Equal(t, status, got.status, got.body)
	assert.Equal(t, "application/json", got.header.Get("Content-Type"))
	assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
	assert.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
	d := json.NewDecoder(strings.NewReader(got.body))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(into), got.body)
}

func TestExplanation(t *testing.T) {
	srv := serving(t, fleet(t, "org/a", "org/b"))
	for _, tc := range []struct {
		path string
		want []string
	}{
		{"/api/v1/explain", []string{"llm/org/a", "llm/org/b"}},
		{"/api/v1/explain?model=", []string{"llm/org/a", "llm/org/b"}},
		{"/api/v1/explain?model=org/b", []string{"llm/org/b"}},
		{"/api/v1/explain?model=" + url.QueryEscape("llm/org/b"), []string{"llm/org/b"}},
	} {
		var e explain.Explanation
		decode(t, get(t, srv, tc.path), http.StatusOK, &e)
		var got []string
		for _, m := range e.Models {
			got = append(got, m.ID())
			assert.Equal(t, 4, *m.Variants[0].Desired)
		}
		assert.Equal(t, tc.want, got, tc.path)
	}
	var failed struct{ Error string }
	decode(t, get(t, srv, "/api/v1/explain?model=c"), http.StatusNotFound, &failed)
	assert.Equal(t, "there is no model c; there is llm/org/a, llm/org/b", failed.Error)
}

// TestPlanIsWhatSolveReads has the planner read the problem and find the plan beside it.
func TestPlanIsWhatSolveReads(t *testing.T) {
	var got struct {
		Time    time.Time
		Problem json.RawMessage
		Plan    json.RawMessage
	}
	decode(t, get(t, serving(t, fleet(t, "a", "b")), "/api/v1/plan"), http.StatusOK, &got)
	problem, err := optimizer.ParseProblem(got.Problem)
	require.NoError(t, err)
	plan, err := optimizer.Solve(problem, optimizer.Options{})
	require.NoError(t, err)
	want, err := json.Marshal(plan)
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(got.Plan))
}

func TestNoPlan(t *testing.T) {
	for name, tc := range map[string]struct {
		snapshot *collector.Snapshot
		want     string
	}{
		"nothing known": {&collector.Snapshot{}, "nothing could be planned: /api/v1/explain says what is missing"},
		"refused":       {&collector.Snapshot{Decision: decide.Decision{Plan: collector.Plan{Error: "check problem: too large"}}}, "there is no plan: check problem: too large"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serving(t, evaluatorFunc(func(context.Context, time.Time) *collector.Snapshot { return tc.snapshot }))
			var failed struct{ Error string }
			decode(t, get(t, srv, "/api/v1/plan"), http.StatusServiceUnavailable, &failed)
			assert.Equal(t, tc.want, failed.Error)
			var e explain.Explanation
			decode(t, get(t, srv, "/api/v1/explain"), http.StatusOK, &e)
		})
	}
}

func TestInputs(t *testing.T) {
	var got struct {
		Time   time.Time
		Inputs []collector.Input
	}
	decode(t, get(t, serving(t, fleet(t, "a")), "/api/v1/inputs"), http.StatusOK, &got)
	require.Len(t, got.Inputs, 2)
	assert.Equal(t, `a{b="<c>"}`, got.Inputs[0].Query)
	assert.Equal(t, promapi.ReasonConnection, got.Inputs[1].Failure)
	assert.Equal(t, "connection: refused", got.Inputs[1].Error)
	assert.Nil(t, got.Inputs[1].Series)
}

// TestMethodsOfTheAPI holds that the API and the page take the same methods as the metrics.
func TestMethodsOfTheAPI(t *testing.T) {
	srv := serving(t, fleet(t, "a"))
	for _, path := range []string{"/", "/api/v1/explain", "/api/v1/plan", "/api/v1/inputs"} {
		head := request(t, http.MethodHead, "http://"+srv.Addr().String()+path)
		assert.Equal(t, http.StatusOK, head.status, path)
		assert.Empty(t, head.body, path)
		assert.Equal(t, "no-store", head.header.Get("Cache-Control"), path)
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
			assert.Equal(t, http.StatusMethodNotAllowed, request(t, method, "http://"+srv.Addr().String()+path).status, method+" "+path)
		}
	}
	assert.Equal(t, http.StatusNotFound, get(t, srv, "/api/v1/explain/a").status)
	assert.Equal(t, http.StatusNotFound, get(t, srv, "/api/v1").status)
}

// TestLimitsOfTheAPI holds that what is not scraped counts against the same limits, and is told of them in its own format.
func TestLimitsOfTheAPI(t *testing.T) {
	leave := make(chan struct{})
	entered := make(chan struct{}, 9)
	opts := options(t)
	opts.MaxRequests, opts.MaxTimeout, opts.TimeoutOffset = 1, waitFor, 0
	opts.Load = loads(ok(held(entered, leave)))
	srv := started(t, opts)
	<-entered // the server's own
	first := doLater(client, scrape(t, srv, "30"))
	<-entered
	answers := make(chan answer, 2)
	for range 2 { // One takes the only slot of pages, and waits for the scrape's evaluation.
		explained, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+srv.Addr().String()+"/api/v1/explain", nil)
		require.NoError(t, err)
		go func() {
			got, _ := try(client, explained)
			answers <- got
		}()
	}
	var failed struct{ Error string }
	decode(t, <-answers, http.StatusServiceUnavailable, &failed)
	assert.Contains(t, failed.Error, "--web.max-requests")
	page := get(t, srv, "/")
	assert.Equal(t, http.StatusServiceUnavailable, page.status)
	assert.Contains(t, page.body, "--web.max-requests")
	assert.Contains(t, page.body, `href="-/healthy"`)
	close(leave)
	assert.Equal(t, http.StatusOK, (<-first).status)
	assert.NotZero(t, (<-answers).status)
}

// TestWhatIfsAtOnce holds that questions beyond the few that are planned at once are refused, and that there is room again after them.
func TestWhatIfsAtOnce(t *testing.T) {
	srv := serving(t, fleet(t, "a"))
	release := srv.HoldWhatIfs()
	post := func() answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+srv.Addr().String()+"/api/v1/what-if", strings.NewReader("{}"))
		require.NoError(t, err)
		return do(t, client, req)
	}
	refused := post()
	var failed struct{ Error string }
	decode(t, refused, http.StatusServiceUnavailable, &failed)
	assert.Equal(t, "2 what-if questions are being planned: try again in a second", failed.Error)
	assert.Equal(t, "1", refused.header.Get("Retry-After"))
	assert.Contains(t, get(t, srv, "/what-if?all=2").body, "2 what-if questions are being planned")
	release()
	assert.Equal(t, http.StatusOK, post().status)
}

// TestEvaluationThatHangsOnTheAPI holds that its time ends as a scrape's does.
func TestEvaluationThatHangsOnTheAPI(t *testing.T) {
	leave := make(chan struct{})
	opts := options(t)
	opts.MaxTimeout, opts.TimeoutOffset = 50*time.Millisecond, 50*time.Millisecond
	opts.Load = loads(ok(until(leave)))
	srv := started(t, opts)
	t.Cleanup(func() { close(leave) })
	for _, path := range []string{"/api/v1/explain", "/api/v1/plan", "/api/v1/inputs"} {
		var failed struct{ Error string }
		decode(t, get(t, srv, path), http.StatusServiceUnavailable, &failed)
		assert.Contains(t, failed.Error, "did not end in time")
	}
}

// TestAuthenticationOfTheAPI holds that nothing beside the metrics is open either.
func TestAuthenticationOfTheAPI(t *testing.T) {
	file, trusting := webConfig(t)
	opts := options(t)
	opts.Load = loads(ok(fleet(t, "a")))
	*opts.Web.WebConfigFile = file
	srv := started(t, opts)
	for _, path := range []string{"/", "/model?id=llm/a", "/inputs", "/configuration", "/what-if", "/assets/app.js", "/api/v1/explain", "/api/v1/plan", "/api/v1/inputs"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+srv.Addr().String()+path, nil)
		require.NoError(t, err)
		assert.Equal(t, http.StatusUnauthorized, do(t, trusting, req).status, path)
		req.SetBasicAuth("prometheus", "secret")
		assert.Equal(t, http.StatusOK, do(t, trusting, req).status, path)
	}
}

// TestSharedEvaluations holds that a page, an explanation and a scrape that come together make one evaluation.
func TestSharedEvaluations(t *testing.T) {
	entered, leave := make(chan struct{}, 9), make(chan struct{})
	opts := options(t)
	opts.Load = loads(ok(held(entered, leave)))
	srv := started(t, opts)
	<-entered // the server's own, which has the time of a client that names none
	var answers []<-chan answer
	for _, path := range []string{"/", "/api/v1/explain", "/api/v1/inputs", "/metrics"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+srv.Addr().String()+path, nil)
		require.NoError(t, err)
		answers = append(answers, doLater(client, req))
	}
	require.Never(t, func() bool { return len(entered) > 0 }, 100*time.Millisecond, 10*time.Millisecond)
	close(leave)
	for _, got := range answers {
		assert.Equal(t, http.StatusOK, (<-got).status)
	}
}

// TestNoCredentials holds that the credentials of a configuration are nowhere in what is served.
func TestNoCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yml")
	require.NoError(t, os.WriteFile(file, []byte(`
prometheus:
  url: http://127.0.0.1:1
  http_config:
    basic_auth: {username: someone, password: s3cret}
    http_headers: {X-Scope-OrgID: {secrets: [t0ken]}}
models:
  - name: m
    namespace: llm
    presets: [vllm]
    variants: [{name: v, cost: 1, capacity: {concurrency: 96}}]
`), 0o600))
	opts := options(t)
	opts.Load = server.NewLoader(server.LoaderOptions{
		ConfigFile: file, Timeout: time.Second, Concurrency: 4, Logger: opts.Logger, Now: time.Now, Failed: func(error) {},
	}).Load
	srv := started(t, opts)
	for _, path := range []string{"/", "/inputs", "/configuration", "/what-if", "/model?id=llm/m", "/api/v1/explain", "/api/v1/inputs", "/api/v1/plan", "/api/v1/history?range=15m"} {
		got := get(t, srv, path)
		assert.NotContains(t, got.body, "s3cret", path)
		assert.NotContains(t, got.body, "t0ken", path)
		if path == "/configuration" {
			assert.Contains(t, got.body, "someone", "who is no secret in the file itself")
			continue
		}
		assert.NotContains(t, got.body, "someone", path)
		assert.True(t, path == "/api/v1/plan" || path == "/what-if" || strings.Contains(got.body, "connection"), path)
	}
}
