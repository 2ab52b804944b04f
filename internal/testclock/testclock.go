// Package testclock is a clock that tests move, and one of the processor time that they take.
package testclock

import (
	"sync"
	"time"
)

// Clock is a time that stands until it is set. It is safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// New is a clock that stands at a time.
func New(at time.Time) *Clock { return &Clock{at: at} }

// Now is the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Set moves the clock.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}
