package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/server"
	"github.com/variant-exporter/variant-exporter/collector/whatif"
	"github.com/variant-exporter/variant-exporter/internal/testclock"
)

const (
	llama = "llm/meta-llama/Llama-3.1-8B-Instruct"
	qwen  = "llm/Qwen/Qwen3-32B"
)

// addresses are a page of each kind.
func addresses() map[string]string {
	return map[string]string{
		"overview":      "/",
		"model":         "/model?id=" + url.QueryEscape(llama),
		"inputs":        "/inputs",
		"configuration": "/configuration",
		"what-if":       "/what-if?model=" + url.QueryEscape(llama) + "&demand.concurrency=700&without.llama-8b-l4=on",
		"past":          "/?at=" + url.QueryEscape(stageNow.Add(-40*time.Minute).Format(time.RFC3339)),
	}
}

// TestBrowser looks at the pages as people do. All of its parts share one browser, which takes longest to start.
func TestBrowser(t *testing.T) {
	b := newBrowser(t)
	b.do(t, chromedp.Navigate("about:blank")) // The browser lives as long as the context of its first step.
	whole := b.Context
	for _, part := range []struct {
		name string
		run  func(*testing.T, *browser)
	}{
		{"screens", screens},
		{"numbers", numbers},
		{"live", live},
		{"question", question},
		{"down", down},
		{"prefix", prefix},
		{"keyboard", keyboard},
		{"large", large},
		{"reports", reports},
		{"odd", odd},
		{"accessible", accessible},
	} {
		t.Run(part.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(whole, 2*time.Minute)
			defer cancel()
			b.Context = ctx
			part.run(t, b)
		})
	}
}

// settle waits until a page is loaded, shows all of the past, and has its charts drawn.
func (b *browser) settle(t *testing.T) {
	t.Helper()
	b.do(t, chromedp.WaitNotPresent(chromedp.CSS(".progress[data-more]")))
	require.Eventually(t, func() bool {
		drawn, err := chromedp.Run(b, chromedp.Evaluate[bool](`document.readyState === 'complete'
			&& [...document.querySelectorAll('figure.chart .plot')].every((p) => !p.checkVisibility() || p.querySelector('canvas') !== null)`))
		return err == nil && drawn
	}, waitFor, 20*time.Millisecond, "the page is loaded and its charts are drawn")
}

// screens takes pictures of every page at both widths and in both schemes. The console of the browser says nothing, nothing is loaded
// from elsewhere, and no page is wider than its window.
func screens(t *testing.T, b *browser) {
	base := newStage(t).serve(t, nil)
	for name, address := range addresses() {
		b.open(t, base+address)
		b.settle(t)
		for _, w := range windows() {
			for _, scheme := range []string{"light", "dark"} {
				b.wear(t, w, scheme)
				b.shoot(t, name+"-"+w.name+"-"+scheme)
			}
			b.fits(t, w, name)
		}
		for _, loaded := range eval[[]string](t, b, "performance.getEntriesByType('resource').map((e) => e.name)") {
			assert.True(t, strings.HasPrefix(loaded, base), loaded)
		}
		if name == "model" {
			assert.InDelta(t, 6, eval[float64](t, b, "document.querySelectorAll('figure.chart canvas').length"), 0, "charts are drawn")
		}
		b.quiet(t, name)
	}
}

// accessible holds every page to the rules of axe-core, where it is there.
func accessible(t *testing.T, b *browser) {
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	script, err := os.ReadFile(filepath.Join(cache, "variant_exporter", "axe-core-4.14.1.min.js"))
	if err != nil {
		t.Skipf("there is no axe-core; make browser-tests fetches it: %v", err)
	}
	base := newStage(t).serve(t, nil)
	pages := addresses()
	pages["error"] = "/model?id=nothing"
	check := func() []string {
		return eval[[]string](t, b, `(async () => (await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'] })).violations
			.map((v) => v.id + ': ' + v.nodes.map((n) => n.html + ' ' + n.failureSummary).join('; ')))()`)
	}
	for name, address := range pages {
		b.open(t, base+address)
		b.settle(t)
		eval[bool](t, b, string(script)+"; true")
		for i, scheme := range []string{"light", "dark"} {
			b.wear(t, windows()[i], scheme)
			assert.Empty(t, check(), "%s, %s", name, scheme)
		}
	}
	eval[bool](t, b, "document.documentElement.removeAttribute('lang'); true")
	assert.NotEmpty(t, check(), "a page without a language is found")
}

