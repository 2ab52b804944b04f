package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/server"
)

func TestPaths(t *testing.T) {
	srv := started(t, options(t))
	eventually(t, srv, "/-/ready", http.StatusOK)
	for _, tc := range []struct {
		method, path string
		status       int
		body         string // is contained
	}{
		{"GET", "/", 200, `href="metrics"`},
		{"GET", "/model", 404, "Name a model: id=namespace/name"},
		{"GET", "/model?id=llm/m", 200, "<h1>m "},
		{"GET", "/inputs", 200, "<h1>Inputs"},
		{"GET", "/configuration", 200, "not a file that could be shown"},
		{"GET", "/what-if", 200, "<h1>What if"},
		{"POST", "/what-if", 405, ""},
		{"GET", "/?at=2h", 400, "cannot ask for the past"},
		{"GET", "/api/v1/history", 503, "cannot ask for the past"},
		{"GET", "/metrics", 200, `variant_desired_replicas{model="m",target_namespace="llm",variant="v"} 3`},
		{"GET", "/metrics", 200, "variant_exporter_build_info{"},
		{"GET", "/metrics", 200, "variant_exporter_config_last_reload_successful 1\n"},
		{"GET", "/metrics", 200, "process_start_time_seconds "},
		{"GET", "/metrics", 200, "go_goroutines "},
		{"GET", "/metrics", 200, "promhttp_metric_handler_requests_total{"},
		{"GET", "/-/healthy", 200, "Healthy.\n"},
		{"GET", "/-/ready", 200, "Ready.\n"},
		{"HEAD", "/", 200, ""},
		{"HEAD", "/metrics", 200, ""},
		{"HEAD", "/-/healthy", 200, ""},
		{"HEAD", "/-/ready", 200, ""},
		{"POST", "/metrics", 405, ""},
		{"DELETE", "/-/ready", 405, ""},
		{"GET", "/-/reload", 405, ""},
		{"POST", "/-/reload", 403, "start with --web.enable-lifecycle"},
		{"GET", "/debug/pprof/", 404, ""},
		{"GET", "/metrics/below", 404, ""},
		{"GET", "/nothing", 404, ""},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			got := request(t, tc.method, "http://"+srv.Addr().String()+tc.path)
			assert.Equal(t, tc.status, got.status, got.body)
			assert.Contains(t, got.body, tc.body)
		})
	}
}

func TestOptionalPaths(t *testing.T) {
	opts := options(t)
	opts.TelemetryPath = "/"
	opts.EnablePprof = true
	opts.EnableLifecycle = true
	opts.DisableExporterMetrics = true
	srv := started(t, opts)
	got := get(t, srv, "/")
	assert.Equal(t, http.StatusOK, got.status, "with the telemetry path /")
	assert.Contains(t, got.body, "variant_desired_replicas{", "with the telemetry path /")
	assert.Contains(t, got.body, "variant_exporter_build_info{", "build_info and the reload gauges are not about the exporter's resources")
	assert.Contains(t, got.body, "variant_exporter_config_last_reload_successful 1\n", "build_info and the reload gauges are not about the exporter's resources")
	for _, prefix := range []string{"\ngo_", "\nprocess_", "\npromhttp_"} {
		assert.NotContains(t, got.body, prefix, "they are disabled")
	}
	assert.Equal(t, http.StatusOK, get(t, srv, "/api/v1/explain").status, "with the telemetry path / the API")
	assert.Equal(t, http.StatusOK, get(t, srv, "/debug/pprof/cmdline").status, "pprof is enabled")
	got = request(t, http.MethodPost, "http://"+srv.Addr().String()+"/-/reload")
	assert.Equal(t, http.StatusOK, got.status, "reload is enabled: %s", got.body)
}

