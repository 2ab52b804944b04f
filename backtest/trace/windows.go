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
	var last time.Duration
	for text, ok := l.next(); ok; text, ok = l.next() {
		if l.cutOff {
			return l.fail(len(text)+1, errors.New("the last line has no end: the file is cut off (add an end of line if it is complete)"))
		}
		r, err := l.parse(text, names)
		if err != nil {
			return err
		}
		start, w, err := r.window()
		if err != nil {
			return err
		}
		if err := t.addWindow(start-last, w); err != nil {
			return r.fail(0, err)
		}
		last = start
	}
	if l.err != nil {
		return l.err
	}
	if len(t.Windows) < 2 {
		return l.fail(1, errors.New("a trace of windows needs at least two of them, since their distance is their length"))
	}
	t.silentWindows()
	return nil
}

func (r row) window() (time.Duration, Window, error) {
	at, err := r.number(0)
	if err != nil {
		return 0, Window{}, err
	}
	start, err := fromSeconds(at)
	if err != nil {
		return 0, Window{}, r.fail(0, err)
	}
	var w Window
	if w.Rate, err = r.number(1); err != nil {
		return 0, w, err
	}
	if w.Clients, err = r.clients(2); err != nil {
		return 0, w, err
	}
	for i, to := range []*float64{&w.Burstiness, &w.Input, &w.Output} {
		// A window without requests has no burstiness and no lengths.
		if w.Rate == 0 && strings.TrimSpace(r.fields[3+i]) == "" {
			continue
		}
		if *to, err = r.number(3 + i); err != nil {
			return 0, w, err
		}
	}
	if w.Burstiness == 0 {
		w.Burstiness = 1
	}
	return start, w, nil
}

// number reads a field that is a number, finite and not negative.
func (r row) number(field int) (float64, error) {
	text := strings.TrimSpace(r.fields[field])
	if text == "" {
		return 0, r.fail(field, errors.New("no value"))
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, r.fail(field, fmt.Errorf("%q is not a number", text))
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

// addWindow appends a window that begins so long after the last. Starts are as far apart as the first two, or a multiple of it where
// windows are missing.
func (t *Trace) addWindow(apart time.Duration, w Window) error {
	n := len(t.Windows)
	switch {
	case n == 0:
		t.Windows = append(t.Windows, w)
		return nil
	case apart <= 0:
		return errors.New("not after the window of the line above")
	case n == 1:
		t.Every = apart
	case apart%t.Every != 0:
		return fmt.Errorf("%s after the window above, where windows are %s long", apart, t.Every)
	}
	missing := int(apart/t.Every) - 1
	if n+missing >= maxWindows {
		return fmt.Errorf("more than %d windows", maxWindows)
	}
	if missing > 0 {
		from := time.Duration(n) * t.Every
		t.Gaps = append(t.Gaps, Gap{from, from + time.Duration(missing)*t.Every, "windows are missing: filled between their neighbours"})
		t.fill(missing, w)
	}
	t.Windows = append(t.Windows, w)
	return nil
}

// fill appends windows between the last and the next, with values between theirs. A hole in the recording is no quiet time.
func (t *Trace) fill(missing int, next Window) {
	last := t.Windows[len(t.Windows)-1]
	for i := range missing {
		share := float64(i+1) / float64(missing+1)
		between := func(a, b float64) float64 { return a + (b-a)*share }
		w := Window{
			Rate: between(last.Rate, next.Rate), Burstiness: between(last.Burstiness, next.Burstiness),
			Input: between(last.Input, next.Input), Output: between(last.Output, next.Output), Clients: -1,
		}
		// A window without requests has no lengths to go between.
		if last.Rate == 0 {
			w.Input, w.Output = next.Input, next.Output
		} else if next.Rate == 0 {
			w.Input, w.Output = last.Input, last.Output
		}
		t.Windows = append(t.Windows, w)
	}
}
