package embedded

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// logAgain is how long a warning or error with the same text is kept out of the log: a full disk fails each target's scrape.
const logAgain = time.Minute

// throttle is a log handler that lets each warning and error through once a minute. What Prometheus' parts log is a fixed set of texts.
type throttle struct {
	slog.Handler
	lines *lines
}

// lines remembers when a text was last logged, for all handlers that come of one.
type lines struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func throttled(logger *slog.Logger) *slog.Logger {
	return slog.New(throttle{logger.Handler(), &lines{last: map[string]time.Time{}}})
}

// Handle implements slog.Handler.
func (t throttle) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && !t.lines.due(r) {
		return nil
	}
	return t.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (t throttle) WithAttrs(attrs []slog.Attr) slog.Handler {
	return throttle{t.Handler.WithAttrs(attrs), t.lines}
}

// WithGroup implements slog.Handler.
func (t throttle) WithGroup(name string) slog.Handler {
	return throttle{t.Handler.WithGroup(name), t.lines}
}

func (l *lines) due(r slog.Record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, known := l.last[r.Message]; known && r.Time.Sub(last) < logAgain {
		return false
	}
	l.last[r.Message] = r.Time
	return true
}