// numbers holds what the pages say to what the API says.
func numbers(t *testing.T, b *browser) {
	base := newStage(t).serve(t, nil)
	b.wear(t, windows()[0], "light")
	var e explain.Explanation
	answer(t, base+"/api/v1/explain", http.StatusOK, &e)
	b.open(t, base+"/")
	overview := b.text(t, "#content")
	assert.Contains(t, overview, "Planned "+explain.Money(e.Plan.Cost))
	for _, budget := range e.Budgets {
		assert.Contains(t, overview, fmt.Sprintf("%s of %s %s", explain.Number(budget.Used), explain.Number(budget.Limit), budget.Unit))
	}
	for i := range e.Models {
		m := &e.Models[i]
		assert.Contains(t, overview, m.Name)
		b.open(t, base+"/model?id="+url.QueryEscape(m.ID()))
		text := b.text(t, "#content")
		for j := range m.Variants {
			v := &m.Variants[j]
			_, sentence, _ := strings.Cut(v.Sentence(), ": ")
			assert.Contains(t, strings.ToLower(text), strings.ToLower(sentence))
			row := b.text(t, fmt.Sprintf("table.variants tbody tr:nth-child(%d)", j+1))
			assert.Regexp(t, fmt.Sprintf(`^%s .* %s %s %s$`, v.Name, explain.Count(v.Planned), explain.Count(v.Desired), strings.ReplaceAll(string(v.Reason), "_", " ")), row)
		}
		for j := range m.Signals {
			assert.Contains(t, text, "Planned "+explain.Number(m.Signals[j].Planned))
		}
	}
	// On a phone nothing is left out.
	b.wear(t, windows()[1], "light")
	b.open(t, base+"/model?id="+url.QueryEscape(llama))
	row := b.text(t, "table.variants tbody tr:nth-child(1)")
	assert.Contains(t, row, "3 make before break")
	b.quiet(t, "numbers")
}

// live holds a page of the present to follow it, and one of the past to stay.
func live(t *testing.T, b *browser) {
	s := newStage(t)
	base := s.serve(t, nil)
	look := "document.dispatchEvent(new Event('visibilitychange')); true"
	b.open(t, base+"/")
	require.Contains(t, b.text(t, ".evaluated"), "09:52:00")
	eval[bool](t, b, "window.here = true; document.querySelector('.models a').focus(); true")
	s.clock.Set(stageNow.Add(time.Minute))
	eval[bool](t, b, look)
	// The page itself looks: an element that was found may be replaced before its text is read.
	require.Eventually(t, func() bool {
		return eval[bool](t, b, "document.querySelector('.evaluated').innerText.includes('09:53:00')")
	}, waitFor, 50*time.Millisecond)
	assert.True(t, eval[bool](t, b, "window.here"), "the page was not loaded again")
	assert.Equal(t, "meta-llama/Llama-3.1-8B-Instruct", eval[string](t, b, "document.activeElement.textContent"), "the focus stays")
	assert.InDelta(t, 15, eval[float64](t, b, "Number(document.body.dataset.refresh)"), 0)

	b.open(t, base+addresses()["past"])
	assert.Contains(t, b.text(t, ".past"), "This is the past: 2026-11-03 09:12:00 UTC")
	assert.True(t, eval[bool](t, b, "document.body.dataset.refresh === undefined"))
	b.do(t, chromedp.Click(chromedp.CSS(".past a")), chromedp.WaitNotPresent(chromedp.CSS(".past")))
	assert.Contains(t, b.text(t, ".evaluated"), "09:53:00")
	b.quiet(t, "live")
}

// question fills in the form of a what-if and compares the answer with that of the API.
func question(t *testing.T, b *browser) {
	base := newStage(t).serve(t, nil)
	b.wear(t, windows()[0], "light")
	b.open(t, base+"/what-if?model="+url.QueryEscape(llama))
	b.do(t, chromedp.SendKeys(chromedp.CSS(`[name="demand.concurrency"]`), "700"), chromedp.Click(chromedp.CSS(`[name="without.llama-8b-l4"]`)),
		chromedp.SendKeys(chromedp.CSS(`[name="budget.h200"]`), "14"), chromedp.Click(chromedp.CSS(".ask")), chromedp.WaitReady(chromedp.CSS(".answer")))
	var want whatif.Answer
	demand := 700.0
	ask(t, base, &whatif.Question{
		Demand:  []whatif.Demand{{Model: llama, Signal: "concurrency", Value: &demand}},
		Budgets: []whatif.Budget{{Budget: "h200", Limit: 14}},
		Without: []whatif.Variant{{Model: llama, Variant: "llama-8b-l4"}},
	}, http.StatusOK, &want)
	assert.Equal(t, explain.Money(&want.Cost.After), b.text(t, "#then"))
	text := b.text(t, ".answer")
	assert.Contains(t, text, "Other models that change")
	assert.Contains(t, text, qwen)
	for _, v := range want.Models[0].Variants {
		assert.Contains(t, text, fmt.Sprintf("%s %v %v", v.Name, v.Replicas.Before, v.Replicas.After))
	}
	assert.Equal(t, "700", eval[string](t, b, `document.querySelector('[name="demand.concurrency"]').value`), "what was filled in stays")

	b.open(t, base+"/what-if?demand.concurrency=much")
	assert.Contains(t, b.text(t, "#content"), `"much" is not a number`)
	b.quiet(t, "question")
}

