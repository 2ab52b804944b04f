package server

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// maxConnections bounds the connections to one listener, each of which takes some 10 kB.
const maxConnections = 2048

// connections closes the connection on which nothing has begun for longest when there are too many, so that a client that opens many keeps
// no other out: one that says nothing, half a request, a request without the body that it announces, or one that does not read the answer.
// A connection whose request has a place is never closed.
type connections struct {
	limit  int
	mu     sync.Mutex
	turn   uint64
	since  map[net.Conn]uint64 // the turn at which each connection was opened, or a request on it began or ended
	placed map[net.Conn]int    // how many requests on it have a place
}

func newConnections(limit int) *connections {
	return &connections{limit: limit, since: map[net.Conn]uint64{}, placed: map[net.Conn]int{}}
}

// changed is an http.Server's ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.since, conn)
		return
	}
	c.turn++
	c.since[conn] = c.turn
	if len(c.since) > c.limit {
		c.closeOldest()
	}
}

// closeOldest makes room. The caller holds the lock.
func (c *connections) closeOldest() {
	var oldest net.Conn
	for conn, since := range c.since {
		if c.placed[conn] == 0 && (oldest == nil || since < c.since[oldest]) {
			oldest = conn
		}
	}
	if oldest != nil {
		delete(c.since, oldest)
		_ = oldest.Close() // It is the client who learns of it.
	}
}

// place counts requests of a connection that have a place.
func (c *connections) place(conn net.Conn, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.placed[conn] += n; c.placed[conn] == 0 {
		delete(c.placed, conn)
	}
}

// connectionKey is where the context of a request holds its connection.
type connectionKey struct{}

type connection struct {
	all *connections
	net.Conn
}

// remember is an http.Server's ConnContext.
func (c *connections) remember(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, connection{c, conn})
}

// keepOpen keeps the connection of a request that has a place, until the place is given back.
func keepOpen(r *http.Request) (giveBack func()) {
	conn, known := r.Context().Value(connectionKey{}).(connection)
	if !known {
		return func() {}
	}
	conn.all.place(conn.Conn, 1)
	return func() { conn.all.place(conn.Conn, -1) }
}
