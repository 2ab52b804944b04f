package promapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// decoder reads one answer of the API strictly: what client_golang drops, overwrites or takes for zero is an error here.
// Fields that it does not know are ignored, as the API may gain some.
type decoder struct {
	scanner

	asked   grid
	known   *knownLabels
	account *account
	element func() // reads one element of a result

	status, errorType, errorText string
	warnings                     v1.Warnings
	partial                      bool
	kind, got                    string // the types of the result: as wanted and as it is
	result                       bool   // there was one

	labels  []label // of the series before
	width   int     // how many labels it had
	samples slab[model.Sample]
	streams slab[model.SampleStream]
	pairs   slab[model.SamplePair]
	row     []model.SamplePair // of the series being read
}

// label is one label as it was read.
type label struct{ name, value word }

// decodeVector reads the answer to an instant query. Its errors are *Error. Nothing of the body is kept.
func decodeVector(body []byte, asked grid, known *knownLabels, a *account) (model.Vector, error) {
	d := &decoder{scanner: scanner{data: body}, asked: asked, known: known, account: a, kind: model.ValVector.String()}
	vector := model.Vector{}
	d.element = func() { vector = append(vector, d.sample()) }
	if err := d.answer(); err != nil {
		return nil, err
	}
	return vector, nil
}

// decodeMatrix reads the answer to a range query. Its errors are *Error. Nothing of the body is kept.
func decodeMatrix(body []byte, asked grid, known *knownLabels, a *account) (model.Matrix, error) {
	d := &decoder{scanner: scanner{data: body}, asked: asked, known: known, account: a, kind: model.ValMatrix.String()}
	matrix := model.Matrix{}
	d.element = func() { matrix = append(matrix, d.stream()) }
	if err := d.answer(); err != nil {
		return nil, err
	}
	return matrix, nil
}

// answer reads the whole document.
func (d *decoder) answer() error {
	d.fields("an object", d.envelope)
	d.end()
	if d.err != nil {
		if _, ok := errors.AsType[*Error](d.err); ok {
			return d.err
		}
		return &Error{Reason: ReasonBadResponse, Err: d.err}
	}
	return d.verdict()
}

// envelope reads one field of the document.
func (d *decoder) envelope(key string) {
	switch key {
	case "status":
		d.text(&d.status)
	case "errorType":
		d.text(&d.errorType)
	case "error":
		d.text(&d.errorText)
	case "warnings":
		d.readWarnings()
	case "isPartial": // VictoriaMetrics says so in a 200 answer, without a warning.
		switch string(d.raw()) {
		case "true":
			d.partial = true
		case "false":
		default:
			d.fail(errors.New("isPartial is neither true nor false"))
		}
	case "data":
		if d.peek() == 'n' {
			d.raw()
			return
		}
		d.content()
	default:
		d.raw()
	}
}

// text reads a string, or nothing for null.
func (d *decoder) text(to *string) {
	d.peek()
	start := d.pos
	d.into(to)
	d.spend(2 * (d.pos - start))
}

// maxWarnings is how many warnings are read: one is enough to distrust an answer.
const maxWarnings = 20

// readWarnings reads the first warnings, and leaves out what is only advice.
func (d *decoder) readWarnings() {
	if d.peek() == 'n' {
		d.raw()
		return
	}
	for ok := d.enter('[', ']', "warnings"); ok; ok = d.again(']') {
		var warning string
		if d.text(&warning); len(d.warnings) < maxWarnings {
			d.warnings = append(d.warnings, realWarnings(v1.Warnings{warning})...)
		}
	}
}

// content reads the type of the result and the result, in any order.
func (d *decoder) content() {
	early := -1
	d.fields("an object", func(key string) {
		switch key {
		case "resultType":
			d.text(&d.got)
		case "result":
			d.result = true
			if d.got == "" {
				early = d.pos
			}
			d.elements()
		default:
			d.raw()
		}
	})
	if early >= 0 && d.got != "" && d.err == nil {
		end := d.pos
		d.pos = early
		d.elements()
		if d.err == nil {
			d.pos = end
		}
	}
}

// elements reads a result of the type that is wanted, and passes over any other.
func (d *decoder) elements() {
	if d.got != d.kind {
		d.raw()
		return
	}
	for ok := d.enter('[', ']', "a result"); ok; ok = d.again(']') {
		d.element()
	}
}

// verdict says whether a document that could be read is a whole answer of the type that is wanted.
func (d *decoder) verdict() error {
	var text string
	reason := ReasonBadResponse
	switch {
	case d.status == "error":
		if r, ok := reasonOfType(v1.ErrorType(d.errorType)); ok {
			reason = r
		}
		text = shorten(d.errorText)
	case d.status == "":
		text = "the answer has no status"
	case d.status != "success":
		text = fmt.Sprintf("the answer has the status %q", shorten(d.status))
	case d.partial:
		reason, text = ReasonPartial, "the source calls its answer partial (isPartial)"
	case len(d.warnings) > 0:
		reason, text = ReasonWarnings, shorten(strings.Join(d.warnings, "; "))
	case !d.result:
		text = "the answer holds no result"
	case d.got == d.kind:
		return nil
	case slices.Contains([]string{"vector", "matrix", "scalar", "string"}, d.got):
		reason, text = ReasonWrongType, fmt.Sprintf("the answer is a %s, not a %s", d.got, d.kind)
	default:
		text = fmt.Sprintf("unknown value type %q", shorten(d.got))
	}
	return &Error{Reason: reason, Err: errors.New(text)}
}
