package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/server"
	"github.com/variant-exporter/variant-exporter/internal/long"
)

const crowd = 1000

// TestManyScrapes lets a thousand come at once. Each gets a whole answer, or is told that there are too many, and all share one
// evaluation.
func TestManyScrapes(t *testing.T) {
	for name, admitted := range map[string]int{"without a limit": crowd, "with the default limit": 40} {
		t.Run(name, func(t *testing.T) {
			var evaluations atomic.Int32
			leave := make(chan struct{})
			opts := options(t)
			opts.MaxTimeout = 5 * time.Minute
			if admitted < crowd {
				opts.MaxRequests = int64(admitted)
			}
			opts.Load = loads(ok(evaluatorFunc(func(ctx context.Context, at time.Time) *collector.Snapshot {
				deadline, _ := ctx.Deadline()
				if budget := time.Until(deadline); budget > time.Minute && budget < 2*time.Minute { // the crowd's
					evaluations.Add(1)
					<-leave
				}
				return wanting(3, at)
			})))
			srv := started(t, opts)
			patient := &http.Client{Transport: client.Transport, Timeout: 2 * time.Minute}
			answers := make(chan answer, crowd)
			for range crowd {
				req := scrape(t, srv, "120")
				go func() {
					got, _ := try(patient, req)
					answers <- got
				}()
			}
			for range crowd - admitted { // the others are refused at once
				got := <-answers
				assert.Equal(t, http.StatusServiceUnavailable, got.status, got.body)
			}
			if admitted == crowd {
				await(t, srv, admitted)
			}
			close(leave)
			for range admitted {
				got := <-answers
				assert.Equal(t, http.StatusOK, got.status, got.body)
				assert.Equal(t, 3, gauge(t, got.body, "variant_desired_replicas"))
			}
			assert.Equal(t, int32(1), evaluations.Load())
		})
	}
}

// await waits until so many scrapes are under way.
func await(t *testing.T, srv *server.Server, scrapes int) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		families, err := srv.Metrics().Gather()
		require.NoError(c, err)
		i := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == "promhttp_metric_handler_requests_in_flight" })
		require.GreaterOrEqual(c, i, 0)
		require.Equal(c, scrapes, int(families[i].GetMetric()[0].GetGauge().GetValue()))
	}, waitFor, 10*time.Millisecond)
}

// gauge reads a gauge of one series from an exposition, which must be whole.
func gauge(t *testing.T, body, name string) int {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return -1
	}
	if len(families[name].GetMetric()) == 0 {
		return -1
	}
	return int(families[name].GetMetric()[0].GetGauge().GetValue())
}

// many is a snapshot whose exposition is larger than what the network buffers.
func many(at time.Time) *collector.Snapshot {
	s := wanting(3, at)
	for i := range 1000 {
		name := fmt.Sprintf("variant-%d-%s", i, strings.Repeat("x", 8000))
		s.Models[0].Variants = append(s.Models[0].Variants, collector.Variant{Name: name})
	}
	return s
}

// dawdle asks for metrics and reads the head of the answer only.
func dawdle(t *testing.T, srv *server.Server) (net.Conn, *http.Response) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(64 << 10) // The network must not take the whole answer.
	_, err = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), nil)
	require.NoError(t, err)
	return conn, resp
}

// TestSlowReader holds that one who does not read takes nothing but his own place, and gets a whole answer once he does.
func TestSlowReader(t *testing.T) {
	opts := options(t)
	opts.MaxRequests = 2
	opts.Load = loads(ok(evaluatorFunc(func(_ context.Context, at time.Time) *collector.Snapshot { return many(at) })))
	srv := started(t, opts)
	_, resp := dawdle(t, srv)
	for range 5 {
		got := get(t, srv, "/metrics")
		require.Equal(t, http.StatusOK, got.status, got.body)
	}
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, 3, gauge(t, string(body), "variant_desired_replicas"), "the slow reader got %d bytes", len(body))
	assert.NoError(t, resp.Body.Close())
}

