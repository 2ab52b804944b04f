package server

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"golang.org/x/sync/semaphore"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// counter is a source that counts how many queries it has at once.
type counter struct {
	mu        sync.Mutex
	now, most atomic.Int32
}

func (c *counter) Query(context.Context, string, time.Time) (model.Vector, error) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	c.mu.Lock()
	c.most.Store(max(c.most.Load(), n))
	c.mu.Unlock()
	time.Sleep(time.Second)
	return nil, nil
}

func (c *counter) QueryRange(ctx context.Context, expr string, r v1.Range) (model.Matrix, error) {
	_, err := c.Query(ctx, expr, r.End)
	return nil, err
}

// TestConcurrencyIsThatOfTheProcess: two configurations share the limit, and a query that waits too long says why.
func TestConcurrencyIsThatOfTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		slots := semaphore.NewWeighted(2)
		var all sync.WaitGroup
		for range 5 {
			for _, q := range []promapi.RangeQuerier{limited{&c, slots}, limited{&c, slots}} {
				all.Go(func() { _, _ = q.Query(t.Context(), "up", time.Now()) })
			}
		}
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		_, err := limited{&c, slots}.QueryRange(hurried, "up", v1.Range{})
		assert.Equal(t, promapi.ReasonTimeout, promapi.ReasonOf(err))
		all.Wait()
		assert.Equal(t, int32(2), c.most.Load(), "queries at once")
	})
}
