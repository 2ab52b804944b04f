package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxTokens is more than any model reads or writes in one request. A larger number is a broken line.
const maxTokens = 100_000_000

// maxTime bounds the time of a request, in seconds, so that it fits a duration: 100 years.
const maxTime = 100 * 365 * 24 * 3600

// readRequests reads lines of time, input and output tokens. Times are seconds, or dates with up to nine digits of seconds.
// The last line may lack its end, as it does in a published file: at worst its last number lacks digits.
func readRequests(l *lines, header string, t *Trace) error {
	names := columns(header)
	c := collector{l: l, t: t}
	for text, ok := l.next(); ok; text, ok = l.next() {
		r, err := l.parse(text, names)
		if err != nil {
			return err
		}
		at, err := c.time(r.fields[0])
		if err != nil {
			return r.fail(0, err)
		}
		var tokens [2]int
		for i := range tokens {
			if tokens[i], err = count(r.fields[1+i]); err != nil {
				return r.fail(1+i, err)
			}
		}
		if err := c.add(at, tokens[0], tokens[1]); err != nil {
			return r.fail(0, err)
		}
	}
	return c.finish()
}

// collector adds requests to a trace, whose times begin with the first of them.
type collector struct {
	l     *lines
	t     *Trace
	base  time.Time // the date of the first request, where times are dates
	dates bool
	first time.Duration
	begun bool
}

// time reads a time: seconds since some moment, or a date. A trace has one kind of them.
func (c *collector) time(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if c.begun && c.dates {
			return 0, fmt.Errorf("%q is a number, and times before it are dates", text)
		}
		return fromSeconds(seconds)
	}
	date, err := parseDate(text)
	if err != nil {
		return 0, err
	}
	if c.begun && !c.dates {
		return 0, fmt.Errorf("%q is a date, and times before it are numbers", text)
	}
	if !c.begun {
		c.dates, c.base = true, date
	}
	return date.Sub(c.base), nil
}

func parseDate(text string) (time.Time, error) {
	// Digits after the seconds are accepted where the layout has none.
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", time.RFC3339} {
		if date, err := time.Parse(layout, text); err == nil {
			return date, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither seconds nor a date such as 2023-11-16 18:15:46.68059", text)
}

func fromSeconds(s float64) (time.Duration, error) {
	if math.IsNaN(s) || s < 0 || s > maxTime {
		return 0, fmt.Errorf("%v is not a time: want seconds, from 0 to 100 years", s)
	}
	whole, part := math.Modf(s)
	return time.Duration(whole)*time.Second + time.Duration(math.Round(part*1e9)), nil
}

func count(text string) (int, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, errors.New("no value")
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return n, tokens(n)
}

func tokens(n int) error {
	if n < 0 || n > maxTokens {
		return fmt.Errorf("%d is not a number of tokens", n)
	}
	return nil
}

func (c *collector) add(at time.Duration, input, output int) error {
	if !c.begun {
		c.begun, c.first = true, at
	}
	at -= c.first
	all := c.t.Requests
	if len(all) > 0 && at < all[len(all)-1].At {
		return fmt.Errorf("%s before the request of the line above: sort the trace by time", (all[len(all)-1].At - at).Round(time.Microsecond))
	}
	if len(all) == maxRequests {
		return fmt.Errorf("more than %d requests: cut the trace into windows", maxRequests)
	}
	c.t.Requests = append(c.t.Requests, Request{At: at, Input: input, Output: output})
	return nil
}

func (c *collector) finish() error {
	if c.l.err != nil {
		return c.l.err
	}
	if !c.begun {
		return c.l.fail(1, errors.New("the trace has no request"))
	}
	c.t.Gaps = requestGaps(c.t.Requests)
	return nil
}

// readJSONLines reads Mooncake's format: an object a line, its timestamp in milliseconds.
func readJSONLines(l *lines, text string, t *Trace) error {
	c := collector{l: l, t: t}
	for ok := true; ok; text, ok = l.next() {
		var r struct {
			Timestamp *float64 `json:"timestamp"`
			Input     *int     `json:"input_length"`
			Output    *int     `json:"output_length"`
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return l.fail(jsonColumn(text, err), explain(err, l.cutOff))
		}
		if err := missing(r.Timestamp == nil, r.Input == nil, r.Output == nil); err != nil {
			return l.fail(len(text), err)
		}
		at, err := fromSeconds(*r.Timestamp / 1000)
		if err := errors.Join(err, tokens(*r.Input), tokens(*r.Output)); err != nil {
			return l.fail(1, err)
		}
		if err := c.add(at, *r.Input, *r.Output); err != nil {
			return l.fail(1, err)
		}
	}
	return c.finish()
}

func missing(timestamp, input, output bool) error {
	switch {
	case timestamp:
		return errors.New("timestamp is missing")
	case input:
		return errors.New("input_length is missing")
	case output:
		return errors.New("output_length is missing")
	}
	return nil
}

func jsonColumn(text string, err error) int {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return int(syntax.Offset)
	case errors.As(err, &kind):
		return int(kind.Offset)
	}
	return len(text)
}

func explain(err error, cutOff bool) error {
	if cutOff {
		return fmt.Errorf("%w, and no end of line: the file is cut off", err)
	}
	return err
}
