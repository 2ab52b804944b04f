package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/collector/server/console"
)

// How long a page waits for the past before it shows what there is of it: the rest follows when the page is refreshed.
const (
	overviewWait = 50 * time.Millisecond
	modelWait    = 1500 * time.Millisecond
)

// page writes a page from a view. Its error is the program's fault, unless it is a *pageError.
type page func(w io.Writer, r *http.Request, v *view) error

// pageError is a page that there is not.
type pageError struct {
	text   string
	status int
}

// Error implements error.
func (e *pageError) Error() string { return e.text }

// routePages adds the console. All pages are in one folder, and lead to each other by relative addresses, so that they work behind any
// prefix that a proxy gives them.
func (s *Server) routePages(mux *http.ServeMux) {
	c := console.New(console.Options{TelemetryPath: s.opts.TelemetryPath, Profiles: s.opts.EnablePprof})
	p := pages{s, c}
	mux.Handle("GET /{$}", p.handler("", p.overview))
	mux.Handle("GET /model", p.handler("model", p.model))
	mux.Handle("GET /inputs", p.handler("inputs", p.inputs))
	mux.Handle("GET /configuration", p.handler("configuration", p.configuration))
	mux.Handle("GET /what-if", p.handler("what-if", p.whatIf))
	mux.HandleFunc("GET /assets/{name}", func(w http.ResponseWriter, r *http.Request) { c.Asset(w, r, r.PathValue("name")) })
}

// pages serve the console.
type pages struct {
	server  *Server
	console *console.Console
}

// handler serves a page, whole or not at all.
func (p *pages) handler(name string, write page) http.Handler {
	fail := func(w http.ResponseWriter, text string, status int) {
		var body bytes.Buffer
		if err := p.console.Fail(&body, name, text); err != nil {
			p.broken(w, err)
			return
		}
		send(w, body.Bytes(), status)
	}
	return p.server.viewed(fail, func(w http.ResponseWriter, r *http.Request, v *view) {
		var body bytes.Buffer
		err := write(&body, r, v)
		if missing, ok := errors.AsType[*pageError](err); ok {
			fail(w, missing.text, missing.status)
			return
		}
		if err != nil {
			p.broken(w, err)
			return
		}
		send(w, body.Bytes(), http.StatusOK)
	})
}

func (p *pages) broken(w http.ResponseWriter, err error) {
	p.server.logger.Error("Could not make a page.", "err", err)
	http.Error(w, "The page could not be made.", http.StatusInternalServerError)
}

