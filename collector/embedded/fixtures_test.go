package embedded_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// waitFor is how long a test waits for something that a running engine does in its own time.
const waitFor = time.Minute

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func load(t *testing.T, format string, args ...any) *promconfig.Config {
	t.Helper()
	cfg, err := promconfig.Load(fmt.Sprintf(format, args...), promslog.NewNopLogger())
	require.NoError(t, err)
	return cfg
}

func open(t *testing.T, cfg embedded.Config) *embedded.Engine {
	t.Helper()
	engine, err := embedded.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	return engine
}

// run scrapes until the test ends.
func run(t *testing.T, engine *embedded.Engine) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(context.Background()) }()
	t.Cleanup(func() {
		require.NoError(t, engine.Close())
		require.NoError(t, <-ended)
	})
}

// target serves one text on /metrics, which may be replaced.
type target struct {
	*httptest.Server
	text   atomic.Pointer[string]
	status atomic.Int32
}

func newTarget(t *testing.T, text string) *target {
	t.Helper()
	s := &target{}
	s.text.Store(&text)
	s.status.Store(http.StatusOK)
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		w.WriteHeader(int(s.status.Load()))
		fmt.Fprint(w, *s.text.Load())
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *target) address() string { return strings.TrimPrefix(s.URL, "http://") }

// ask returns an answer as sorted lines, or the reason why there is none.
func ask(t *testing.T, q promapi.Querier, expr string, at time.Time) []string {
	t.Helper()
	vector, err := q.Query(t.Context(), expr, at)
	if err != nil {
		return []string{"error: " + string(promapi.ReasonOf(err))}
	}
	return lines(vector)
}

func lines(vector model.Vector) []string {
	out := make([]string, 0, len(vector))
	for _, s := range vector {
		out = append(out, fmt.Sprintf("%s %v", s.Metric, s.Value))
	}
	slices.Sort(out)
	return out
}

// eventually waits until a query, asked at the present time, is answered by want.
func eventually(t *testing.T, q promapi.Querier, expr string, want ...string) {
	t.Helper()
	var got []string
	deadline := time.Now().Add(waitFor)
	for time.Now().Before(deadline) {
		if got = ask(t, q, expr, time.Now()); slices.Equal(got, want) {
			return
		}
		select {
		case <-t.Context().Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatalf("%s: got %q, want %q", expr, got, want)
}
