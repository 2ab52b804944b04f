package collector

import (
	"io"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// textFirst answers in the text format what asks for it, and leaves everything else to another handler: other formats, parts of the
// metrics, and errors. The library's writer takes longer for a large fleet than to plan it does.
func textFirst(s *Snapshot, others []prometheus.Gatherer, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultAcceptedFormats()...)
		if format.FormatType() != expfmt.TypeTextPlain || r.URL.RawQuery != "" {
			other.ServeHTTP(w, r)
			return
		}
		theirs, err := gatherOthers(others)
		if err != nil {
			other.ServeHTTP(w, r)
			return
		}
		w.Header().Add("Vary", "Accept")
		w.Header().Set("Content-Type", string(format))
		_ = writeText(w, familiesOf(s), theirs, format.ToEscapingScheme()) // An error is a client that has gone.
	})
}

// textBuffer is how many bytes are written at once.
const textBuffer = 32 << 10

// writeText writes families in the order of their names: our own here, and theirs by the library.
func writeText(w io.Writer, own []family, theirs []*dto.MetricFamily, scheme model.EscapingScheme) error {
	text := make([]byte, 0, textBuffer+textBuffer/8)
	flush := func() error {
		_, err := w.Write(text)
		text = text[:0]
		return err //nolint:wrapcheck // It is dropped.
	}
	for len(own)+len(theirs) > 0 {
		if len(own) == 0 || len(theirs) > 0 && theirs[0].GetName() < own[0].Name {
			if err := flush(); err != nil {
				return err
			}
			if _, err := expfmt.MetricFamilyToText(w, model.EscapeMetricFamily(theirs[0], scheme)); err != nil {
				return err //nolint:wrapcheck // It is dropped.
			}
			theirs = theirs[1:]
			continue
		}
		text = appendHead(text, own[0].Metric)
		for i := range own[0].series {
			if text = appendSample(text, own[0].Name, &own[0].series[i]); len(text) > textBuffer {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		own = own[1:]
	}
	return flush()
}

// appendEscaped appends text as the format has it: a line of help, or, with quotes, the value of a label.
func appendEscaped(to []byte, text string, quotes bool) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\n':
			to = append(to, `\n`...)
		case c == '\\', quotes && c == '"':
			to = append(to, '\\', c)
		default:
			to = append(to, c)
		}
	}
	return to
}

// appendHead appends what stands before the samples of a gauge.
func appendHead(to []byte, m *Metric) []byte {
	to = appendEscaped(append(append(append(to, "# HELP "...), m.Name...), ' '), m.Help, false)
	return append(append(append(to, "\n# TYPE "...), m.Name...), " gauge\n"...)
}

// appendSample appends the line of one gauge without a timestamp.
func appendSample(to []byte, name string, s *series) []byte {
	to = append(s.labels.appendTo(append(to, name...)), ' ')
	if n := int64(s.value); float64(n) == s.value && n > -1e6 && n < 1e6 {
		to = strconv.AppendInt(to, n, 10)
	} else {
		to = strconv.AppendFloat(to, s.value, 'g', -1, 64)
	}
	return append(to, '\n')
}

// appendTo appends labels as they stand in a line.
func (l *labels) appendTo(to []byte) []byte {
	switch {
	case l == nil:
		return to
	case l.text != "":
		return append(to, l.text...)
	}
	begin := len(to)
	separator := byte('{')
	for _, pair := range l.all {
		to = append(append(append(to, separator), pair.name...), `="`...)
		to = append(appendEscaped(to, pair.value, true), '"')
		separator = ','
	}
	to = append(to, '}')
	if l.used > 1 {
		l.text = string(to[begin:])
	}
	return to
}
