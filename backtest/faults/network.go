package faults

import (
	"context"
	"errors"
	"net"
	"sync"
)

// errRefused is a connection that no server accepts.
var errRefused = errors.New("connection refused")

// Network connects clients to one server within the process, without sockets. It is the server's listener, and DialContext is the
// client's way to it. Its connections wait as testing/synctest wants them to.
type Network struct {
	dialed chan net.Conn
	closed chan struct{}
	once   sync.Once

	mu    sync.Mutex
	down  bool
	conns []net.Conn // of the server, since it was last up
}

// NewNetwork returns a network whose server is up.
func NewNetwork() *Network {
	return &Network{dialed: make(chan net.Conn), closed: make(chan struct{})}
}

// SetDown says whether the server is down: connections are then refused, and those that exist break.
func (n *Network) SetDown(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
	if !down {
		return
	}
	for _, c := range n.conns {
		_ = c.Close() // of a pipe, it does not fail
	}
	n.conns = nil
}

// connect makes a connection, if the server is up.
func (n *Network) connect() (client, server net.Conn, up bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		return nil, nil, false
	}
	client, server = net.Pipe()
	n.conns = append(n.conns, server)
	return client, server, true
}

// DialContext connects to the server, whatever the address.
func (n *Network) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	client, server, up := n.connect()
	if !up {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errRefused}
	}
	select {
	case n.dialed <- server:
		return client, nil
	case <-n.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Err: errRefused}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
}

// Accept implements net.Listener.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case c := <-n.dialed:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (n *Network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

// Addr implements net.Listener.
func (*Network) Addr() net.Addr { return &net.UnixAddr{Name: "in process", Net: "pipe"} }
