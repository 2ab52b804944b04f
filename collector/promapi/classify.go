package promapi

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"golang.org/x/oauth2"
)

// maxText bounds what an error repeats of a server's words, in bytes.
const maxText = 500

// reasonOfStatus classifies an answer outside 2xx. What the source says of itself comes before the number, except where
// the number says that it was not the source who spoke.
func reasonOfStatus(code int, said v1.ErrorType) Reason {
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return ReasonUnauthorized
	case http.StatusGatewayTimeout:
		return ReasonTimeout
	}
	if r, ok := reasonOfType(said); ok {
		return r
	}
	switch {
	case code/100 == 5:
		return ReasonServerError
	case code == http.StatusBadRequest && said != "":
		return ReasonBadQuery
	case code == http.StatusUnprocessableEntity && said != "":
		return ReasonExecution
	case code/100 == 4:
		return ReasonClientError
	}
	return ReasonBadResponse
}

// reasonOfType classifies what Prometheus calls errorType, where that alone settles it.
func reasonOfType(said v1.ErrorType) (Reason, bool) {
	switch said {
	case v1.ErrTimeout:
		return ReasonTimeout, true
	case v1.ErrBadData:
		return ReasonBadQuery, true
	case v1.ErrExec, "cost_limit":
		return ReasonExecution, true
	default:
		return "", false
	}
}

// reasonOfCall classifies the error of a whole call. ctx is the caller's, so that its giving up is told from a deadline.
func reasonOfCall(ctx context.Context, err error) Reason {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ReasonCanceled
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return ReasonTimeout
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return ReasonTimeout
	}
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.Response != nil && e.Response.StatusCode/100 == 4 {
		return ReasonUnauthorized
	}
	if e := flate.CorruptInputError(0); errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &e) {
		return ReasonBadResponse
	}
	return ReasonConnection
}

// fail wraps a cause so that it names the server, and nothing that the URL of a request may hold.
func (c *Client) fail(reason Reason, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		err = e.Err
	}
	for {
		e, ok := errors.AsType[*url.Error](err)
		if !ok {
			break
		}
		err = e.Err
	}
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.Response != nil {
		err = fmt.Errorf("token endpoint: %w", refusal(e.Response.StatusCode, e.ErrorCode))
	}
	return &Error{Reason: reason, Err: fmt.Errorf("%s: %w", c.name, err)}
}

// refusal words an answer outside 2xx, with what the server said if it said it in the way expected of it.
func refusal(code int, said string) error {
	text := fmt.Sprintf("HTTP %d %s", code, http.StatusText(code))
	if said != "" {
		text += ": " + shorten(said)
	}
	return errors.New(text)
}

// realWarnings drops what is only advice: from 2.48 until 3.0, Prometheus sent its infos among the warnings.
func realWarnings(warnings v1.Warnings) []string {
	var kept []string
	for _, w := range warnings {
		if !strings.HasPrefix(w, "PromQL info: ") {
			kept = append(kept, w)
		}
	}
	return kept
}

// shorten cuts a server's text to what a log line can bear.
func shorten(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "..."
}
