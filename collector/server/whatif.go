package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/whatif"
)

// Planning takes a processor for itself: scrapes come first.
const (
	maxWhatIfs      = 2               // questions planned at once
	whatIfTime      = 5 * time.Second // for one
	maxQuestionSize = 64 << 10        // bytes
)

// postWhatIf plans again with what the body asks for.
func (s *Server) postWhatIf(w http.ResponseWriter, r *http.Request, v *view) {
	question, status, err := readQuestion(w, r)
	if err != nil {
		writeError(w, err.Error(), status)
		return
	}
	answer, status, err := s.whatIf(r.Context(), v.snapshot, question)
	if err != nil {
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		writeError(w, err.Error(), status)
		return
	}
	writeJSON(w, answer, http.StatusOK)
}

// readQuestion reads a body of a bounded size.
func readQuestion(w http.ResponseWriter, r *http.Request) (*whatif.Question, int, error) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestionSize))
	d.DisallowUnknownFields()
	var q whatif.Question
	err := d.Decode(&q)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is text after the question")
		}
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the question is larger than %d bytes", maxQuestionSize)
	}
	if err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("read the question: %w", inJSON(err))
	}
	return &q, http.StatusOK, nil
}

// inJSON tells a mistake in words of JSON, not of Go.
func inJSON(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("no JSON: want an object, such as {}")
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		place := cmp.Or(wrong.Field, "the question")
		return fmt.Errorf("%s cannot be this %s", place, wrong.Value)
	}
	return err
}

// errTooManyQuestions is a question that there is no room for.
var errTooManyQuestions = fmt.Errorf("%d what-if questions are being planned: try again in a second", maxWhatIfs)

// whatIf answers a question, within bounds on time and on how many are answered at once.
func (s *Server) whatIf(ctx context.Context, snapshot *collector.Snapshot, q *whatif.Question) (*whatif.Answer, int, error) {
	ctx, cancel := context.WithTimeout(ctx, whatIfTime)
	defer cancel()
	if !s.whatIfs.TryAcquire(1) {
		return nil, http.StatusServiceUnavailable, errTooManyQuestions
	}
	defer s.whatIfs.Release(1)
	answer, err := whatif.Ask(snapshot, q, func() bool { return ctx.Err() != nil })
	if _, invalid := errors.AsType[*whatif.InvalidError](err); invalid {
		return nil, http.StatusBadRequest, err
	}
	if err != nil {
		return nil, http.StatusServiceUnavailable, err
	}
	return answer, http.StatusOK, nil
}
