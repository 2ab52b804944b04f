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
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/server"
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
			for range crowd - admitted { // whoever is not let in is told so at once
				if got := <-answers; got.status != http.StatusServiceUnavailable {
					t.Errorf("got %d %q, want 503 for all but %d", got.status, got.body, admitted)
				}
			}
			if admitted == crowd {
				await(t, srv, admitted)
			}
			close(leave)
			for range admitted {
				if got := <-answers; got.status != http.StatusOK || gauge(t, got.body, "variant_desired_replicas") != 3 {
					t.Errorf("got %d %q, want three replicas", got.status, got.body)
				}
			}
			if n := evaluations.Load(); n != 1 {
				t.Errorf("%d evaluations for %d scrapes, want one", n, crowd)
			}
		})
	}
}

// await waits until so many scrapes are under way beside the one that it asks by.
func await(t *testing.T, srv *server.Server, scrapes int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for under := 0.; under <= float64(scrapes); {
		if time.Now().After(deadline) {
			t.Fatalf("%g scrapes are under way, want %d", under, scrapes)
		}
		under = gauge(t, do(t, client, scrape(t, srv, "20")).body, "promhttp_metric_handler_requests_in_flight")
	}
}

// gauge reads a gauge of one series from an exposition, which must be whole.
func gauge(t *testing.T, body, name string) float64 {
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
	return families[name].GetMetric()[0].GetGauge().GetValue()
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
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(64 << 10) // The network must not take the whole answer.
	if _, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), nil)
	if err != nil {
		t.Fatal(err)
	}
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
		if got := get(t, srv, "/metrics"); got.status != http.StatusOK {
			t.Fatalf("got %d %q beside a slow reader, want 200", got.status, got.body)
		}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || gauge(t, string(body), "variant_desired_replicas") != 3 {
		t.Errorf("the slow reader got %d bytes, error %v", len(body), err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
}

// TestManySlowReaders holds that they keep nobody out: whoever began to read first is cut off when they are too many.
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
	if got := get(t, srv, "/metrics"); got.status != http.StatusOK {
		t.Errorf("got %d beside slow readers, want 200", got.status)
	}
	if _, err := io.ReadAll(first.Body); err == nil {
		t.Error("the first slow reader is not cut off")
	}
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
		if got := get(t, srv, "/metrics"); got.status != http.StatusOK {
			t.Fatalf("got %d beside a slow reader, want 200: he holds no place", got.status)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
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
					if n := gauge(t, got.body, "variant_desired_replicas"); n != 3 && n != 4 {
						t.Errorf("%g replicas, want 3 or 4", n)
					}
				case !late && !stopping.Load():
					t.Errorf("got %d, error %v, before the server stops", got.status, err)
					return
				default:
					return // it is refused, or nobody listens any more
				}
			}
		})
	}
	deadline := time.Now().Add(time.Minute)
	for i := range int32(50) {
		for answered.Load() <= i { // some scrape lies between two reloads
			if time.Now().After(deadline) {
				t.Fatal("no scrape is answered")
			}
			runtime.Gosched()
		}
		if err := srv.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	}
	stopping.Store(true)
	stop(t, srv)
	clients.Wait()
	if int(released.Load()) != loaded {
		t.Errorf("%d of %d configurations released", released.Load(), loaded)
	}
}

// TestConnectionsThatStop opens more connections than the server keeps, each of which stops in the middle. A scrape beside them is
// answered in its time.
func TestConnectionsThatStop(t *testing.T) {
	const connections = 2200 // of 2048
	for name, sent := range map[string]string{
		"before they begin":          "",
		"after a byte":               "G",
		"in a header":                "GET /metrics HTTP/1.1\r\nHost: x\r\nX-",
		"before a body":              "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
		"in a body":                  "POST /api/v1/what-if HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
		"in a body that nobody asks": "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			opts := options(t)
			opts.MaxRequests = 4
			srv := started(t, opts)
			var conns []net.Conn
			for range connections {
				conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Addr().String())
				if errors.Is(err, syscall.EMFILE) {
					t.Skipf("needs %d open files", 2*connections)
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = conn.Close() })
				_, _ = io.WriteString(conn, sent) // It may be closed already.
				conns = append(conns, conn)
			}
			hurried := &http.Client{Transport: client.Transport, Timeout: 5 * time.Second}
			for range 3 {
				if got := do(t, hurried, scrape(t, srv, "5")); got.status != http.StatusOK || gauge(t, got.body, "variant_desired_replicas") != 3 {
					t.Errorf("got %d %q, want three replicas", got.status, got.body)
				}
			}
			if got := get(t, srv, "/"); got.status != http.StatusOK {
				t.Errorf("a page answers %d beside them", got.status)
			}
			if n := ended(conns); n < connections-2048 {
				t.Errorf("%d connections were closed, want at least %d", n, connections-2048)
			}
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
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(4 * time.Second))
	_, err = io.WriteString(conn, "POST /api/v1/what-if HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n")
	total, block := 0, make([]byte, 64<<10)
	for err == nil && total < 128<<20 {
		var n int
		n, err = conn.Write(block)
		total += n
	}
	if total > 32<<20 {
		t.Errorf("%d bytes of a body were taken", total)
	}
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
		if err != nil {
			t.Fatal(err)
		}
		return doLater(client, req)
	}
	first, second := page(), page()
	var refused answer
	select { // One has the place of pages.
	case refused = <-first:
	case refused = <-second:
	}
	if refused.status != http.StatusServiceUnavailable {
		t.Errorf("one of two pages got %d, want 503", refused.status)
	}
	scraped := doLater(client, scrape(t, srv, "10"))
	time.Sleep(50 * time.Millisecond) // It waits for an evaluation, or was refused.
	close(leave)
	if got := <-scraped; got.status != http.StatusOK {
		t.Errorf("a scrape beside pages got %d %q, want 200", got.status, got.body)
	}
}

// TestSlowBodies sends the bodies of as many requests as are read at once, and never ends them. Whoever comes beside them is told so at
// once, scrapes go on, and after five seconds there is room again.
func TestSlowBodies(t *testing.T) {
	srv := started(t, options(t))
	post := func() (int, string) {
		hurried := &http.Client{Transport: client.Transport, Timeout: 5 * time.Second}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+srv.Addr().String()+"/api/v1/what-if", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		got := do(t, hurried, req)
		return got.status, got.body
	}
	const readAtOnce = 16
	var answers []*bufio.Reader
	for range readAtOnce {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(conn, "POST /api/v1/what-if HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, bufio.NewReader(conn))
	}
	status, body := post()
	for deadline := time.Now().Add(4 * time.Second); status != http.StatusServiceUnavailable && time.Now().Before(deadline); {
		status, body = post() // The last of them is not read yet.
	}
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "too many requests with a body at once") {
		t.Errorf("got %d %q beside slow bodies, want 503", status, body)
	}
	if got := do(t, client, scrape(t, srv, "5")); got.status != http.StatusOK {
		t.Errorf("a scrape beside slow bodies got %d, want 200", got.status)
	}
	for _, r := range answers {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a slow body got %d, want 503", resp.StatusCode)
		}
	}
	if status, body := post(); status != http.StatusBadRequest {
		t.Errorf("got %d %q after them, want 400: x is no question", status, body)
	}
}
