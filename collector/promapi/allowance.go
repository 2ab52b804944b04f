package promapi

import (
	"context"
	"fmt"
	"sync"
)

// Allowance is the memory that answers may take together. Each query has an account of it. One may take as much as it leaves to the
// others, so a source that answers too much fails alone, and gives back what it took.
type Allowance struct {
	mu   sync.Mutex
	left int64
}

// NewAllowance allows so many bytes; nil, which has no bound, for 0.
func NewAllowance(bytes int64) *Allowance {
	if bytes <= 0 {
		return nil
	}
	return &Allowance{left: bytes}
}

type accountKey struct{}

// Account opens an account for the queries that are asked with the context. Close it when their answers are not read any more.
func (a *Allowance) Account(ctx context.Context) (withAccount context.Context, closeAccount func()) {
	if a == nil {
		return ctx, func() {}
	}
	c := &account{of: a}
	return context.WithValue(ctx, accountKey{}, c), c.close
}

func accountOf(ctx context.Context) *account {
	c, _ := ctx.Value(accountKey{}).(*account)
	return c
}

// account is what one query has taken. Without one nothing is counted.
type account struct {
	of  *Allowance
	own int64
}

// alwaysAllowed is what a query may take in any case, so that others cannot keep it from a usual answer.
const alwaysAllowed = 64 << 10

// spend takes memory, or gives it back.
func (c *account) spend(bytes int) error {
	if c == nil {
		return nil
	}
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	n := int64(bytes)
	if n > 0 && c.own+n > alwaysAllowed && c.own+n > c.of.left-n {
		return &Error{Reason: ReasonTooLarge, Err: fmt.Errorf(
			"the answer takes more memory than the other answers leave: over %d bytes", max(c.own, alwaysAllowed),
		)}
	}
	c.own += n
	c.of.left -= n
	return nil
}

func (c *account) close() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.left += c.own
	c.own = 0
}

// What answers take in memory, by how they are read.
const (
	bodyShare      = 2   // the buffer of a body grows by doubling
	seriesBytes    = 96  // of a series with known labels
	labelsBytes    = 320 // of new labels, in addition to their text, where there are few
	fewLabels      = 8
	labelBytes     = 64 // of each label more
	histogramShare = 8  // of how a native histogram is written
	pairBytes      = 16
	pairsAtOnce    = 1024
)

// maxLabels bounds the labels of a series.
const maxLabels = 1000
