package faults

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// Prometheus serves instant and range queries as a Prometheus does, and spoils the answers that it is told to.
type Prometheus struct {
	// Source is asked for the answers.
	Source promapi.RangeQuerier
	// Strike says what is to go wrong with the answer to an expression. [None] leaves it whole.
	Strike func(expr string) Fault
	// Spoilt is told of every answer that is not what it would have been, of a moment or over a range, before it is sent.
	Spoilt func(expr string, ranged bool, by Fault)
}

// response is what Prometheus' API sends.
type response struct {
	Status    string   `json:"status"`
	Data      *data    `json:"data,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
}

type data struct {
	ResultType string      `json:"resultType"`
	Result     model.Value `json:"result"`
}

// ServeHTTP implements http.Handler.
func (p *Prometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	expr := r.FormValue("query")
	fault := p.Strike(expr)
	if fault.interrupts() {
		p.Spoilt(expr, r.FormValue("start") != "", fault)
		fault.interrupt(w, r)
		return
	}
	value, err := p.answer(r)
	if err != nil {
		refuse(w, err)
		return
	}
	if fault != None && fault != Slow && !fault.spares(value) {
		p.Spoilt(expr, r.FormValue("start") != "", fault)
	}
	value, warnings := fault.spoil(value)
	body, err := json.Marshal(response{
		Status: "success", Data: &data{value.Type().String(), value}, Warnings: warnings,
	})
	if err != nil {
		refuse(w, err)
		return
	}
	fault.send(w, r, body)
}

// answer asks the source what the request asks.
func (p *Prometheus) answer(r *http.Request) (model.Value, error) {
	expr := r.FormValue("query")
	if r.URL.Path != "/api/v1/query_range" {
		at, err := parseTime(r.FormValue("time"))
		if err != nil {
			return nil, err
		}
		return p.Source.Query(r.Context(), expr, at)
	}
	start, startErr := parseTime(r.FormValue("start"))
	end, endErr := parseTime(r.FormValue("end"))
	step, stepErr := strconv.ParseFloat(r.FormValue("step"), 64)
	for _, err := range []error{startErr, endErr, stepErr} {
		if err != nil {
			return nil, err
		}
	}
	return p.Source.QueryRange(r.Context(), expr, v1.Range{Start: start, End: end, Step: time.Duration(step * float64(time.Second))})
}

// parseTime reads a time as client_golang writes it: seconds with a fraction.
func parseTime(text string) (time.Time, error) {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("parse a time: %w", err)
	}
	return time.UnixMilli(int64(math.Round(1000 * seconds))), nil
}

// refuse answers with an error of the source as Prometheus would.
func refuse(w http.ResponseWriter, err error) {
	status, kind := http.StatusInternalServerError, v1.ErrServer
	switch promapi.ReasonOf(err) {
	case promapi.ReasonBadQuery, promapi.ReasonBadResponse:
		status, kind = http.StatusBadRequest, v1.ErrBadData
	case promapi.ReasonExecution, promapi.ReasonWrongType:
		status, kind = http.StatusUnprocessableEntity, v1.ErrExec
	case promapi.ReasonTimeout, promapi.ReasonCanceled:
		status, kind = http.StatusServiceUnavailable, v1.ErrTimeout
	default:
	}
	fail(w, status, string(kind), err.Error())
}

// fail sends an error in the form of Prometheus' API.
func fail(w http.ResponseWriter, status int, kind, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(response{Status: "error", ErrorType: kind, Error: text}) // a client that has left reads nothing
}