// TestManySlowReaders holds that they keep no other client out: when they are too many, the one that began first is cut off.
func TestManySlowReaders(t *testing.T) {
	opts := options(t)
	opts.MaxRequests = 1
	opts.Load = loads(ok(evaluatorFunc(func(_ context.Context, at time.Time) *collector.Snapshot { return many(at) })))
	srv := started(t, opts)
	var first *http.Response
	for range 12 { // more than 32 MiB
		_, resp := dawdle(t, srv)
		if first == nil {
			first = resp
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	assert.Equal(t, http.StatusOK, get(t, srv, "/metrics").status)
	_, err := io.ReadAll(first.Body)
	assert.Error(t, err, "the first slow reader is not cut off")
}

// TestReaderThatLeaves holds that one who goes in the middle of an answer leaves his place, and so does one who goes while it is
// worked out, and takes the evaluation with him.
func TestReaderThatLeaves(t *testing.T) {
	entered, canceled := make(chan struct{}), make(chan struct{})
	var waiting atomic.Bool
	opts := options(t)
	opts.MaxRequests = 1
	opts.Load = loads(ok(evaluatorFunc(func(ctx context.Context, at time.Time) *collector.Snapshot {
		if waiting.Load() {
			entered <- struct{}{}
			<-ctx.Done()
			canceled <- struct{}{}
		}
		return many(at)
	})))
	srv := started(t, opts)
	eventually(t, srv, "/-/ready", http.StatusOK)
	for range 3 {
		eventually(t, srv, "/metrics", http.StatusOK)
		conn, resp := dawdle(t, srv)
		require.Equal(t, http.StatusOK, get(t, srv, "/metrics").status, "a slow reader holds no place")
		require.NoError(t, conn.Close())
		_ = resp.Body.Close() // there is nothing left of it
	}
	eventually(t, srv, "/metrics", http.StatusOK)
	waiting.Store(true)
	ctx, leave := context.WithCancel(t.Context())
	gone := doLater(client, scrape(t, srv, "15").WithContext(ctx))
	<-entered
	leave()
	<-gone
	<-canceled
	waiting.Store(false)
	eventually(t, srv, "/metrics", http.StatusOK)
}

// TestStopAndReloadUnderLoad reloads again and again while scrapes come from all sides, and stops in the middle of it. Until then
// every scrape is answered, by one configuration or the other; nothing that comes is half an answer.
func TestStopAndReloadUnderLoad(t *testing.T) {
	var released atomic.Int32
	loaded := 0
	opts := options(t)
	opts.Load = func(context.Context) (server.Loaded, error) {
		loaded++
		return server.Loaded{Evaluator: desire(3 + loaded%2), Release: func() error { released.Add(1); return nil }}, nil
	}
	srv := started(t, opts)
	var stopping atomic.Bool
	var clients sync.WaitGroup
	var answered atomic.Int32
	for range 8 {
		clients.Go(func() {
			for {
				late := stopping.Load()
				got, err := try(client, scrape(t, srv, "10"))
				switch {
				case err == nil && got.status == http.StatusOK:
					answered.Add(1)
					assert.Contains(t, []int{3, 4}, gauge(t, got.body, "variant_desired_replicas"))
				case !late && !stopping.Load():
					t.Errorf("got %d, error %v, before the server stops", got.status, err)
					return
				default:
					return // it is refused, or the server does not listen any more
				}
			}
		})
	}
	for i := range int32(50) {
		require.Eventually(t, func() bool { return answered.Load() > i }, waitFor, time.Millisecond, "some scrape lies between two reloads")
		require.NoError(t, srv.Reload(t.Context()))
	}
	stopping.Store(true)
	stop(t, srv)
	clients.Wait()
	assert.Equal(t, loaded, int(released.Load()), "all configurations are released")
}

// TestConnectionsThatStop opens more connections than the server keeps, each of which stops in the middle. A scrape is answered all the
// same, before the server closes them for what they do not send.
func TestConnectionsThatStop(t *testing.T) {
	const connections = 2200 // of 2048
	for name, kind := range map[string]struct {
		sent string
		long bool
	}{
		"before they begin":         {"", false},
		"after a byte":              {"G", true},
		"in a header":               {"GET /metrics HTTP/1.1\r\nHost: x\r\nX-", false},
		"before a body":             {"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", true},
		"in a body":                 {"POST /api/v1/what-if HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", false},
		"in a body that is ignored": {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", true},
	} {
		t.Run(name, func(t *testing.T) {
			if kind.long {
				long.Test(t)
			}
			opts := options(t)
			opts.MaxRequests = 4
			srv := started(t, opts)
			var conns []net.Conn
			for range connections {
				conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Addr().String())
				if errors.Is(err, syscall.EMFILE) {
					t.Skipf("needs %d open files", 2*connections)
				}
				require.NoError(t, err)
				t.Cleanup(func() { _ = conn.Close() })
				_, _ = io.WriteString(conn, kind.sent) // It may be closed already.
				conns = append(conns, conn)
			}
			hurried := &http.Client{Transport: client.Transport, Timeout: 8 * time.Second} // a header may take ten
			for range 3 {
				got := do(t, hurried, scrape(t, srv, "5"))
				assert.Equal(t, http.StatusOK, got.status, got.body)
				assert.Equal(t, 3, gauge(t, got.body, "variant_desired_replicas"))
			}
			assert.Equal(t, http.StatusOK, get(t, srv, "/").status, "a page")
			assert.GreaterOrEqual(t, ended(conns), connections-2048)
		})
	}
}

// ended counts the connections that the other side has closed.
func ended(conns []net.Conn) (n int) {
	for _, conn := range conns {
		_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := io.Copy(io.Discard, conn); !errors.Is(err, os.ErrDeadlineExceeded) {
			n++
		}
	}
	return n
}

// TestEndlessBody sends a body without end. What is read of it is bounded.
func TestEndlessBody(t *testing.T) {
	srv := started(t, options(t))
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(4 * time.Second))
	_, err = io.WriteString(conn, "POST /api/v1/what-if HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n")
	total, block := 0, make([]byte, 64<<10)
	for err == nil && total < 128<<20 {
		var n int
		n, err = conn.Write(block)
		total += n
	}
	assert.LessOrEqual(t, total, 32<<20, "bytes taken of a body")
}

// TestPagesDoNotStarveScrapes: however many look at pages, scrapes have places of their own.
func TestPagesDoNotStarveScrapes(t *testing.T) {
	leave := make(chan struct{})
	opts := options(t)
	opts.MaxRequests = 1
	opts.Load = loads(ok(until(leave)))
	srv := started(t, opts)
	page := func() <-chan answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+srv.Addr().String()+"/", nil)
		require.NoError(t, err)
		return doLater(client, req)
	}
	first, second := page(), page()
	var refused answer
	select { // One has the place of pages.
	case refused = <-first:
	case refused = <-second:
	}
	assert.Equal(t, http.StatusServiceUnavailable, refused.status, "one of two pages")
	scraped := doLater(client, scrape(t, srv, "10"))
	time.Sleep(50 * time.Millisecond) // By now it waits for an evaluation, or was refused.
	close(leave)
	got := <-scraped
	assert.Equal(t, http.StatusOK, got.status, "a scrape while pages wait: %s", got.body)
}

