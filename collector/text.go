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
func textFirst(g prometheus.Gatherer, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultAcceptedFormats()...)
		if format.FormatType() != expfmt.TypeTextPlain || r.URL.RawQuery != "" {
			other.ServeHTTP(w, r)
			return
		}
		families, err := g.Gather()
		if err != nil {
			other.ServeHTTP(w, r)
			return
		}
		w.Header().Add("Vary", "Accept")
		w.Header().Set("Content-Type", string(format))
		_ = writeText(w, families, format.ToEscapingScheme()) // An error is a client that has gone.
	})
}

// textBuffer is how many bytes are written at once.
const textBuffer = 32 << 10

// writeText writes families as the library does. Those of gauges are written here.
func writeText(w io.Writer, families []*dto.MetricFamily, scheme model.EscapingScheme) error {
	text := make([]byte, 0, textBuffer+textBuffer/8)
	flush := func() error {
		_, err := w.Write(text)
		text = text[:0]
		return err //nolint:wrapcheck // It is dropped.
	}
	for _, f := range families {
		if f.GetType() == dto.MetricType_GAUGE && model.LegacyValidation.IsValidMetricName(f.GetName()) {
			text = appendHead(text, f)
			for _, m := range f.Metric {
				if text = appendSample(text, f.GetName(), m); len(text) > textBuffer {
					if err := flush(); err != nil {
						return err
					}
				}
			}
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		if _, err := expfmt.MetricFamilyToText(w, model.EscapeMetricFamily(f, scheme)); err != nil {
			return err //nolint:wrapcheck // It is dropped.
		}
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
func appendHead(to []byte, f *dto.MetricFamily) []byte {
	to = appendEscaped(append(append(append(to, "# HELP "...), f.GetName()...), ' '), f.GetHelp(), false)
	return append(append(append(to, "\n# TYPE "...), f.GetName()...), " gauge\n"...)
}

// appendSample appends the line of one gauge without a timestamp.
func appendSample(to []byte, name string, m *dto.Metric) []byte {
	to = append(to, name...)
	for i, l := range m.Label {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		to = append(append(append(to, separator), *l.Name...), `="`...)
		to = append(appendEscaped(to, *l.Value, true), '"')
	}
	if len(m.Label) > 0 {
		to = append(to, '}')
	}
	to = append(to, ' ')
	value := m.Gauge.GetValue()
	if n := int64(value); float64(n) == value && n > -1e6 && n < 1e6 {
		to = strconv.AppendInt(to, n, 10)
	} else {
		to = strconv.AppendFloat(to, value, 'g', -1, 64)
	}
	return append(to, '\n')
}
