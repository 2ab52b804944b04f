package collector

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// logAgain is how long a failure that goes on is kept out of the log.
const logAgain = 10 * time.Minute

// failureLog writes a line when an input starts to fail, when it fails for another reason, when it works again, and every ten
// minutes in between: a scrape every few seconds must not flood the log. Nothing but the log depends on it.
type failureLog struct {
	mu   sync.Mutex
	last map[string]loggedFailure
}

type loggedFailure struct {
	reason string
	at     time.Time
}

func (l *failureLog) report(logger *slog.Logger, at time.Time, s *Snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = map[string]loggedFailure{}
	}
	for i := range s.Inputs {
		l.reportInput(logger, at, &s.Inputs[i])
	}
	for i := range s.Models {
		l.reportModel(logger, at, &s.Models[i])
	}
	switch {
	case s.Plan.Error != "":
		if l.due("", s.Plan.Error, at) {
			logger.Error("no plan", "err", s.Plan.Error)
		}
	case l.recovered(""):
		logger.Info("there is a plan again")
	}
}

func (l *failureLog) reportInput(logger *slog.Logger, at time.Time, in *Input) {
	switch {
	case in.Failure == promapi.ReasonCanceled:
		// The scraper that wanted the answer has left.
	case in.Err != nil:
		if l.due(in.Name, string(in.Failure), at) {
			logger.Warn("input has no usable answer", "input", in.Name, "reason", in.Failure,
				"duration", time.Duration(in.Duration*float64(time.Second)), "err", in.Err)
		}
	case len(in.Bad) > 0:
		reason := slices.Sorted(maps.Keys(in.Bad))[0]
		if l.due(in.Name, reason, at) {
			samples := 0
			for _, n := range in.Bad {
				samples += n
			}
			logger.Warn("input has samples that cannot be used", "input", in.Name, "reason", reason,
				"samples", samples, "example", in.Example)
		}
	case l.recovered(in.Name):
		logger.Info("input works again", "input", in.Name)
	}
}

// reportModel writes a line when a model is no longer fully decided, and when it is again.
func (l *failureLog) reportModel(logger *slog.Logger, at time.Time, m *Model) {
	name := "model " + m.ID()
	for i := range m.Variants {
		v := &m.Variants[i]
		if v.Up {
			continue
		}
		if l.due(name, string(v.Reason)+v.Missing, at) {
			logger.Info("model is not fully decided", "model", m.Name, "namespace", m.Namespace, "variant", v.Name,
				"reason", v.Reason, "missing", v.Missing)
		}
		return
	}
	if l.recovered(name) {
		logger.Info("model is decided again", "model", m.Name, "namespace", m.Namespace)
	}
}

// recovered reports whether something that works now failed before, and forgets that it did.
func (l *failureLog) recovered(name string) bool {
	_, failed := l.last[name]
	delete(l.last, name)
	return failed
}

// due reports whether a failure should be written now, and remembers that it was.
func (l *failureLog) due(name, reason string, at time.Time) bool {
	last, known := l.last[name]
	if known && last.reason == reason && at.Sub(last.at) < logAgain {
		return false
	}
	l.last[name] = loggedFailure{reason, at}
	return true
}
