package server_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

// held is until, and sends a value when an evaluation begins.
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
	underWay := doLater(client, scrape(t, srv, "20")) // Not the budget of the server's own evaluation, so it does not join that.
	<-entered

	stopped := make(chan error, 1)
	go func() { stopped <- srv.Stop(t.Context()) }()
	// Before Stop, readiness is 503 too, because no evaluation has ended yet: only the text shows that Stop has begun.
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		got := get(t, srv, "/-/ready")
		require.Equal(c, http.StatusServiceUnavailable, got.status)
		require.Contains(c, got.body, "stopping")
	}, waitFor, 5*time.Millisecond)
	assert.Equal(t, http.StatusOK, get(t, srv, "/-/healthy").status, "health while stopping")
	got := get(t, srv, "/metrics")
	assert.Equal(t, http.StatusServiceUnavailable, got.status, "a new scrape")
	assert.Contains(t, got.body, "stopping", "a new scrape")
	select {
	case err := <-stopped:
		t.Fatalf("stopped (%v) with a scrape under way", err)
	case <-released:
		t.Fatal("released what a scrape under way uses")
	default:
	}
	close(leave)
	got = <-underWay
	assert.Equal(t, http.StatusOK, got.status, "the scrape under way")
	assert.Contains(t, got.body, "variant_desired_replicas{", "the scrape under way")
	require.NoError(t, <-stopped, "stop")
	<-released
	_, err := try(client, scrape(t, srv, "20"))
	require.Error(t, err, "the server still answers")
	assert.NoError(t, srv.Stop(t.Context()), "stop again")
}

func TestStopIsBounded(t *testing.T) {
	entered, leave := make(chan struct{}, 9), make(chan struct{})
	opts := options(t)
	opts.Load = loads(ok(held(entered, leave)))
	srv, err := server.New(t.Context(), opts)
	require.NoError(t, err)
	srv.Start()
	<-entered
	cut := doLater(client, scrape(t, srv, "20"))
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, srv.Stop(ctx), context.DeadlineExceeded, "stop")
	assert.Zero(t, (<-cut).status, "the connection of the scrape is cut")
	close(leave)
}

func TestStopBeforeStart(t *testing.T) {
	released := make(chan struct{})
	opts := options(t)
	opts.Load = func(context.Context) (server.Loaded, error) {
		return server.Loaded{Evaluator: desire(3), Release: func() error { close(released); return nil }}, nil
	}
	srv, err := server.New(t.Context(), opts)
	require.NoError(t, err)
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
	require.Len(t, srv.Addrs(), 2)
	for _, addr := range srv.Addrs() {
		assert.Equal(t, http.StatusOK, request(t, http.MethodGet, "http://"+addr.String()+"/metrics").status)
	}
}

func TestListenerThatFails(t *testing.T) {
	opts := options(t)
	srv, err := server.New(t.Context(), opts)
	require.NoError(t, err)
	*opts.Web.WebConfigFile = "testdata/none.yml" // The file vanishes between New, which has checked it, and Start.
	srv.Start()
	err = <-srv.Failed()
	require.ErrorContains(t, err, "serve on 127.0.0.1:")
	stop(t, srv)
}
