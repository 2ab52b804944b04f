package promapi

import (
	"errors"
	"fmt"
)

// Reason says in one word why a query has no usable answer. The list is closed: a Reason is fit to be a label value.
type Reason string

// The reasons for which a query has no usable answer.
const (
	ReasonCanceled     Reason = "canceled"     // the caller gave up
	ReasonTimeout      Reason = "timeout"      // neither an answer nor a refusal within the time allowed, by this side's clock or the source's
	ReasonConnection   Reason = "connection"   // no connection, or it broke
	ReasonUnauthorized Reason = "unauthorized" // HTTP 401 or 403, from the source or from where its token comes
	ReasonBadQuery     Reason = "bad_query"    // the source refuses the expression (HTTP 400)
	ReasonExecution    Reason = "execution"    // the source failed while evaluating the expression (HTTP 422)
	ReasonServerError  Reason = "server_error" // any other HTTP 5xx
	ReasonClientError  Reason = "client_error" // any other HTTP 4xx
	ReasonBadResponse  Reason = "bad_response" // the body is not what the API promises
	ReasonTooLarge     Reason = "too_large"    // the body is over the limit
	ReasonWarnings     Reason = "warnings"     // the source warns of its own answer, which may be partial
	ReasonPartial      Reason = "partial"      // the source marks its own answer as partial
	ReasonStale        Reason = "stale"        // what the answer rests on is older than allowed
	ReasonWrongType    Reason = "wrong_type"   // a scalar, a matrix or a string where an instant vector was asked for
)

// Reasons returns every Reason, in a fixed order.
func Reasons() []Reason {
	return []Reason{
		ReasonCanceled, ReasonTimeout, ReasonConnection, ReasonUnauthorized, ReasonBadQuery, ReasonExecution,
		ReasonServerError, ReasonClientError, ReasonBadResponse, ReasonTooLarge, ReasonWarnings, ReasonPartial,
		ReasonStale, ReasonWrongType,
	}
}

// Error is a query without a usable answer.
type Error struct {
	Reason Reason
	Err    error
}

// Error implements error. What the source said is escaped.
func (e *Error) Error() string { return Printable(fmt.Sprintf("%s: %v", e.Reason, e.Err)) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf returns the Reason that err carries, or ReasonBadResponse for an error that carries none.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ReasonBadResponse
}
