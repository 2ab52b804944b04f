package server

import (
	"net"
	"net/http"
	"sync"
)

// maxConnections bounds the connections to one listener, each of which takes some 10 kB.
const maxConnections = 2048

// connections closes the connection that has been quiet for longest when there are too many, so that whoever opens many and says
// nothing keeps nobody else out. One that is being served is never closed.
type connections struct {
	limit int
	mu    sync.Mutex
	turn  uint64
	quiet map[net.Conn]uint64 // new or idle, with the turn since when
	busy  map[net.Conn]bool
}

func newConnections(limit int) *connections {
	return &connections{limit: limit, quiet: map[net.Conn]uint64{}, busy: map[net.Conn]bool{}}
}

// changed is an http.Server's ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.quiet, conn)
	delete(c.busy, conn)
	switch state {
	case http.StateNew, http.StateIdle:
		c.turn++
		c.quiet[conn] = c.turn
	case http.StateActive:
		c.busy[conn] = true
	case http.StateClosed, http.StateHijacked:
		return
	}
	if len(c.quiet)+len(c.busy) <= c.limit {
		return
	}
	var oldest net.Conn
	for other, since := range c.quiet {
		if oldest == nil || since < c.quiet[oldest] {
			oldest = other
		}
	}
	if oldest != nil {
		delete(c.quiet, oldest)
		_ = oldest.Close() // It is the client who learns of it.
	}
}