// TestPrefix holds all paths to stand below a prefix, and redirects to stay where the client is.
func TestPrefix(t *testing.T) {
	for _, tc := range []struct{ external, route, prefix string }{
		{"", "", ""},
		{"https://tools.example", "", ""},
		{"https://tools.example/a/variants/", "", "/a/variants"},
		{"/variants", "", "/variants"},
		{"", "variants/", "/variants"},
		{"https://tools.example/a/variants", "/", ""},
		{"https://tools.example/a", "/b", "/b"},
	} {
		t.Run(tc.external+" "+tc.route, func(t *testing.T) {
			opts := options(t)
			opts.ExternalURL, opts.RoutePrefix, opts.EnablePprof = tc.external, tc.route, true
			srv := started(t, opts)
			for _, path := range []string{"/metrics", "/-/healthy", "/api/v1/explain", "/inputs", "/", "/assets/app.js"} {
				assert.Equal(t, http.StatusOK, get(t, srv, tc.prefix+path).status, "%s%s", tc.prefix, path)
				outside := get(t, srv, "/elsewhere"+path)
				assert.Equal(t, http.StatusNotFound, outside.status, "/elsewhere%s", path)
			}
			redirects := map[string]string{"//inputs": "./../inputs", "/debug/pprof": "./../debug/pprof/"}
			if tc.prefix != "" {
				for path, want := range map[string]int{"/metrics": http.StatusNotFound, tc.prefix + "x/metrics": http.StatusNotFound} {
					assert.Equal(t, want, get(t, srv, path).status)
				}
				redirects[""] = "./" + tc.prefix[strings.LastIndex(tc.prefix, "/")+1:] + "/"
				assert.Equal(t, "."+tc.prefix+"/", location(t, srv, "/"))
			}
			for path, want := range redirects {
				assert.Equal(t, want, location(t, srv, tc.prefix+path), "%s%s", tc.prefix, path)
			}
		})
	}
}

// location is where a path leads to.
func location(t *testing.T, srv *server.Server, path string) string {
	t.Helper()
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := stay.Get("http://" + srv.Addr().String() + path)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	assert.GreaterOrEqual(t, resp.StatusCode, 300, path)
	assert.LessOrEqual(t, resp.StatusCode, 399, path)
	return resp.Header.Get("Location")
}

