package collector

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/diagnose"
)

// asideTime bounds what is found out for the log.
const asideTime = 5 * time.Second

// aside finds out, for the log, what models lack, beside the evaluations: none waits for it. There is one such work at a time.
type aside struct {
	mu     sync.Mutex
	due    map[string]bool    // the IDs of models of which the log has said that they lack something, and not what
	cancel context.CancelFunc // of the work under way; nil for none
	closed bool
	work   sync.WaitGroup
}

// Close ends what goes on in the background, and waits for its end. An evaluator that is closed may still evaluate.
func (e *Evaluator) Close() {
	a := &e.aside
	a.mu.Lock()
	a.closed = true
	if a.cancel != nil {
		a.cancel()
	}
	a.mu.Unlock()
	a.work.Wait()
}

// follow writes in the background what some models of a snapshot lack, by their places, and those of before that had to wait.
func (e *Evaluator) follow(ctx context.Context, s *Snapshot, undecided []int) {
	a := &e.aside
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || !e.options.Logger.Enabled(ctx, slog.LevelInfo) {
		return
	}
	if a.due == nil {
		a.due = map[string]bool{}
	}
	for _, i := range undecided {
		a.due[s.Models[i].ID()] = true
	}
	if a.cancel != nil || len(a.due) == 0 {
		return
	}
	due := a.due
	a.due = nil
	ctx, a.cancel = context.WithTimeout(context.WithoutCancel(ctx), asideTime)
	a.work.Go(func() {
		e.logFindings(ctx, s, due)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.cancel()
		a.cancel = nil
	})
}

// logFindings writes a line about each of some models, by their IDs, of which something is found out.
func (e *Evaluator) logFindings(ctx context.Context, s *Snapshot, due map[string]bool) {
	d := diagnose.New(ctx, e.program, e.querier, s.At, nil, nil).Within(fewQuestions)
	for i := range s.Models {
		m := &s.Models[i]
		if !due[m.ID()] {
			continue
		}
		var parts []string
		for _, f := range findings(d, i, m) {
			parts = append(parts, strings.Join(f.Signals, ", ")+": "+f.Text)
		}
		if len(parts) > 0 {
			e.options.Logger.Info("found what a model lacks", "model", m.Name, "namespace", m.Namespace, "found", strings.Join(parts, "; "))
		}
	}
}
