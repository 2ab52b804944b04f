package faults

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is one way in which the answer to a query can fail.
type Fault string

// None leaves an answer whole.
const None Fault = ""

// The ways in which the answer to a query can fail.
const (
	Slow        Fault = "slow"       // it comes late, but in time
	Hang        Fault = "hang"       // it does not come
	Reset       Fault = "reset"      // the connection breaks before the answer
	Cut         Fault = "cut"        // the connection breaks in the middle of it
	ServerError Fault = "500"        // the server fails
	BadGateway  Fault = "502"        // what stands before it does
	Overloaded  Fault = "503"        // it says that the query took too long
	TooMany     Fault = "429"        // it has too much to do
	Execution   Fault = "422"        // it cannot evaluate the expression
	LoginPage   Fault = "login page" // somebody else answers
	Garbage     Fault = "garbage"    // the answer is not JSON
	Truncated   Fault = "truncated"  // half of the answer, in good order as far as HTTP goes
	Huge        Fault = "huge"       // more than the client takes
	ScalarValue Fault = "scalar"     // an answer of another type
	Empty       Fault = "empty"      // no series
	Partial     Fault = "partial"    // half of the series, and a warning
	NaN         Fault = "nan"        // every value is one
	Infinite    Fault = "infinite"   // every value is
	Negative    Fault = "negative"   // every value is
	Histogram   Fault = "histogram"  // every value is a native histogram
	Doubled     Fault = "doubled"    // every series stands twice, told apart by a label that has no meaning

	// A slow answer is late, and in time for every piece of a day of history: they are asked one after the other.
	slowness = time.Second / 10
	hanging  = time.Minute
	hugeSize = 1 << 20
)

// OfAnswers lists the ways in which an answer can fail.
func OfAnswers() []Fault {
	return []Fault{
		Slow, Hang, Reset, Cut, ServerError, BadGateway, Overloaded, TooMany, Execution, LoginPage, Garbage, Truncated, Huge,
		ScalarValue, Empty, Partial, NaN, Infinite, Negative, Histogram, Doubled,
	}
}

// interrupts says whether a fault comes in the place of an answer.
func (f Fault) interrupts() bool {
	switch f {
	case Hang, Reset, ServerError, BadGateway, Overloaded, TooMany, Execution, LoginPage, Garbage, ScalarValue:
		return true
	default:
		return false
	}
}

// interrupt answers in the place of the source.
func (f Fault) interrupt(w http.ResponseWriter, r *http.Request) {
	switch f {
	case Hang:
		wait(r, hanging)
		panic(http.ErrAbortHandler)
	case Reset:
		panic(http.ErrAbortHandler)
	case ServerError, BadGateway, TooMany:
		code, _ := strconv.Atoi(string(f))
		http.Error(w, http.StatusText(code), code)
	case Overloaded:
		fail(w, http.StatusServiceUnavailable, "timeout", "query timed out in expression evaluation")
	case Execution:
		fail(w, http.StatusUnprocessableEntity, "execution", "many-to-many matching not allowed")
	case LoginPage:
		fmt.Fprint(w, "<html><title>Please log in</title></html>")
	case Garbage:
		fmt.Fprint(w, "\x00\xff{]\x1f\x8b")
	case ScalarValue:
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"scalar","result":[%d,"0"]}}`, time.Hour/time.Second)
	default:
	}
}

// send sends an answer, or a part of it.
func (f Fault) send(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	switch f {
	case Slow:
		wait(r, slowness)
	case Truncated:
		body = body[:len(body)/2]
	case Huge:
		body = append(body, strings.Repeat(" ", hugeSize)...)
	case Cut:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2]) // the client sees that the rest is missing
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
	}
	_, _ = w.Write(body) // a client that has left reads nothing
}

// wait waits until the client has left, and at most for so long.
func wait(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}
