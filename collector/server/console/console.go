// Package console makes the exporter's pages: what it wants, why, what it costs and what is wrong. It takes plain values and writes HTML;
// it asks for nothing and knows no clock. All that a page needs comes from the exporter itself.
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/common/version"

	"github.com/variant-exporter/variant-exporter/collector/chart"
	"github.com/variant-exporter/variant-exporter/collector/explain"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed assets/app.js assets/icon.svg
var assets embed.FS

// Policy is the content security policy of every page: it loads nothing but what the exporter serves, and runs no script that stands in
// a page.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Console makes pages.
type Console struct {
	pages  map[string]*template.Template
	assets map[string]asset // by name in addresses
	frame  Frame            // what all pages have in common
}

// asset is a file that pages load. Its address has its hash, so that it can be kept for ever.
type asset struct {
	content []byte
	kind    string
	hash    string
}

// Options are what all pages have in common.
type Options struct {
	TelemetryPath string // of the metrics
	Profiles      bool   // there are profiles below /debug/pprof/
}

// New returns a Console.
func New(o Options) *Console {
	c := &Console{pages: map[string]*template.Template{}, assets: loadAssets()}
	layout := template.Must(template.New("layout.html").Funcs(chart.Functions()).Funcs(c.functions()).ParseFS(templates, "templates/layout.html", "templates/parts.html"))
	layout = template.Must(layout.Parse(chart.Figure()))
	for _, page := range []string{"overview", "model", "inputs", "configuration", "whatif", "error"} {
		c.pages[page] = template.Must(template.Must(layout.Clone()).ParseFS(templates, "templates/"+page+".html"))
	}
	c.frame = Frame{Version: versionText(), Links: links(o)}
	return c
}

func loadAssets() map[string]asset {
	all := map[string]asset{}
	add := func(name, kind string, content []byte) {
		sum := sha256.Sum256(content)
		all[name] = asset{content, kind, hex.EncodeToString(sum[:6])}
	}
	own := func(name string) []byte {
		content, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // The file is part of the program.
		}
		return content
	}
	const script, style = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
	add("app.js", script, own("app.js"))
	add("icon.svg", "image/svg+xml", own("icon.svg"))
	add("chart.js", script, chart.File("chart.js"))
	add("style.css", style, chart.File("style.css"))
	add("uplot.js", script, chart.File("uplot/uPlot.iife.min.js"))
	add("uplot.css", style, chart.File("uplot/uPlot.min.css"))
	add("uplot.txt", "text/plain; charset=utf-8", chart.File("uplot/LICENSE"))
	return all
}

// Asset serves a file that pages load, by its name.
func (c *Console) Asset(w http.ResponseWriter, r *http.Request, name string) {
	a, ok := c.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.RawQuery == a.hash {
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	_, _ = w.Write(a.content)
}

// address is where a page finds an asset, from the folder that all pages are in.
func (c *Console) address(name string) string { return "assets/" + name + "?" + c.assets[name].hash }

// write makes a page whole before any of it is sent.
func (c *Console) write(w io.Writer, page string, content any) error {
	var body bytes.Buffer
	if err := c.pages[page].ExecuteTemplate(&body, "layout.html", content); err != nil {
		return fmt.Errorf("make page %s: %w", page, err)
	}
	_, err := w.Write(body.Bytes())
	return err //nolint:wrapcheck // the caller's own
}

// Fail writes what stands in the place of a page: why there is none.
func (c *Console) Fail(w io.Writer, page, text string) error {
	f := c.frame
	f.Title, f.Page, f.Severity, f.Summary = "There is nothing to show", page, explain.SeverityError, strings.TrimSuffix(capital(text), ".")+"."
	return c.write(w, "error", &f)
}

// versionText is the version for people. A program that was built without one is not worth three empty fields.
func versionText() string {
	parts := []string{"a build without a version"}
	if version.Version != "" {
		parts[0] = version.Version
	}
	if r := version.GetRevision(); r != "" && r != "unknown" {
		parts = append(parts, "revision "+r[:min(len(r), 12)])
	}
	return strings.Join(parts, ", ")
}

func links(o Options) []Link {
	all := []Link{
		{strings.TrimPrefix(o.TelemetryPath, "/"), "Metrics"},
		{"api/v1/explain", "Explanation"},
		{"api/v1/plan", "Plan"},
		{"api/v1/inputs", "Inputs"},
		{"api/v1/history", "History"},
		{"-/ready", "Ready"},
		{"-/healthy", "Healthy"},
	}
	if o.Profiles {
		all = append(all, Link{"debug/pprof/", "Profiles"})
	}
	return all
}

// Link is a place that a page leads to.
type Link struct{ Address, Text string }

// clock writes a time as people read it.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }
