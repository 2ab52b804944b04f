// Package trace reads recorded load: requests one by one, or windows of rate, burstiness and mean lengths. A file that is broken or cut
// off is refused with the place where it breaks, because the rest would look like a quiet day.
package trace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Trace is what one file says. Either Requests or Windows is empty.
type Trace struct {
	Name     string
	Requests []Request     // in the order of time, the first at 0
	Windows  []Window      // one after the other, the first from 0
	Every    time.Duration // length of a window
	Gaps     []Gap
	// CutOff says that the last line has no end. Its numbers may lack digits, though published files end like this too.
	CutOff bool
}

// Request is one recorded request.
type Request struct {
	At            time.Duration
	Input, Output int // tokens
}

// Window is what was recorded of a stretch of time.
type Window struct {
	Rate          float64 // requests per second
	Burstiness    float64 // variance / mean of the arrivals per 5 s; 1 where it was not recorded
	Input, Output float64 // mean tokens; 0 where no request was seen
	Clients       int     // active clients; -1 where they were not recorded
}

// Gap is a stretch in which the recording, and not the load, seems to have stopped.
type Gap struct {
	From, To time.Duration
	Why      string
}

// End returns the time at which the trace ends.
func (t *Trace) End() time.Duration {
	if n := len(t.Requests); n > 0 {
		return t.Requests[n-1].At
	}
	return time.Duration(len(t.Windows)) * t.Every
}

// Covers returns an error when the trace is shorter than the time that it is to fill: what is missing must not become a quiet end.
func (t *Trace) Covers(d time.Duration) error {
	end := t.End()
	// Requests end with the last arrival and not with the end of the recording: allow the usual distance between two of them, twenty times.
	slack := time.Duration(0)
	if n := len(t.Requests); n > 1 {
		slack = 20 * end / time.Duration(n-1)
	}
	if end+slack >= d {
		return nil
	}
	return fmt.Errorf("%s: the trace ends after %s, but %s are needed: shorten the duration or the warmup, or give a longer trace",
		t.Name, end.Round(time.Second), d.Round(time.Second))
}

// Error is a place in a trace that cannot be read.
type Error struct {
	File         string
	Line, Column int
	Err          error
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d:%d: %v", e.File, e.Line, e.Column, e.Err) }

// Unwrap returns what is wrong at the place.
func (e *Error) Unwrap() error { return e.Err }

// Open reads the trace in a file.
func Open(path string) (*Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the trace: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	return Read(f, path)
}

// Read reads a trace of any format. The first line says which one. The name stands in errors.
func Read(r io.Reader, name string) (*Trace, error) {
	l := newLines(r, name)
	first, ok := l.next()
	if !ok {
		if l.err != nil {
			return nil, l.err
		}
		return nil, &Error{name, 1, 1, errors.New("the file is empty")}
	}
	t := &Trace{Name: name}
	read, err := format(first)
	if err != nil {
		return nil, l.fail(1, err)
	}
	if err := read(l, first, t); err != nil {
		return nil, err
	}
	t.CutOff = l.cutOff
	return t, nil
}
