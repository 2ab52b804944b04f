package server

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOneRunsOneWaits: whatever time-outs a crowd names, one evaluation runs at a time, and those who wait share the next.
func TestOneRunsOneWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: 3 * s}
		crowd := []wait{{0, 9 * s, 8 * s}}
		for i := range 100 {
			crowd = append(crowd, wait{s, 9 * s, time.Duration(i+1) * 97 * time.Millisecond})
		}
		got := run(t, e, crowd...)
		assert.Equal(t, int32(2), e.calls.Load())
		require.NoError(t, got[0].err)
		assert.Equal(t, 3*s, got[0].after, "the first")
	})
}

// TestOneWhoHangsMakesRoom: an evaluation that hangs ends when its turn is over and another one waits.
func TestOneWhoHangsMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: time.Hour}
		got := run(t, e, wait{0, 60 * s, 50 * s}, wait{s, 10 * s, 9 * s})
		require.NoError(t, got[0].err)
		assert.Equal(t, turn, got[0].after, "the first")
		require.NoError(t, got[1].err)
		assert.Equal(t, 10*s, got[1].after, "the second")
	})
}

// TestNearlyEqualTimeouts: scrapers whose time-outs differ by little share an evaluation.
func TestNearlyEqualTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slowEvaluator{takes: 3 * s}
		run(t, e, wait{0, 9 * s, 9750 * time.Millisecond}, wait{s, 9 * s, 9700 * time.Millisecond}, wait{2 * s, 9 * s, 9900 * time.Millisecond})
		assert.Equal(t, int32(1), e.calls.Load())
	})
}

// TestReaderOfOneByteASecond reads too slowly for ever. It is cut off when its time is over, however little is left to be read at once.
func TestReaderOfOneByteASecond(t *testing.T) {
	all := sending{timeout: 300 * time.Millisecond}
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := &held{header: http.Header{}}
		_, _ = answer.Write(make([]byte, maxSending/2))
		all.send(w, answer)
		close(ended)
	}))
	defer server.Close()
	defer server.CloseClientConnections()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	for range 500 {
		select {
		case <-ended:
			return
		case <-time.After(20 * time.Millisecond):
			_, _ = conn.Read(make([]byte, 1))
		}
	}
	t.Error("a reader of one byte each 20 ms still gets its answer after 10 s, want 300 ms")
}

func TestRoundedBudgets(t *testing.T) {
	for budget, want := range map[time.Duration]time.Duration{
		9750 * time.Millisecond: 9 * s, 9900 * time.Millisecond: 9 * s, 19750 * time.Millisecond: 18 * s, s: s,
		1: 0, 0: 0,
	} {
		assert.Equal(t, want, rounded(budget), budget)
	}
}

// deafConn is a connection of which only the end is of interest.
type deafConn struct {
	net.Conn
	closed atomic.Bool
}

func (c *deafConn) Close() error { c.closed.Store(true); return nil }

// TestConnectionsMakeRoom opens more connections than allowed. The oldest goes whose request has no place, if it has any.
func TestConnectionsMakeRoom(t *testing.T) {
	c := newConnections(3)
	conns := []*deafConn{{}, {}, {}, {}, {}}
	c.changed(conns[0], http.StateNew)
	c.changed(conns[0], http.StateActive)
	c.place(conns[0], 1)
	c.changed(conns[1], http.StateNew)
	c.changed(conns[1], http.StateActive)
	for _, conn := range conns[2:] {
		c.changed(conn, http.StateNew)
	}
	for i, want := range []bool{false, true, true, false, false} {
		assert.Equal(t, want, conns[i].closed.Load(), "connection %d is closed", i)
	}
	assert.Len(t, c.since, 3)
	c.place(conns[0], -1)
	c.changed(conns[0], http.StateClosed)
	assert.Empty(t, c.placed, "a connection that is closed is remembered")
	assert.Len(t, c.since, 2, "a connection that is closed is remembered")
}