// send sends a page with what keeps it from being anything else.
func send(w http.ResponseWriter, body []byte, status int) {
	uncached(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", console.Policy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(body) // A client who has left is told nothing.
}

// lookOf is what a request wants to see.
func (p *pages) lookOf(r *http.Request, v *view) (console.Look, error) {
	name := r.URL.Query().Get("range")
	l := console.Look{Asked: name != ""}
	if refused := p.server.refused.Load(); refused != nil {
		l.Refused = *refused
	}
	if !v.at.IsZero() {
		l.At = v.at.Format(time.RFC3339)
	}
	if name == "" {
		name = p.server.opts.defaultRange()
	}
	var err error
	if l.Range, err = past.RangeOf(name); err != nil {
		return l, &pageError{"range: " + err.Error(), http.StatusBadRequest}
	}
	return l, nil
}

// recorded asks for the past.
type recorded func(k *past.Keeper, ctx context.Context, r past.Range, end time.Time) (*past.Record, error)

// record is what is known of the past, after waiting for more of it for a time; nil where there is none.
func (p *pages) record(ctx context.Context, v *view, l console.Look, wait time.Duration, of recorded) *past.Record {
	if v.generation.Past == nil {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	record, err := of(v.generation.Past, waiting, l.Range, v.at)
	if err != nil {
		p.server.logger.Warn("The past could not be asked for.", "err", err)
		return nil
	}
	return record
}

func (p *pages) overview(w io.Writer, r *http.Request, v *view) error {
	l, err := p.lookOf(r, v)
	if err != nil {
		return err
	}
	return p.console.Overview(w, l, &console.Overview{
		Snapshot: v.snapshot, Record: p.record(r.Context(), v, l, overviewWait, (*past.Keeper).Sketch), Findings: findings(r.Context(), v),
	})
}

func (p *pages) model(w io.Writer, r *http.Request, v *view) error {
	l, err := p.lookOf(r, v)
	if err != nil {
		return err
	}
	id := r.URL.Query().Get("id")
	which, err := modelsOf(v, id)
	if err != nil || id == "" {
		return &pageError{cmpText(err, "name a model: id=namespace/name"), http.StatusNotFound}
	}
	ctx, cancel := context.WithTimeout(r.Context(), runnersUpTime)
	defer cancel()
	m := &v.snapshot.Models[which[0]]
	explanation, err := explain.Of(v.snapshot, m.ID(), func() bool { return ctx.Err() != nil })
	if err != nil {
		return err //nolint:wrapcheck // it is known to be there
	}
	ofModel := func(k *past.Keeper, ctx context.Context, r past.Range, end time.Time) (*past.Record, error) {
		return k.ModelRecord(ctx, which[0], r, end)
	}
	record := p.record(r.Context(), v, l, modelWait, ofModel)
	if shorter, ok := console.Shorter(record); ok && !l.Asked {
		l.Range = shorter
		record = p.record(r.Context(), v, l, modelWait, ofModel)
	}
	var latencies []past.Latency
	if record != nil {
		if latencies, err = v.generation.Past.Latencies(ctx, which[0], record); err != nil {
			p.server.logger.Warn("Latencies could not be asked for.", "model", m.ID(), "err", err)
		}
	}
	return p.console.Model(w, l, &console.Model{
		Snapshot: v.snapshot, Index: which[0], Explanation: explanation, Record: record, Latencies: latencies, Findings: findings(r.Context(), v),
	})
}

// finder is an Evaluator that can also find out what models lack that are not wholly known.
type finder interface {
	Findings(ctx context.Context, s *collector.Snapshot) []collector.Finding
}

// findings says what models lack that are not wholly known; nothing where that cannot be asked.
func findings(ctx context.Context, v *view) []collector.Finding {
	f, ok := v.generation.Evaluator.(finder)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, runnersUpTime)
	defer cancel()
	return f.Findings(ctx, v.snapshot)
}

func cmpText(err error, text string) string {
	if err != nil {
		return err.Error()
	}
	return text
}

func (p *pages) inputs(w io.Writer, r *http.Request, v *view) error {
	l, err := p.lookOf(r, v)
	if err != nil {
		return err
	}
	o := &console.Inputs{Snapshot: v.snapshot, Findings: findings(r.Context(), v)}
	if c := v.generation.Config; c != nil && c.Prometheus != nil {
		o.Prometheus = c.Prometheus.ForBrowsers()
	}
	return p.console.Inputs(w, l, o)
}

func (p *pages) configuration(w io.Writer, r *http.Request, v *view) error {
	l, err := p.lookOf(r, v)
	if err != nil {
		return err
	}
	o := &console.Configuration{Explanation: explain.New(v.snapshot), Remarks: withoutSnippets(v.generation.Remarks)}
	if c := v.generation.Config; c != nil {
		o.Lines = c.Lines()
	}
	return p.console.Configuration(w, l, o)
}

func (p *pages) whatIf(w io.Writer, r *http.Request, v *view) error {
	l, err := p.lookOf(r, v)
	if err != nil {
		return err
	}
	form := r.URL.Query()
	o := &console.WhatIf{Snapshot: v.snapshot, Model: form.Get("model"), Form: form}
	if o.Model != "" {
		which, err := modelsOf(v, o.Model)
		if err != nil {
			return &pageError{err.Error(), http.StatusNotFound}
		}
		o.Model = v.snapshot.Models[which[0]].ID()
	} else if len(v.snapshot.Models) > 0 {
		o.Model = v.snapshot.Models[0].ID()
	}
	question, asked, err := console.Question(o.Model, form)
	if err != nil {
		o.Err = err
	} else if asked {
		o.Answer, _, o.Err = p.server.whatIf(r.Context(), v.snapshot, question)
	}
	return p.console.WhatIf(w, l, o)
}
