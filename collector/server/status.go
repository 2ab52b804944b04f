package server

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/prometheus/common/version"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/explain"
)

var (
	//go:embed status.html
	statusHTML string
	//go:embed status.css
	statusCSS string
)

// status is what the status page shows.
type status struct {
	Version     string
	CSS         template.CSS
	Links       []link
	Severity    explain.Severity
	Summary     string
	Explanation *explain.Explanation // nil where there was no evaluation
	Attention   []explain.Attention
	More        int // models beside those that need attention too
}

// link is a place that the status page leads to.
type link struct{ Address, Text, Description string }

// statusPage shows what one evaluation has found and decided, on a page that needs nothing else.
func (s *Server) statusPage() http.Handler {
	page := statusTemplate()
	base := status{Version: version.Info(), CSS: template.CSS(statusCSS), Links: s.links()} //nolint:gosec // The style sheet is a file of this program.
	hash := sha256.Sum256([]byte(statusCSS))
	policy := fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		base64.StdEncoding.EncodeToString(hash[:]))
	show := func(w http.ResponseWriter, content status, code int) {
		var body bytes.Buffer
		if err := page.Execute(&body, content); err != nil {
			s.logger.Error("Could not make the status page.", "err", err)
			http.Error(w, "The status page could not be made.", http.StatusInternalServerError)
			return
		}
		uncached(w.Header())
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.WriteHeader(code)
		_, _ = w.Write(body.Bytes())
	}
	fail := func(w http.ResponseWriter, text string, code int) {
		content := base
		content.Severity, content.Summary = explain.SeverityError, text
		show(w, content, code)
	}
	return s.evaluated(s.pages, fail, func(w http.ResponseWriter, _ *http.Request, snapshot *collector.Snapshot) {
		content := base
		content.Explanation = explain.New(snapshot)
		content.Severity, content.Summary = content.Explanation.Summary()
		content.Attention, content.More = content.Explanation.Attention()
		show(w, content, http.StatusOK)
	})
}

func (s *Server) links() []link {
	links := []link{
		{s.opts.TelemetryPath, "Metrics", "one evaluation, for Prometheus to scrape"},
		{"/api/v1/explain", "Explanation", "why, as JSON"},
		{"/api/v1/plan", "Plan", "the problem and its solution, for what-if questions with solve"},
		{"/api/v1/inputs", "Inputs", "every query and what became of it"},
		{"/-/ready", "Ready", "whether a first evaluation has been answered"},
		{"/-/healthy", "Healthy", "whether the process answers"},
	}
	if s.opts.EnablePprof {
		links = append(links, link{"/debug/pprof/", "Profiles", "of the process, for pprof"})
	}
	return links
}

func statusTemplate() *template.Template {
	return template.Must(template.New("status").Funcs(template.FuncMap{
		"number": explain.Number, "money": explain.Money, "count": explain.Count, "percent": explain.Percent,
		"share": func(x float64) float64 { return x },
		"used":  func(b collector.Budget) string { return explain.Share(&b) },
		"clock": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	}).Parse(statusHTML))
}
