package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/server"
)

const success, failure = "variant_exporter_config_last_reload_successful 1\n", "variant_exporter_config_last_reload_successful 0\n"

func TestReload(t *testing.T) {
	logs := &buffer{}
	released := make(chan struct{})
	opts := options(t)
	opts.EnableLifecycle = true
	opts.Logger = slog.New(slog.NewTextHandler(logs, nil))
	opts.Load = loads(
		func() (server.Loaded, error) {
			return server.Loaded{Evaluator: desire(3), Release: func() error { close(released); return nil }}, nil
		},
		bad(errors.New("no such file")),
		bad(&config.InvalidError{Diagnostics: config.Diagnostics{
			{File: "f.yml", Line: 3, Column: 5, Severity: config.SeverityError, Path: "models[0]", Message: "unknown field"},
		}}),
		ok(desire(5)),
	)
	srv := started(t, opts)
	url := "http://" + srv.Addr().String() + "/-/reload"
	for _, step := range []struct {
		name    string
		status  int
		body    string
		metrics []string
		logged  string
	}{
		{"missing file", 500, "no such file\n", []string{failure, "} 3\n"}, `err="no such file"`},
		{"bad file", 500, "f.yml:3:5: error: models[0]: unknown field\n", []string{failure, "} 3\n"}, `err="the file is not valid (1 remarks)"`},
		{"good file", 200, "Reloaded.\n", []string{success, "} 5\n"}, "The configuration was reloaded."},
	} {
		t.Run(step.name, func(t *testing.T) {
			if got := request(t, http.MethodPost, url); got.status != step.status || got.body != step.body {
				t.Errorf("got %d %q, want %d %q", got.status, got.body, step.status, step.body)
			}
			body := get(t, srv, "/metrics").body
			for _, want := range step.metrics {
				if !strings.Contains(body, want) {
					t.Errorf("the metrics lack %q", want)
				}
			}
			if !strings.Contains(logs.String(), step.logged) {
				t.Errorf("the log lacks %s:\n%s", step.logged, logs.String())
			}
		})
	}
	<-released
}

func TestReloadTimestampIsThatOfTheLastSuccess(t *testing.T) {
	opts := options(t)
	opts.Now = func() time.Time { return time.Unix(1_800_000_000, 0) }
	first := true
	opts.Load = func(context.Context) (server.Loaded, error) {
		if first {
			first = false
			return server.Loaded{Evaluator: desire(3)}, nil
		}
		return server.Loaded{}, errors.New("no")
	}
	srv := started(t, opts)
	if err := srv.Reload(t.Context()); err == nil {
		t.Fatal("the reload succeeded")
	}
	if body := get(t, srv, "/metrics").body; !strings.Contains(body, "variant_exporter_config_last_reload_success_timestamp_seconds 1.8e+09\n") {
		t.Error("a failed reload has changed the time of the last success")
	}
}

func TestReloadsAreOneAfterTheOther(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	opts := options(t)
	opts.EnableLifecycle = true
	loaded := false
	opts.Load = func(context.Context) (server.Loaded, error) {
		if loaded {
			entered <- struct{}{}
			<-leave
		}
		loaded = true
		return server.Loaded{Evaluator: desire(3)}, nil
	}
	srv := started(t, opts)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+srv.Addr().String()+"/-/reload", nil)
	if err != nil {
		t.Fatal(err)
	}
	first := doLater(client, req)
	<-entered

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := srv.Reload(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "wait for another reload") {
		t.Errorf("got %v, want that another reload is under way", err)
	}
	close(leave)
	if got := <-first; got.status != http.StatusOK {
		t.Errorf("the first reload got %d %q, want 200", got.status, got.body)
	}
	go func() { <-entered }()
	if err := srv.Reload(t.Context()); err != nil {
		t.Errorf("a reload after both: %v", err)
	}
}

func TestReloadOfAStoppedServer(t *testing.T) {
	srv := started(t, options(t))
	stop(t, srv)
	if err := srv.Reload(t.Context()); err == nil {
		t.Error("a stopped server has reloaded")
	}
}
