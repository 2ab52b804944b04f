package e2e_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/cluster"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/load"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/observe"
)

const (
	// patience is how long anything may take. What is measured takes seconds; the machine may be busy.
	patience = 3 * time.Minute
	// settled is how long something must stay as it is to count as settled: several scrapes and looks of the autoscaler.
	settled = 3 * time.Second
)

// The Deployments, which have the names of the variants.
var (
	chatL4       = observe.Name{Namespace: "llm", Name: "chat-l4"}
	chatH100     = observe.Name{Namespace: "llm", Name: "chat-h100"}
	batchL4      = observe.Name{Namespace: "llm", Name: "batch-l4"}
	codeReserved = observe.Name{Namespace: "llm", Name: "code-reserved"}
	codeSpot     = observe.Name{Namespace: "llm", Name: "code-spot"}
	teamBChatL4  = observe.Name{Namespace: "team-b", Name: "chat-l4"}
)

func deployments() []observe.Name {
	return []observe.Name{chatL4, chatH100, batchL4, codeReserved, codeSpot, teamBChatL4}
}

// move is a change of load and what is planned for it.
type move struct {
	pool       *load.Pool
	users      int
	deployment observe.Name
	replicas   int
}

// moves changes the load and waits until the Deployment has the planned replicas. They must get there without going beyond, and stay.
func (c *chain) moves(t *testing.T, m move) {
	t.Helper()
	from := time.Now()
	before := c.recorder.Now(m.deployment).Spec
	m.pool.SetUsers(m.users)
	asked := c.wait(t, m.deployment, from, func(r observe.Replicas) bool { return r.Spec == m.replicas })
	ready := c.wait(t, m.deployment, from, func(r observe.Replicas) bool { return r.Spec == m.replicas && r.Ready == m.replicas })
	c.pause(t, settled)
	states := c.recorder.Since(m.deployment, from)
	for _, r := range states {
		if r.Spec < min(before, m.replicas) || r.Spec > max(before, m.replicas) {
			t.Errorf("%s went beyond %d to %d replicas: %s", m.deployment.Name, before, m.replicas, observe.Describe(states))
			break
		}
	}
	if now := states[len(states)-1].Spec; now != m.replicas {
		t.Errorf("%s does not stay at %d replicas: %s", m.deployment.Name, m.replicas, observe.Describe(states))
	}
	c.planned(t, m.deployment, m.replicas)
	t.Logf("%s: %d requests at once: spec.replicas %d -> %d after %.1f s, ready after %.1f s",
		m.deployment.Name, m.users, before, m.replicas, asked.Time.Sub(from).Seconds(), ready.Time.Sub(from).Seconds())
}

// planned requires that the optimum, before the guards, is so many replicas.
func (c *chain) planned(t *testing.T, d observe.Name, want int) {
	t.Helper()
	must(t, cluster.Eventually(t.Context(), "the plan is known", patience, func(ctx context.Context) error {
		return c.value(ctx, fmt.Sprintf("max(variant_planned_replicas{variant=%q,target_namespace=%q})", d.Name, d.Namespace), float64(want))
	}))
}

// value is nil when Prometheus has one sample for an expression, and it is the one that is wanted.
func (c *chain) value(ctx context.Context, expression string, want float64) error {
	vector, err := c.Query(ctx, expression)
	if err != nil {
		return err
	}
	if len(vector) != 1 || vector[0].Value != model.SampleValue(want) {
		return fmt.Errorf("%s is %v, want %g", expression, vector, want)
	}
	return nil
}

func (c *chain) wait(t *testing.T, d observe.Name, from time.Time, good func(observe.Replicas) bool) observe.Replicas {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	at, err := c.recorder.Wait(ctx, d, from, good)
	must(t, err)
	return at
}

// pause lets the chain run.
func (c *chain) pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// atRest waits until every Deployment has the replicas that the load of the beginning needs.
func (c *chain) atRest(t *testing.T, want map[observe.Name]int) {
	t.Helper()
	for d, replicas := range want {
		// The present state, not one of those before it.
		must(t, cluster.Eventually(t.Context(), fmt.Sprintf("%s has %d replicas", d.Name, replicas), patience, func(context.Context) error {
			if now := c.recorder.Now(d); now.Spec != replicas || now.Ready != replicas {
				return fmt.Errorf("%s/%s has %s", d.Namespace, d.Name, observe.Describe([]observe.Replicas{now}))
			}
			return nil
		}))
	}
}

// unchanged requires that no Deployment was asked for other replicas since a time.
func (c *chain) unchanged(t *testing.T, from time.Time) {
	t.Helper()
	for _, d := range deployments() {
		states := c.recorder.Since(d, from)
		for _, r := range states {
			if r.Spec != states[0].Spec {
				t.Errorf("%s/%s does not hold: %s", d.Namespace, d.Name, observe.Describe(states))
				break
			}
		}
	}
}
