// Package promtest runs a real Prometheus server for tests.
package promtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	patience = 2 * time.Minute // until a server is ready, on a busy machine
	attempts = 5
)

// Server says how to run a Prometheus server.
type Server struct {
	Config func(address string) string // makes the configuration from the address that the server listens on; nil: an empty one
	Data   string                      // folder of samples; empty: a new one
	Flags  []string                    // further flags
}

// Start runs a server until the test ends, and returns its URL once it is ready. It skips the test if no prometheus is on PATH.
//
// Not every version says which port it got for port 0, so Start looks for a free one. Another process may take that before the server does:
// the server then ends, and Start tries another port.
func Start(t testing.TB, s Server) (url string) {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skipf("needs a real Prometheus: %v (Debian: apt-get install prometheus)", err)
	}
	if s.Data == "" {
		s.Data = filepath.Join(t.TempDir(), "data")
	}
	for range attempts {
		if url, ready := s.start(t, binary); ready {
			return url
		}
	}
	require.FailNow(t, "no Prometheus server becomes ready")
	return ""
}

// start runs the server on some port that is free, and reports whether it became ready.
func (s Server) start(t testing.TB, binary string) (url string, ready bool) {
	t.Helper()
	address := freeAddress(t)
	config := ""
	if s.Config != nil {
		config = s.Config(address)
	}
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, append([]string{
		"--config.file=" + file, "--storage.tsdb.path=" + s.Data, "--web.listen-address=" + address, "--log.level=warn",
	}, s.Flags...)...)
	var log bytes.Buffer // read after the end
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // An interrupted server may end either way.
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("prometheus on %s said:\n%s", address, &log)
		}
	})
	url = "http://" + address
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	waiting, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	for {
		if get(t, url+"/-/ready") != "" && strings.Contains(get(t, url+"/api/v1/status/flags"), s.Data) { // not another server on this port
			return url, true
		}
		select {
		case <-ended:
			return "", false
		case <-waiting.Done():
			return "", false
		case <-ticker.C:
		}
	}
}

// get returns what a URL answers, or nothing if that is no success.
func get(t testing.TB, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	return address
}