// down holds that a Prometheus that does not answer is shown as such, with what was known before.
func down(t *testing.T, b *browser) {
	s := newStage(t)
	base := s.serve(t, nil)
	b.open(t, base+"/")
	b.settle(t)
	s.broken.Store(true)
	s.clock.Set(stageNow.Add(time.Minute))
	for name, address := range map[string]string{"down": "/", "down-inputs": "/inputs", "down-model": addresses()["model"]} {
		b.open(t, base+address)
		assert.Equal(t, "error", eval[string](t, b, "document.querySelector('.banner').className.split(' ').at(-1)"), name)
		assert.Contains(t, b.text(t, "#content"), "connection", name)
		for _, w := range windows() {
			for _, scheme := range []string{"light", "dark"} {
				b.wear(t, w, scheme)
				b.shoot(t, name+"-"+w.name+"-"+scheme)
			}
		}
	}
	b.open(t, base+"/")
	text := b.text(t, "#content")
	assert.Contains(t, text, "Nothing is decided: autoscalers hold.")
	assert.Contains(t, text, "no input has an answer")
	assert.NotContains(t, text, "Look at", "the one cause has been said")
	assert.Contains(t, text, "inputs: connection: post \"http://prometheus.monitoring:9090/api/v1/query\": dial tcp 10.0.0.7:9090: connect: connection refused")
	assert.InDelta(t, 3, eval[float64](t, b, "document.querySelectorAll('.spark').length"), 0, "the past is still there")
	b.quiet(t, "down")
}

// prefix holds the pages to work behind a proxy that has them in a folder, whether or not it takes the folder off the path.
func prefix(t *testing.T, b *browser) {
	for name, tc := range map[string]struct {
		change func(*server.Options)
		strip  string
	}{
		"stripped": {nil, "/tools/variants"},
		"left":     {func(o *server.Options) { o.ExternalURL = "https://example.com/tools/variants/" }, ""},
		"partly":   {func(o *server.Options) { o.RoutePrefix = "/variants" }, "/tools"},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := url.Parse(newStage(t).serve(t, tc.change))
			require.NoError(t, err)
			proxy := httptest.NewServer(http.StripPrefix(tc.strip, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}))
			defer proxy.Close()
			inFolder(t, b, proxy.URL+"/tools/variants/")
		})
	}
}

// inFolder goes through the pages of a console in a folder.
func inFolder(t *testing.T, b *browser, folder string) {
	t.Helper()
	at := func(part, link string) {
		require.Eventually(t, func() bool {
			there, err := chromedp.Run(b, chromedp.Evaluate[bool](fmt.Sprintf("document.querySelector('nav [aria-current]')?.textContent === %q && document.readyState === 'complete'", link)))
			return err == nil && there // a page that is being left cannot be asked
		}, waitFor, 20*time.Millisecond, link)
		address := eval[string](t, b, "location.href")
		assert.True(t, strings.HasPrefix(address, folder+part), address)
		assert.NotEqual(t, "rgba(0, 0, 0, 0)", eval[string](t, b, "getComputedStyle(document.querySelector('header')).borderBottomColor"))
	}
	b.open(t, strings.TrimSuffix(folder, "/")+"//inputs") // net/http cleans paths by a redirect
	at("inputs", "Inputs")
	b.open(t, folder)
	b.settle(t)
	assert.InDelta(t, 3, eval[float64](t, b, "document.querySelectorAll('.models tbody tr').length"), 0)
	for _, link := range []string{"Inputs", "What if", "Configuration", "Overview"} {
		eval[bool](t, b, fmt.Sprintf("[...document.querySelectorAll('nav a')].find((a) => a.textContent === %q).click(); true", link))
		at("", link)
	}
	b.open(t, folder+strings.TrimPrefix(addresses()["model"], "/"))
	b.settle(t)
	assert.Positive(t, eval[float64](t, b, "document.querySelectorAll('.plot canvas').length"), "charts are drawn")
	b.open(t, folder+"what-if")
	b.do(t, chromedp.SendKeys(chromedp.CSS(`[name="all"]`), "2"), chromedp.Click(chromedp.CSS(".ask")), chromedp.WaitReady(chromedp.CSS(".answer")))
	at("what-if?", "What if")
	b.open(t, folder+strings.TrimPrefix(addresses()["past"], "/"))
	b.do(t, chromedp.Click(chromedp.CSS(".past a")), chromedp.WaitNotPresent(chromedp.CSS(".past")))
	at("", "Overview")
	links := eval[[]string](t, b, "[...document.querySelectorAll('footer a')].map((a) => a.href)")
	assert.NotEmpty(t, links)
	for _, link := range links {
		resp, err := http.Get(link)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusOK, resp.StatusCode, link)
	}
	b.quiet(t, folder)
}

