package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/server"
)

// until is an evaluator whose evaluations last until leave is closed.
func until(leave <-chan struct{}) evaluatorFunc {
	return func(_ context.Context, at time.Time) *collector.Snapshot {
		<-leave
		return wanting(3, at)
	}
}

// held is until, and tells of each evaluation when it begins.
func held(entered chan<- struct{}, leave <-chan struct{}) evaluatorFunc {
	return func(ctx context.Context, at time.Time) *collector.Snapshot {
		entered <- struct{}{}
		return until(leave)(ctx, at)
	}
}

func TestStopLetsAScrapeFinish(t *testing.T) {
	entered, leave, released := make(chan struct{}, 9), make(chan struct{}), make(chan struct{})
	opts := options(t)
	opts.Load = func(context.Context) (server.Loaded, error) {
		return server.Loaded{Evaluator: held(entered, leave), Release: func() error { close(released); return nil }}, nil
	}
	srv := started(t, opts)
	<-entered
	underWay := doLater(client, scrape(t, srv, "5")) // Not the budget of the server's own evaluation, so it does not join that.
	<-entered

	stopped := make(chan error, 1)
	go func() { stopped <- srv.Stop(t.Context()) }()
	// Before Stop, readiness is 503 too, because no evaluation has ended yet: only the text shows that Stop has begun.
	for deadline := time.Now().Add(10 * time.Second); ; {
		got := get(t, srv, "/-/ready")
		if got.status == http.StatusServiceUnavailable && strings.Contains(got.body, "stopping") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("readiness answers %d %q, want 503: the server is stopping", got.status, got.body)
		}
	}
	if got := get(t, srv, "/-/healthy"); got.status != http.StatusOK {
		t.Errorf("health is %d while stopping, want 200", got.status)
	}
	if got := get(t, srv, "/metrics"); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "stopping") {
		t.Errorf("a new scrape got %d %q, want 503: the server is stopping", got.status, got.body)
	}
	select {
	case err := <-stopped:
		t.Fatalf("stopped (%v) with a scrape under way", err)
	case <-released:
		t.Fatal("released what a scrape under way uses")
	default:
	}
	close(leave)
	if got := <-underWay; got.status != http.StatusOK || !strings.Contains(got.body, "variant_desired_replicas{") {
		t.Errorf("the scrape under way got %d %q, want its metrics", got.status, got.body)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	<-released
	if _, err := try(client, scrape(t, srv, "5")); err == nil {
		t.Error("the server still answers")
	}
	if err := srv.Stop(t.Context()); err != nil {
		t.Errorf("stop again: %v", err)
	}
}

func TestStopIsBounded(t *testing.T) {
	entered, leave := make(chan struct{}, 9), make(chan struct{})
	opts := options(t)
	opts.Load = loads(ok(held(entered, leave)))
	srv, err := server.New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	<-entered
	cut := doLater(client, scrape(t, srv, "5"))
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := srv.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop says %v, want that its time was over", err)
	}
	if got := <-cut; got.status != 0 {
		t.Errorf("the scrape was answered with %d, want its connection cut", got.status)
	}
	close(leave)
}

func TestStopBeforeStart(t *testing.T) {
	released := make(chan struct{})
	opts := options(t)
	opts.Load = func(context.Context) (server.Loaded, error) {
		return server.Loaded{Evaluator: desire(3), Release: func() error { close(released); return nil }}, nil
	}
	srv, err := server.New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, srv)
	<-released
	again := options(t)
	again.Web = listenOn(srv.Addr().String())
	started(t, again) // The address is free.
}

func TestSeveralAddresses(t *testing.T) {
	opts := options(t)
	opts.Web = listenOn("127.0.0.1:0", "127.0.0.1:0")
	srv := started(t, opts)
	if n := len(srv.Addrs()); n != 2 {
		t.Fatalf("%d addresses, want 2", n)
	}
	for _, addr := range srv.Addrs() {
		if got := request(t, http.MethodGet, "http://"+addr.String()+"/metrics"); got.status != http.StatusOK {
			t.Errorf("%s answers %d, want 200", addr, got.status)
		}
	}
}

func TestListenerThatFails(t *testing.T) {
	opts := options(t)
	srv, err := server.New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	*opts.Web.WebConfigFile = "testdata/none.yml" // The file vanishes between New, which has checked it, and Start.
	srv.Start()
	if err := <-srv.Failed(); err == nil || !strings.Contains(err.Error(), "serve on 127.0.0.1:") {
		t.Errorf("got %v, want which address is no longer served", err)
	}
	stop(t, srv)
}
