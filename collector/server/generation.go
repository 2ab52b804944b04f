package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/past"
)

// Evaluator makes one evaluation for the time at, by the deadline of ctx. What goes wrong is in the snapshot, which is never
// nil.
type Evaluator interface {
	Evaluate(ctx context.Context, at time.Time) *collector.Snapshot
}

// Loaded is a configuration ready to be used.
type Loaded struct {
	Evaluator
	// Config is the configuration, and Remarks are about it; nil where there is none to show.
	Config  *config.Config
	Remarks config.Diagnostics
	// Past makes past decisions again; nil where there is no past to ask for.
	Past *past.Keeper
	// Release, if there is one, is called once, when the configuration is no longer in force and no evaluation uses it.
	Release func() error
}

// generation is a configuration that is or was in force, with a count of its users.
type generation struct {
	Loaded
	users sync.WaitGroup
}

// hold adds a user. The caller must be one already.
func (g *generation) hold() { g.users.Add(1) }

func (g *generation) letGo() { g.users.Done() }

// release waits for the last user and then frees what the configuration holds.
func (g *generation) release(logger *slog.Logger) {
	g.users.Wait()
	if g.Release == nil {
		return
	}
	if err := g.Release(); err != nil {
		logger.Error("Could not release a configuration that is no longer in force.", "err", err)
	}
}

// active is the configuration in force.
type active struct {
	mu  sync.Mutex
	now *generation // nil when the server has stopped
}

// use returns the configuration in force, or nil if there is none any more. The caller calls letGo when done with it.
func (a *active) use() *generation {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now != nil {
		a.now.hold() // Under the lock, so that no request starts to use a generation that is being released.
	}
	return a.now
}

// swap puts another configuration in force and returns the one before.
func (a *active) swap(next *generation) *generation {
	a.mu.Lock()
	defer a.mu.Unlock()
	previous := a.now
	a.now = next
	return previous
}