// TestSlowBodies sends as many bodies as the server reads at once, and never ends them. A further one is refused at once, scrapes go on,
// and after five seconds there is room again.
func TestSlowBodies(t *testing.T) {
	srv := started(t, options(t))
	post := func() (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+srv.Addr().String()+"/api/v1/what-if", strings.NewReader("x"))
		require.NoError(t, err)
		got := do(t, client, req)
		return got.status, got.body
	}
	const readAtOnce = 16
	var answers []*bufio.Reader
	for range readAtOnce {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		_, err = io.WriteString(conn, "POST /api/v1/what-if HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
		require.NoError(t, err)
		answers = append(answers, bufio.NewReader(conn))
	}
	status, body := post()
	for deadline := time.Now().Add(4 * time.Second); status != http.StatusServiceUnavailable && time.Now().Before(deadline); { // the time of a body is 5 s
		status, body = post() // The last of them is not read yet.
	}
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, body, "too many requests with a body at once")
	assert.Equal(t, http.StatusOK, do(t, client, scrape(t, srv, "5")).status, "a scrape while slow bodies are read")
	for _, r := range answers {
		resp, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		_ = resp.Body.Close()
		assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode, "a slow body")
	}
	status, _ = post()
	assert.Equal(t, http.StatusBadRequest, status, "x is not a question")
}