// keyboard goes through a page without a mouse: first past the navigation, then through everything that can be used.
func keyboard(t *testing.T, b *browser) {
	base := newStage(t).serve(t, nil)
	b.wear(t, windows()[0], "light")
	b.open(t, base+"/")
	b.settle(t)
	b.do(t, chromedp.KeyEvent("\t"))
	assert.Equal(t, "skip", eval[string](t, b, "document.activeElement.className"))
	var reached []string
	for range 40 {
		b.do(t, chromedp.KeyEvent("\t"))
		at := eval[[]string](t, b, "(() => { const e = document.activeElement; return [e === document.body ? '' : e.textContent || e.name, getComputedStyle(e).outlineStyle]; })()")
		if at[0] == "" {
			break
		}
		assert.NotEqual(t, "none", at[1], "%s shows that it has the focus", at[0])
		reached = append(reached, at[0])
	}
	for _, want := range []string{"Overview", "Inputs", "at", "Show", "Qwen/Qwen3-32B", "Metrics"} {
		assert.Contains(t, reached, want)
	}
	b.quiet(t, "keyboard")
}

// answer is an answer of the API.
func answer(t *testing.T, address string, status int, into any) {
	t.Helper()
	resp, err := http.Get(address)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	decodeAnswer(t, resp, status, into)
}

func decodeAnswer(t *testing.T, resp *http.Response, status int, into any) {
	t.Helper()
	require.Equal(t, status, resp.StatusCode)
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	require.NoError(t, json.NewDecoder(resp.Body).Decode(into))
}

// ask asks the API a what-if question.
func ask(t *testing.T, base string, question any, status int, into any) {
	t.Helper()
	body, err := json.Marshal(question)
	require.NoError(t, err)
	resp, err := http.Post(base+"/api/v1/what-if", "application/json", strings.NewReader(string(body)))
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	decodeAnswer(t, resp, status, into)
}

// TestChartsOfAYoungStore: of a store that began minutes ago, the charts have its minutes, and not hours of which nothing is known. Who asks
// for hours gets them.
func TestChartsOfAYoungStore(t *testing.T) {
	s := newStage(t)
	s.clock = testclock.New(stageBegin.Add(4 * time.Minute))
	base := s.serve(t, func(o *server.Options) { o.HistoryRange = "6h" })
	axis := func(query string) (from time.Time, times int) {
		var chart struct {
			From  int64
			Times []int64
		}
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			resp, err := http.Get(base + addresses()["model"] + query)
			require.NoError(c, err)
			defer func() { require.NoError(c, resp.Body.Close()) }()
			page, err := io.ReadAll(resp.Body)
			require.NoError(c, err)
			body := string(page)
			_, text, found := strings.Cut(body, `<script type="application/json">`)
			require.True(c, found)
			text, _, _ = strings.Cut(text, "</script>")
			require.NoError(c, json.Unmarshal([]byte(text), &chart))
			require.NotContains(c, body, "The past is being worked out")
		}, waitFor, 50*time.Millisecond)
		return time.Unix(chart.From, 0), len(chart.Times)
	}
	from, times := axis("")
	require.WithinDuration(t, stageBegin, from, 30*time.Second)
	require.Greater(t, times, 20, "four minutes in steps of ten seconds")
	from, _ = axis("&range=24h")
	require.WithinDuration(t, stageBegin.Add(-24*time.Hour), from, time.Hour)
}
