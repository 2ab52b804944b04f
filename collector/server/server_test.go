package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

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
			if got.status != tc.status || !strings.Contains(got.body, tc.body) {
				t.Errorf("got %d %q, want %d and %q", got.status, got.body, tc.status, tc.body)
			}
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
	if got.status != http.StatusOK || !strings.Contains(got.body, "variant_desired_replicas{") {
		t.Errorf("with the telemetry path / it answers %d %q, want the metrics", got.status, got.body)
	}
	if !strings.Contains(got.body, "variant_exporter_build_info{") || !strings.Contains(got.body, "variant_exporter_config_last_reload_successful 1\n") {
		t.Error("build_info and the reload gauges are missing: they are not about the exporter's resources")
	}
	for _, prefix := range []string{"\ngo_", "\nprocess_", "\npromhttp_"} {
		if strings.Contains(got.body, prefix) {
			t.Errorf("there are metrics that start with %q, though they are disabled", prefix[1:])
		}
	}
	if got := get(t, srv, "/api/v1/explain"); got.status != http.StatusOK {
		t.Errorf("with the telemetry path / the API answers %d", got.status)
	}
	if got := get(t, srv, "/debug/pprof/cmdline"); got.status != http.StatusOK {
		t.Errorf("pprof answers %d, though it is enabled", got.status)
	}
	if got := request(t, http.MethodPost, "http://"+srv.Addr().String()+"/-/reload"); got.status != http.StatusOK {
		t.Errorf("reload answers %d %q, though it is enabled", got.status, got.body)
	}
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
				if got := get(t, srv, tc.prefix+path); got.status != http.StatusOK {
					t.Errorf("%s%s answers %d", tc.prefix, path, got.status)
				}
				outside := get(t, srv, "/elsewhere"+path)
				if outside.status != http.StatusNotFound {
					t.Errorf("/elsewhere%s answers %d", path, outside.status)
				}
			}
			redirects := map[string]string{"//inputs": "./../inputs", "/debug/pprof": "./../debug/pprof/"}
			if tc.prefix != "" {
				for path, want := range map[string]int{"/metrics": http.StatusNotFound, tc.prefix + "x/metrics": http.StatusNotFound} {
					if got := get(t, srv, path); got.status != want {
						t.Errorf("%s answers %d, want %d", path, got.status, want)
					}
				}
				redirects[""] = "./" + tc.prefix[strings.LastIndex(tc.prefix, "/")+1:] + "/"
				if to := location(t, srv, "/"); to != "."+tc.prefix+"/" {
					t.Errorf("/ leads to %q", to)
				}
			}
			for path, want := range redirects {
				if to := location(t, srv, tc.prefix+path); to != want {
					t.Errorf("%s%s leads to %q, want %q", tc.prefix, path, to, want)
				}
			}
		})
	}
}

// location is where a path leads to.
func location(t *testing.T, srv *server.Server, path string) string {
	t.Helper()
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := stay.Get("http://" + srv.Addr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		t.Errorf("%s answers %d", path, resp.StatusCode)
	}
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
			if _, err := server.New(t.Context(), opts); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
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
	if got := get(t, srv, "/-/ready"); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "no evaluation has been answered yet") {
		t.Errorf("got %d %q, want 503: no query has been answered", got.status, got.body)
	}
	if got := get(t, srv, "/-/healthy"); got.status != http.StatusOK {
		t.Errorf("got %d, want 200: a Prometheus that is down is not cured by a restart", got.status)
	}
	close(down)
	get(t, srv, "/metrics")
	if got := get(t, srv, "/-/ready"); got.status != http.StatusOK {
		t.Errorf("got %d %q, want 200 after a scrape with answers", got.status, got.body)
	}
}

func TestTooManyScrapes(t *testing.T) {
	leave := make(chan struct{})
	opts := options(t)
	opts.MaxRequests = 1
	opts.Load = loads(ok(until(leave)))
	srv := started(t, opts)
	first, second := doLater(client, scrape(t, srv, "10")), doLater(client, scrape(t, srv, "10"))
	var refused, served answer
	select {
	case refused = <-first:
		close(leave)
		served = <-second
	case refused = <-second:
		close(leave)
		served = <-first
	}
	if refused.status != http.StatusServiceUnavailable || !strings.Contains(refused.body, "--web.max-requests") {
		t.Errorf("one of two scrapes got %d %q, want 503 and the flag's name", refused.status, refused.body)
	}
	if served.status != http.StatusOK {
		t.Errorf("the other got %d, want 200", served.status)
	}
	if got := get(t, srv, "/metrics"); got.status != http.StatusOK {
		t.Errorf("a scrape after both got %d, want 200", got.status)
	}
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
	do(t, client, scrape(t, srv, "5"))
	if got := <-budgets; got > 4750*time.Millisecond || got < 4*time.Second {
		t.Errorf("the evaluation had %s, want just under 4.75s", got)
	}
}

func TestScrapeOfAnEvaluationThatHangs(t *testing.T) {
	leave := make(chan struct{})
	opts := options(t)
	opts.MaxTimeout, opts.TimeoutOffset = 50*time.Millisecond, 50*time.Millisecond
	opts.Load = loads(ok(until(leave)))
	srv := started(t, opts)
	t.Cleanup(func() { close(leave) })
	if got := get(t, srv, "/metrics"); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "did not end in time") {
		t.Errorf("got %d %q, want 503 in time", got.status, got.body)
	}
}
