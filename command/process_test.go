package command

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every wait for a process is bounded by this.
const patience = 90 * time.Second

// process is a program that a test has started.
type process struct {
	cmd    *exec.Cmd
	log    *syncBuffer
	exited chan struct{}
	err    error // of Wait; set before exited is closed
}

// start runs a program until the test ends. Its output is shown when the test fails.
func start(t testing.TB, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), log: &syncBuffer{}, exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	require.NoError(t, p.cmd.Start(), "start %s", name)
	go func() {
		defer close(p.exited)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		select {
		case <-p.exited:
		default:
			_ = p.cmd.Process.Kill() // It may end by itself meanwhile.
			<-p.exited
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(name), p.log)
		}
	})
	return p
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(sig), "send %s", sig)
}

// exit waits for the process to end and returns its exit code.
func (p *process) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatalf("%s does not end", p.cmd.Path)
	}
	if failed, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return failed.ExitCode()
	}
	require.NoError(t, p.err)
	return 0
}

// exporter is a running variant_exporter.
type exporter struct {
	*process
	url string
}

var listening = regexp.MustCompile(`"msg":"Listening on","address":"([^"]+)"`)

// startExporter runs the built program on a free port of the loopback interface.
func startExporter(t *testing.T, binary, configFile string, flags ...string) *exporter {
	t.Helper()
	e := &exporter{process: start(t, binary, append([]string{
		"--config.file=" + configFile, "--web.listen-address=127.0.0.1:0", "--log.format=json",
	}, flags...)...)}
	eventually(t, "the exporter says where it listens", func() bool {
		m := listening.FindStringSubmatch(e.log.String())
		if m != nil {
			e.url = "http://" + m[1]
		}
		return m != nil
	})
	return e
}

// eventually polls until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// fetch makes one request on a connection of its own.
func fetch(t testing.TB, method, url string) (status int, body string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, "", err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// get is fetch of something that must answer.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	status, body, err := fetch(t, http.MethodGet, url)
	require.NoError(t, err)
	return status, body
}

func write(t testing.TB, file, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// syncBuffer is a buffer that is read while a process writes to it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
