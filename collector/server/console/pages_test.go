package console_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const llama = "llm/meta-llama/Llama-3.1-8B-Instruct"

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

// settle waits until a page shows all of the past.
func (b *browser) settle(t *testing.T) {
	t.Helper()
	b.do(t, chromedp.WaitNotPresent(chromedp.CSS(".progress[data-more]")))
}

// TestScreens takes pictures of every page at both widths and in both schemes, and holds the console of the browser to silence.
func TestScreens(t *testing.T) {
	s := newStage(t)
	b := newBrowser(t)
	base := s.serve(t, nil)
	for name, address := range addresses() {
		b.open(t, base+address)
		b.settle(t)
		for _, w := range windows() {
			for _, scheme := range []string{"light", "dark"} {
				b.wear(t, w, scheme)
				b.shoot(t, name+"-"+w.name+"-"+scheme)
				b.quiet(t, name)
			}
		}
	}
	s.broken.Store(true)
	s.set(stageNow.Add(time.Minute))
	for name, address := range map[string]string{"down": "/", "down-inputs": "/inputs", "down-model": addresses()["model"]} {
		b.open(t, base+address)
		for _, w := range windows() {
			b.wear(t, w, "light")
			b.shoot(t, name+"-"+w.name)
			b.quiet(t, name)
		}
	}
}
