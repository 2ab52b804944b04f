package collector

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
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

// mostLines is how many lines about one input or model there are in logAgain, whatever it does: one that fails in turns for two reasons,
// or works every other time, would else write a line with each scrape.
const mostLines = 8

// loggedWorkloads is how many workloads one line names.
const loggedWorkloads = 5

type loggedFailure struct {
	reason string
	at     time.Time            // of the last line about this reason
	lines  [mostLines]time.Time // the last lines, the oldest first
	failed bool
}

// write notes a line, unless there were too many lately.
func (f *loggedFailure) write(at time.Time) bool {
	if at.Sub(f.lines[0]) < logAgain {
		return false
	}
	copy(f.lines[:], f.lines[1:])
	f.lines[mostLines-1] = at
	return true
}

// report writes what there is to say of an evaluation, and returns the places of the models that it has said are not fully decided.
func (l *failureLog) report(logger *slog.Logger, at time.Time, s *Snapshot) (undecided []int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = map[string]loggedFailure{}
	}
	l.reportInputs(logger, at, s.Inputs)
	for i := range s.Models {
		if l.reportModel(logger, at, &s.Models[i]) {
			undecided = append(undecided, i)
		}
	}
	switch {
	case s.Plan.Error != "":
		if l.due("", s.Plan.Error, at) {
			logger.Error("no plan", "err", s.Plan.Error)
		}
	case l.recovered("", at):
		logger.Info("there is a plan again")
	}
	return undecided
}

// allInputs stands for all inputs together.
const allInputs = "all inputs"

// reportInputs writes a line about each input of which there is something to say, or one where all of them fail alike.
func (l *failureLog) reportInputs(logger *slog.Logger, at time.Time, inputs []Input) {
	if failAlike(inputs) {
		first := &inputs[0]
		if first.Failure != promapi.ReasonCanceled && l.due(allInputs, string(first.Failure), at) {
			logger.Warn("no input has a usable answer", "inputs", len(inputs), "reason", first.Failure, "err", first.Err)
		}
		return
	}
	if l.recovered(allInputs, at) {
		logger.Info("inputs have answers again", "inputs", len(inputs))
	}
	for i := range inputs {
		l.reportInput(logger, at, &inputs[i])
	}
}

// failAlike reports whether all of several inputs fail for one reason.
func failAlike(inputs []Input) bool {
	return len(inputs) > 1 && !slices.ContainsFunc(inputs, func(in Input) bool { return in.Err == nil || in.Failure != inputs[0].Failure })
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
	case l.recovered(in.Name, at):
		logger.Info("input works again", "input", in.Name)
	}
}

// reportModel writes a line when a model is not fully decided, which it reports, or is so again.
func (l *failureLog) reportModel(logger *slog.Logger, at time.Time, m *Model) (undecided bool) {
	l.reportOthers(logger, at, m)
	name := "model " + m.ID()
	for i := range m.Variants {
		v := &m.Variants[i]
		if v.Up {
			continue
		}
		if !l.due(name, string(v.Reason)+withoutNumbers(v.Missing), at) {
			return false
		}
		logger.Info("model is not fully decided", "model", m.Name, "namespace", m.Namespace, "variant", v.Name, "reason", v.Reason, "missing", v.Missing)
		return true
	}
	if l.recovered(name, at) {
		logger.Info("model is decided again", "model", m.Name, "namespace", m.Namespace)
	}
	return false
}

// withoutNumbers is what stays of a reason while its counts change.
func withoutNumbers(reason string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, reason)
}

// reportOthers writes a line when servers tell for a model that belong to none of its scale targets.
func (l *failureLog) reportOthers(logger *slog.Logger, at time.Time, m *Model) {
	name := "others of model " + m.ID()
	for i := range m.Signals {
		s := &m.Signals[i]
		if len(s.OtherWorkloads) == 0 {
			continue
		}
		if workloads := strings.Join(s.OtherWorkloads[:min(len(s.OtherWorkloads), loggedWorkloads)], ", "); l.due(name, workloads, at) {
			logger.Warn("servers tell for a model and belong to none of its scale targets", "model", m.Name, "namespace", m.Namespace,
				"signal", s.Name, "servers", *s.Others, "workloads", workloads)
		}
		return
	}
	if l.recovered(name, at) {
		logger.Info("all servers of a model belong to its scale targets again", "model", m.Name, "namespace", m.Namespace)
	}
}

// recovered reports whether it should be written that something works again, and notes that it does.
func (l *failureLog) recovered(name string, at time.Time) bool {
	last, known := l.last[name]
	if !known || !last.failed {
		return false
	}
	last.failed, last.reason = false, ""
	due := last.write(at)
	l.last[name] = last
	return due
}

// due reports whether a failure should be written now, and remembers that it was.
func (l *failureLog) due(name, reason string, at time.Time) bool {
	last := l.last[name]
	if last.failed && last.reason == reason && at.Sub(last.at) < logAgain {
		return false
	}
	last.failed = true
	due := last.write(at)
	if due {
		last.reason, last.at = reason, at
	}
	l.last[name] = last
	return due
}