func TestInvalidOptions(t *testing.T) {
	taken := started(t, options(t)).Addr().String()
	for _, tc := range []struct {
		name   string
		change func(*server.Options)
		want   string
	}{
		{"no longest evaluation", func(o *server.Options) { o.MaxTimeout = 0 }, "the longest evaluation must take some time, not 0s"},
		{"negative offset", func(o *server.Options) { o.TimeoutOffset = -1 }, "the timeout offset must not be negative: -1ns"},
		{"negative number of scrapes", func(o *server.Options) { o.MaxRequests = -1 }, "the number of scrapes at once must not be negative: -1"},
		{"relative path", func(o *server.Options) { o.TelemetryPath = "metrics" }, `metrics cannot be served at "metrics"`},
		{"path with a pattern", func(o *server.Options) { o.TelemetryPath = "/{x}" }, `metrics cannot be served at "/{x}"`},
		{"path that cleaning changes", func(o *server.Options) { o.TelemetryPath = "/a/../b" }, `metrics cannot be served at "/a/../b"`},
		{"path of a page", func(o *server.Options) { o.TelemetryPath = "/inputs" }, `metrics cannot be served at "/inputs"`},
		{"reserved path", func(o *server.Options) { o.TelemetryPath = "/-/ready" }, `metrics cannot be served at "/-/ready"`},
		{"path of the API", func(o *server.Options) { o.TelemetryPath = "/api/v1/plan" }, `metrics cannot be served at "/api/v1/plan"`},
		{"external URL without a host", func(o *server.Options) { o.ExternalURL = "tools/variants" }, `the external URL "tools/variants" is not valid`},
		{"external URL with a query", func(o *server.Options) { o.ExternalURL = "https://a.example/?b" }, `the external URL "https://a.example/?b" is not valid`},
		{"external URL with credentials", func(o *server.Options) { o.ExternalURL = "https://me:it@a.example/" }, "is not valid: want http or https"},
		{"prefix with a pattern", func(o *server.Options) { o.RoutePrefix = "/{x}" }, `paths cannot begin with "/{x}"`},
		{"no addresses", func(o *server.Options) { o.Web = listenOn() }, "no address to listen on"},
		{"no sockets from systemd", func(o *server.Options) { *o.Web.WebSystemdSocket = true }, "systemd has passed no sockets"},
		{"address in use", func(o *server.Options) { o.Web = listenOn("127.0.0.1:0", taken) }, "address already in use: does another exporter run?"},
		{"no web configuration", func(o *server.Options) { *o.Web.WebConfigFile = "testdata/none.yml" }, "web configuration testdata/none.yml:"},
		{"no configuration", func(o *server.Options) { o.Load = loads(bad(errors.New("not today"))) }, "not today"},
		{"no loader", func(o *server.Options) { o.Load = nil }, "Load, Web, Logger and Now are required"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			opts := options(t)
			tc.change(&opts)
			_, err := server.New(t.Context(), opts)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func TestReadyAfterTheFirstAnswer(t *testing.T) {
	down := make(chan struct{})
	opts := options(t)
	opts.Load = loads(ok(evaluatorFunc(func(_ context.Context, at time.Time) *collector.Snapshot {
		snapshot := wanting(3, at)
		select {
		case <-down:
		default:
			snapshot.Inputs = []collector.Input{{Name: "x", Err: &promapi.Error{Reason: promapi.ReasonConnection, Err: errors.New("refused")}}}
		}
		return snapshot
	})))
	srv := started(t, opts)
	get(t, srv, "/metrics")
	got := get(t, srv, "/-/ready")
	assert.Equal(t, http.StatusServiceUnavailable, got.status, "no query has been answered")
	assert.Contains(t, got.body, "no evaluation has been answered yet", "no query has been answered")
	assert.Equal(t, http.StatusOK, get(t, srv, "/-/healthy").status, "a Prometheus that is down is not cured by a restart")
	close(down)
	get(t, srv, "/metrics")
	got = get(t, srv, "/-/ready")
	assert.Equal(t, http.StatusOK, got.status, got.body)
}

func TestTooManyScrapes(t *testing.T) {
	leave := make(chan struct{})
	opts := options(t)
	opts.MaxRequests = 1
	opts.Load = loads(ok(until(leave)))
	srv := started(t, opts)
	first, second := doLater(client, scrape(t, srv, "20")), doLater(client, scrape(t, srv, "20"))
	var refused, served answer
	select {
	case refused = <-first:
		close(leave)
		served = <-second
	case refused = <-second:
		close(leave)
		served = <-first
	}
	assert.Equal(t, http.StatusServiceUnavailable, refused.status, "one of two scrapes")
	assert.Contains(t, refused.body, "--web.max-requests", "one of two scrapes")
	assert.Equal(t, http.StatusOK, served.status, "the other")
	assert.Equal(t, http.StatusOK, get(t, srv, "/metrics").status, "a scrape after both")
}

func TestScrapeDeadlineReachesTheEvaluation(t *testing.T) {
	budgets := make(chan time.Duration, 9)
	opts := options(t)
	opts.Load = loads(ok(evaluatorFunc(func(ctx context.Context, at time.Time) *collector.Snapshot {
		deadline, _ := ctx.Deadline()
		budgets <- time.Until(deadline)
		return wanting(3, at)
	})))
	srv := started(t, opts)
	<-budgets // The server's own evaluation.
	do(t, client, scrape(t, srv, "20"))
	got := <-budgets
	assert.LessOrEqual(t, got, 19750*time.Millisecond)
	assert.GreaterOrEqual(t, got, 10*time.Second)
}

func TestScrapeOfAnEvaluationThatHangs(t *testing.T) {
	leave := make(chan struct{})
	opts := options(t)
	opts.MaxTimeout, opts.TimeoutOffset = 50*time.Millisecond, 50*time.Millisecond
	opts.Load = loads(ok(until(leave)))
	srv := started(t, opts)
	t.Cleanup(func() { close(leave) })
	got := get(t, srv, "/metrics")
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.Contains(t, got.body, "did not end in time")
}
