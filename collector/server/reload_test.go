package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
			{File: "f.yml", Line: 2, Column: 1, Severity: config.SeverityWarning, Path: "labels", Message: "a doubt"},
			{File: "f.yml", Line: 3, Column: 5, Severity: config.SeverityError, Path: "models[0]", Message: "unknown field", Hint: "try <b>", Snippet: "secret"},
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
		page    string
	}{
		{"missing file", 500, "no such file\n", []string{failure, "} 3\n"}, `err="no such file"`, " UTC: no such file<"},
		{"bad file", 500, "f.yml:3:5: error: models[0]: unknown field\n    3 | secret\n      |     ^\n      = try <b>\n", []string{failure, "} 3\n"}, `err="the file is not valid (2 remarks)"`, " UTC: line 3: models[0]: unknown field: try &lt;b&gt;<"},
		{"good file", 200, "Reloaded.\n", []string{success, "} 5\n"}, "The configuration was reloaded.", ""},
	} {
		t.Run(step.name, func(t *testing.T) {
			got := request(t, http.MethodPost, url)
			assert.Equal(t, step.status, got.status)
			assert.Equal(t, step.body, got.body)
			body := get(t, srv, "/metrics").body
			for _, want := range step.metrics {
				assert.Contains(t, body, want)
			}
			assert.Contains(t, logs.String(), step.logged)
			for _, page := range []string{"/", "/configuration"} {
				shown := get(t, srv, page).body
				if step.page == "" {
					assert.NotContains(t, shown, "not in force", page)
					continue
				}
				assert.Contains(t, shown, "The file on disk is not in force. It was refused at ", page)
				assert.Contains(t, shown, step.page, page)
				assert.NotContains(t, shown, "secret", page)
				assert.NotContains(t, shown, "no remarks", page)
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
	require.Error(t, srv.Reload(t.Context()), "the reload succeeded")
	assert.Contains(t, get(t, srv, "/metrics").body, "variant_exporter_config_last_reload_success_timestamp_seconds 1.8e+09\n", "a failed reload has changed the time of the last success")
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
	require.NoError(t, err)
	first := doLater(client, req)
	<-entered

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err = srv.Reload(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "wait for another reload")
	close(leave)
	got := <-first
	assert.Equal(t, http.StatusOK, got.status, "the first reload: %s", got.body)
	go func() { <-entered }()
	assert.NoError(t, srv.Reload(t.Context()), "a reload after both")
}

func TestReloadOfAStoppedServer(t *testing.T) {
	srv := started(t, options(t))
	stop(t, srv)
	assert.Error(t, srv.Reload(t.Context()), "a stopped server has reloaded")
}
