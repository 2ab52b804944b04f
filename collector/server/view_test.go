package server_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector"
)

// TestViewersGetNothingCutShort holds that an evaluation that made room for another is not shown, at whatever time the clock stands.
func TestViewersGetNothingCutShort(t *testing.T) {
	calls, leave := make(chan int, 10), make(chan struct{})
	n := 0
	opts := options(t)
	opts.Now = func() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }
	opts.Load = loads(ok(evaluatorFunc(func(ctx context.Context, at time.Time) *collector.Snapshot {
		n++ // One evaluation at once.
		call := n
		calls <- call
		if call == 1 { // the server's own
			<-ctx.Done()
			return wanting(1, at)
		}
		<-leave
		if ctx.Err() != nil {
			return wanting(2, at)
		}
		return wanting(3, at)
	})))
	srv := started(t, opts)
	require.Equal(t, 1, <-calls)
	look := func() <-chan answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+srv.Addr().String()+"/api/v1/explain", nil)
		require.NoError(t, err)
		return doLater(client, req)
	}
	first := look()
	require.Equal(t, 2, <-calls)
	time.Sleep(50 * time.Millisecond) // The outcome of the first must not be kept meanwhile.
	second := look()
	time.Sleep(50 * time.Millisecond)
	close(leave)
	for _, got := range []answer{<-first, <-second} {
		assert.Equal(t, http.StatusOK, got.status)
		assert.Contains(t, got.body, `"desired": 3`)
	}
}
