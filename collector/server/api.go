package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// apiPaths are what can be asked of an evaluation in addition to its metrics, and how.
func (s *Server) apiPaths() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /api/v1/explain":  s.viewed(writeError, getExplanation),
		"GET /api/v1/plan":     s.viewed(writeError, getPlan),
		"GET /api/v1/inputs":   s.viewed(writeError, getInputs),
		"GET /api/v1/history":  s.viewed(writeError, s.getHistory),
		"POST /api/v1/what-if": s.viewed(writeError, s.postWhatIf),
	}
}

// routeAPI adds the API. What it does not have, or not by this method, is an error in JSON too.
func (s *Server) routeAPI(mux *http.ServeMux) {
	methods := map[string]string{}
	for pattern, handler := range s.apiPaths() {
		method, path, _ := strings.Cut(pattern, " ")
		methods[path] = method
		mux.Handle(pattern, handler)
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		allowed, known := methods[r.URL.Path]
		if !known {
			writeError(w, "there is no "+r.URL.Path, http.StatusNotFound)
			return
		}
		if allowed == http.MethodGet {
			allowed = "GET, HEAD"
		}
		w.Header().Set("Allow", allowed)
		writeError(w, r.URL.Path+" takes "+allowed, http.StatusMethodNotAllowed)
	})
}

// runnersUpTime bounds how long an answer is kept back in order to find what other choices would have cost. For a large fleet there
// is more of that than there is time; for one model there is always enough.
const runnersUpTime = 2 * time.Second

// getExplanation answers why everything, or what concerns one model, was decided as it was.
func getExplanation(w http.ResponseWriter, r *http.Request, v *view) {
	ctx, cancel := context.WithTimeout(r.Context(), runnersUpTime)
	defer cancel()
	explanation, err := explain.Of(v.snapshot, r.URL.Query().Get("model"), func() bool { return ctx.Err() != nil })
	if unknown, ok := errors.AsType[*explain.UnknownModelError](err); ok {
		writeError(w, unknown.Error(), http.StatusNotFound)
		return
	}
	if d, ok := v.generation.Evaluator.(doubter); ok {
		doubting, cancel := context.WithTimeout(r.Context(), runnersUpTime)
		defer cancel()
		explanation.Doubts = d.Doubts(doubting, v.snapshot, explanation.IDs())
	}
	writeJSON(w, explanation, http.StatusOK)
}

// doubter is an Evaluator that can also look for what deserves a look about some models, although it changes no decision.
type doubter interface {
	Doubts(ctx context.Context, s *collector.Snapshot, models []string) []string
}

// planAnswer is a plan with the problem that it solves, as the command solve prints the one and reads the other.
type planAnswer struct {
	Time    time.Time         `json:"time"`
	Problem optimizer.Problem `json:"problem"`
	Plan    optimizer.Plan    `json:"plan"`
}

func getPlan(w http.ResponseWriter, _ *http.Request, v *view) {
	snapshot := v.snapshot
	if snapshot.Plan.Error != "" {
		writeError(w, "there is no plan: "+snapshot.Plan.Error, http.StatusServiceUnavailable)
		return
	}
	if len(snapshot.Problem.Models) == 0 {
		writeError(w, "nothing could be planned: /api/v1/explain says what is missing", http.StatusServiceUnavailable)
		return
	}
	answer := planAnswer{snapshot.At, snapshot.Problem, snapshot.Solution}
	if answer.Problem.Budgets == nil {
		answer.Problem.Budgets = []optimizer.Budget{} // solve reads a list, not null
	}
	writeJSON(w, answer, http.StatusOK)
}

// inputsAnswer is what became of every query.
type inputsAnswer struct {
	Time   time.Time         `json:"time"`
	Inputs []collector.Input `json:"inputs"`
}

func getInputs(w http.ResponseWriter, _ *http.Request, v *view) {
	snapshot := v.snapshot
	writeJSON(w, inputsAnswer{snapshot.At, append([]collector.Input{}, snapshot.Inputs...)}, http.StatusOK)
}

// writeError answers with an error as JSON.
func writeError(w http.ResponseWriter, text string, status int) {
	writeJSON(w, struct {
		Error string `json:"error"`
	}{text}, status)
}

// writeJSON answers with a value, for people and programs.
func writeJSON(w http.ResponseWriter, answer any, status int) { writeIndented(w, answer, status, "  ") }

// writeIndented answers with a value. It is made whole first, so that there are no halves of one with status 200.
func writeIndented(w http.ResponseWriter, answer any, status int, indent string) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetIndent("", indent)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(answer); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	uncached(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // A client who has left is told nothing.
}

// uncached marks an answer as true for now only, and as nothing but what it says it is.
func uncached(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}
