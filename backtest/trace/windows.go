package trace

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// readWindows reads lines of a window's start, requests per second, active clients, burstiness, and mean input and output tokens. The
// distance of the first two starts is the length of all windows.
func readWindows(l *lines, header string, t *Trace) error {
	names := columns(header)
	for text, ok := l.next(); ok; text, ok = l.next() {
		if l.cutOff {
			return l.fail(len(text)+1, errors.New("the last line has no end: the file is cut off (add an end of line if it is complete)"))
		}
		r, err := l.parse(text, names)
		if err != nil {
			return err
		}
		w, err := r.window()
		if err != nil {
			return err
		}
		if err := t.addWindow(w); err != nil {
			return r.fail(0, err)
		}
	}
	if l.err != nil {
		return l.err
	}
	if len(t.Windows) < 2 {
		return l.fail(1, errors.New("a trace of windows needs at least two of them, since their distance is their length"))
	}
	t.beginAtZero()
	t.Gaps = windowGaps(t.Windows)
	return nil
}

func (r row) window() (Window, error) {
	at, err := r.number(0)
	if err != nil {
		return Window{}, err
	}
	start, err := fromSeconds(at)
	if err != nil {
		return Window{}, r.fail(0, err)
	}
	w := Window{Start: start}
	if w.Rate, err = r.number(1); err != nil {
		return w, err
	}
	if w.Clients, err = r.clients(2); err != nil {
		return w, err
	}
	for i, to := range []*float64{&w.Dispersion, &w.Input, &w.Output} {
		// A window without requests has no burstiness and no lengths.
		if w.Rate == 0 && strings.TrimSpace(r.fields[3+i]) == "" {
			continue
		}
		if *to, err = r.number(3 + i); err != nil {
			return w, err
		}
	}
	if w.Dispersion == 0 {
		w.Dispersion = 1
	}
	return w, nil
}

// number reads a field that is a number, finite and not negative.
func (r row) number(field int) (float64, error) {
	text := strings.TrimSpace(r.fields[field])
	if text == "" {
		return 0, r.fail(field, errors.New("no value"))
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, r.fail(field, fmt.Errorf("%q is no number", text))
	}
	if v < 0 || v > 1e12 {
		return 0, r.fail(field, fmt.Errorf("%v is out of range", v))
	}
	return v, nil
}

func (r row) clients(field int) (int, error) {
	if strings.TrimSpace(r.fields[field]) == "" {
		return -1, nil
	}
	v, err := r.number(field)
	return int(v), err
}

// addWindow appends a window. Starts are as far apart as the first two, or a multiple of it where windows are missing.
func (t *Trace) addWindow(w Window) error {
	n := len(t.Windows)
	if n == maxWindows {
		return fmt.Errorf("more than %d windows", maxWindows)
	}
	if n == 0 {
		t.Windows = append(t.Windows, w)
		return nil
	}
	apart := w.Start - t.Windows[n-1].Start
	if apart <= 0 {
		return errors.New("not after the window of the line above")
	}
	if n == 1 {
		t.Windows[0].Length = apart
	}
	length := t.Windows[0].Length
	if apart%length != 0 {
		return fmt.Errorf("%s after the window above, where windows are %s long", apart, length)
	}
	w.Length = length
	t.Windows = append(t.Windows, w)
	return nil
}

func (t *Trace) beginAtZero() {
	first := t.Windows[0].Start
	for i := range t.Windows {
		t.Windows[i].Start -= first
	}
}

// WindowAt returns the window at a time, and false where there is none: before, after, or in a hole of the recording.
func (t *Trace) WindowAt(at time.Duration) (Window, bool) {
	low, high := 0, len(t.Windows)
	for low < high {
		mid := (low + high) / 2
		if t.Windows[mid].Start+t.Windows[mid].Length <= at {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(t.Windows) || t.Windows[low].Start > at {
		return Window{}, false
	}
	return t.Windows[low], true
}
