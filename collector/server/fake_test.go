package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/decide"
	"github.com/variant-exporter/variant-exporter/collector/server"
)

// evaluatorFunc is an Evaluator made of a function.
type evaluatorFunc func(context.Context, time.Time) *collector.Snapshot

func (f evaluatorFunc) Evaluate(ctx context.Context, at time.Time) *collector.Snapshot {
	return f(ctx, at)
}

// desire always wants n replicas.
func desire(n int) evaluatorFunc {
	return func(_ context.Context, at time.Time) *collector.Snapshot { return wanting(n, at) }
}

func wanting(n int, at time.Time) *collector.Snapshot {
	return &collector.Snapshot{At: at, Decision: decide.Decision{Models: []collector.Model{{
		Name: "m", Namespace: "llm",
		Variants: []collector.Variant{{Name: "v", Desired: &n, Up: true}},
	}}}}
}

// loads yields one configuration after the other, the last for ever.
func loads(all ...func() (server.Loaded, error)) func(context.Context) (server.Loaded, error) {
	var mu sync.Mutex
	return func(context.Context) (server.Loaded, error) {
		mu.Lock()
		defer mu.Unlock()
		next := all[0]
		if len(all) > 1 {
			all = all[1:]
		}
		return next()
	}
}

func ok(e server.Evaluator) func() (server.Loaded, error) {
	return func() (server.Loaded, error) { return server.Loaded{Evaluator: e}, nil }
}

func bad(err error) func() (server.Loaded, error) {
	return func() (server.Loaded, error) { return server.Loaded{}, err }
}

func listenOn(addresses ...string) *web.FlagConfig {
	var systemd bool
	var file string
	return &web.FlagConfig{WebListenAddresses: &addresses, WebSystemdSocket: &systemd, WebConfigFile: &file}
}

// options are those of a server that wants three replicas.
func options(t *testing.T) server.Options {
	return server.Options{
		Load:          loads(ok(desire(3))),
		Web:           listenOn("127.0.0.1:0"),
		TelemetryPath: "/metrics",
		TimeoutOffset: 250 * time.Millisecond,
		MaxTimeout:    30 * time.Second,
		Logger:        slog.New(slog.NewTextHandler(t.Output(), nil)),
		Now:           time.Now,
	}
}

// started returns a running server, which the end of the test stops.
func started(t *testing.T, opts server.Options) *server.Server {
	t.Helper()
	srv, err := server.New(t.Context(), opts)
	require.NoError(t, err)
	srv.Start()
	t.Cleanup(func() { stop(t, srv) })
	return srv
}

// waitFor bounds every wait for something that happens soon, on a busy machine too.
const waitFor = time.Minute

// stop stops a server, and holds that it stops.
func stop(t *testing.T, srv *server.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitFor)
	defer cancel()
	assert.NoError(t, srv.Stop(ctx), "stop")
}

// answer is an HTTP answer, read to its end.
type answer struct {
	status int
	body   string
	header http.Header
}

// client keeps no connections, so that each request is a new one and none is left for goleak to find.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: waitFor}

func request(t *testing.T, method, url string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	return do(t, client, req)
}

func do(t *testing.T, c *http.Client, req *http.Request) answer {
	t.Helper()
	got, err := try(c, req)
	require.NoError(t, err)
	return got
}

// doLater is do in the background. An answer without a status is none.
func doLater(c *http.Client, req *http.Request) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		got, _ := try(c, req)
		answers <- got
	}()
	return answers
}

func try(c *http.Client, req *http.Request) (answer, error) {
	resp, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{resp.StatusCode, string(body), resp.Header}, nil
}

// scrape is a request for metrics as Prometheus makes it, with the seconds that it waits.
func scrape(t *testing.T, srv *server.Server, seconds string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+srv.Addr().String()+"/metrics", nil)
	require.NoError(t, err)
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", seconds)
	return req
}

func get(t *testing.T, srv *server.Server, path string) answer {
	t.Helper()
	return request(t, http.MethodGet, "http://"+srv.Addr().String()+path)
}

// eventually waits until a path answers with a status.
func eventually(t *testing.T, srv *server.Server, path string, status int) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		require.Equal(c, status, get(t, srv, path).status, path)
	}, waitFor, 5*time.Millisecond)
}

// buffer is a log that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
