package trace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of what is read into memory.
const (
	maxLine     = 1 << 20
	maxRequests = 10_000_000 // 240 MB
	maxWindows  = 1_000_000
)

// lines reads a file line by line and knows where it is.
type lines struct {
	r      *bufio.Reader
	name   string
	number int
	cutOff bool // the line that was read last has no end
	err    error
}

func newLines(r io.Reader, name string) *lines {
	return &lines{r: bufio.NewReaderSize(r, 64<<10), name: name}
}

// next returns the next line that is not blank.
func (l *lines) next() (string, bool) {
	for l.err == nil {
		text, err := l.read()
		if err != nil && !errors.Is(err, io.EOF) {
			l.number++
			l.err = l.fail(1, err)
			return "", false
		}
		if text == "" {
			return "", false
		}
		l.number++
		l.cutOff = !strings.HasSuffix(text, "\n")
		if text = strings.TrimSpace(text); text != "" {
			return text, true
		}
	}
	return "", false
}

func (l *lines) read() (string, error) {
	var b strings.Builder
	for {
		part, err := l.r.ReadSlice('\n')
		b.Write(part)
		if b.Len() > maxLine {
			return "", fmt.Errorf("the line is longer than %d bytes", maxLine)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return b.String(), err
		}
	}
}

func (l *lines) fail(column int, err error) error {
	return &Error{File: l.name, Line: l.number, Column: column, Err: err}
}

// row is a line of comma-separated numbers. Traces quote nothing.
type row struct {
	l      *lines
	fields []string
	names  []string
}

func split(text string) []string { return strings.Split(text, ",") }

// parse cuts a line into as many fields as the header has.
func (l *lines) parse(text string, names []string) (row, error) {
	fields := split(text)
	if len(fields) != len(names) {
		err := fmt.Errorf("%d columns where the header has %d", len(fields), len(names))
		if l.cutOff {
			err = fmt.Errorf("%w, and no end of line: the file is cut off", err)
		}
		return row{}, l.fail(len(text)+1, err)
	}
	return row{l: l, fields: fields, names: names}, nil
}

// fail returns an error at the beginning of a field.
func (r row) fail(field int, err error) error {
	column := 1
	for _, f := range r.fields[:field] {
		column += len(f) + 1
	}
	return r.l.fail(column, fmt.Errorf("%s: %w", r.names[field], err))
}
