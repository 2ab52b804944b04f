// Package load sends requests through an inference gateway to the model servers of pods. A gateway sends a request to a server that
// has room for it and holds the others in its queue, and shows both under the names of llm-d's endpoint picker (EPP).
package load

import (
	"context"
	"slices"
	"sync"
)

// Pool is the gateway's side of one model: the servers that there are, and the requests that are held or were sent on.
type Pool struct {
	namespace, name, model string

	mu        sync.Mutex
	endpoints []*endpoint
	waiting   []chan *endpoint // first come, first served
	running   int
	longest   int // that waiting was
	users     []context.CancelFunc
}

// endpoint is one model server.
type endpoint struct {
	name, url  string
	slots, use int
	gone       context.Context //nolint:containedctx // It is what ends the requests of an endpoint that is removed.
	remove     context.CancelFunc
}

// NewPool returns a pool without servers, for a model in a namespace.
func NewPool(namespace, name, model string) *Pool {
	return &Pool{namespace: namespace, name: name, model: model}
}

// Model returns the name of the model.
func (p *Pool) Model() string { return p.model }

// Add makes a server known that takes so many requests at once.
func (p *Pool) Add(name, url string, slots int) {
	gone, remove := context.WithCancel(context.Background())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endpoints = append(p.endpoints, &endpoint{name: name, url: url, slots: slots, gone: gone, remove: remove})
	p.dispatch()
}

// Remove forgets a server. Requests that it holds fail, and are sent again by those who want an answer.
func (p *Pool) Remove(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endpoints = slices.DeleteFunc(p.endpoints, func(e *endpoint) bool {
		if e.name == name {
			e.remove()
		}
		return e.name == name
	})
}

// LongestQueue returns how many requests have waited at once since it was asked before.
func (p *Pool) LongestQueue() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest := p.longest
	p.longest = len(p.waiting)
	return longest
}

// acquire returns a server for a request, which is in the gateway's queue until there is one.
func (p *Pool) acquire(ctx context.Context) (*endpoint, error) {
	turn := make(chan *endpoint, 1)
	p.mu.Lock()
	p.waiting = append(p.waiting, turn)
	p.dispatch()
	p.mu.Unlock()
	select {
	case e := <-turn:
		return e, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	p.waiting = slices.DeleteFunc(p.waiting, func(w chan *endpoint) bool { return w == turn })
	p.mu.Unlock()
	select {
	case e := <-turn: // both at once
		p.release(e)
	default:
	}
	return nil, ctx.Err()
}

// release ends a request, and gives its place to the next.
func (p *Pool) release(e *endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.use--
	p.running--
	p.dispatch()
}

// dispatch sends requests on to the servers that have most room, as long as any has. The lock is held.
func (p *Pool) dispatch() {
	for len(p.waiting) > 0 {
		e := p.roomiest()
		if e == nil {
			break
		}
		e.use++
		p.running++
		p.waiting[0] <- e
		p.waiting = p.waiting[1:]
	}
	p.longest = max(p.longest, len(p.waiting))
}

// roomiest returns the server that has room for most requests, nil where none has for any.
func (p *Pool) roomiest() *endpoint {
	var best *endpoint
	for _, e := range p.endpoints {
		if e.use < e.slots && (best == nil || e.slots-e.use > best.slots-best.use) {
			best = e
		}
	}
	return best
}
